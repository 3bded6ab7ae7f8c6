"""Any endpoint that speaks OpenAI's embeddings API: `POST {base}/embeddings` with `model` and a list of inputs.

The texts of messages leave this machine for the endpoint that was set; without such a setting nothing is sent.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mailquery.embedding import chunks
from mcpkit.errors import ErrorCode, Fault

if TYPE_CHECKING:
    import httpx2
    import numpy as np
    from numpy.typing import NDArray

    from mailquery.embedding.interfaces import Vectors

NEEDED = ("numpy", "httpx2")
TRIES = 4
_FIRST_PAUSE = 0.5  # seconds before the second try, doubled for each further one
_LONGEST_PAUSE = 20.0  # seconds: a server that wants more is left alone, and tried again later by the caller
_TEXT_CHARS = 6_000  # of one text: endpoints refuse what their model cannot hold
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})


class OpenAIEmbedder:
    """`Embedder`. `key` is sent as a bearer token and shown nowhere. `batch` is the number of texts in one request, and
    `timeout` in seconds is for one; a request that fails for a passing reason is made again, `TRIES` times in all, as
    late as the server's Retry-After asks for."""

    def __init__(
        self, base_url: str, model: str, *, key: str | None, dimensions: int | None, batch: int, timeout: float
    ) -> None:
        size = f":{dimensions}" if dimensions else ""
        self.name = f"openai:{model}{size}/chunks-{chunks.VERSION}"
        self.dimensions = dimensions
        self._url = base_url.rstrip("/") + "/embeddings"
        self._model = model
        self._asked_dimensions = dimensions
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._batch = batch
        self._timeout = timeout

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        import httpx2
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions or 0), np.float32)
        parts = []
        async with httpx2.AsyncClient(timeout=self._timeout, headers=self._headers) as client:
            for start in range(0, len(texts), self._batch):
                part = [_sendable(text) for text in texts[start : start + self._batch]]
                parts.append(self._vectors(await self._ask(client, part), len(part)))
        vectors = np.concatenate(parts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors

    async def _ask(self, client: "httpx2.AsyncClient", texts: list[str]) -> Any:
        """The decoded answer to one request."""
        import httpx2

        body: dict[str, object] = {"model": self._model, "input": texts, "encoding_format": "float"}
        if self._asked_dimensions:
            body["dimensions"] = self._asked_dimensions
        for tried in range(1, TRIES + 1):
            asked_pause = None
            try:
                response = await client.post(self._url, json=body)
            except httpx2.TimeoutException:
                problem = Fault(ErrorCode.TIMEOUT, f"{self._where} did not answer within {self._timeout:g} seconds.")
            except (httpx2.TransportError, httpx2.InvalidURL) as error:
                problem = Fault(
                    ErrorCode.SERVICE_UNAVAILABLE,
                    f"{self._where} cannot be reached ({type(error).__name__}). Is MAILQUERY_MEANING__BASE_URL right?",
                )
            else:
                if response.is_success:
                    return _decoded(response, self._where)
                asked_pause = _retry_after(response.headers)
                problem = self._refused(response.status_code, asked_pause)
            pause = asked_pause if asked_pause is not None else _FIRST_PAUSE * 2 ** (tried - 1)
            if problem.code is ErrorCode.CONFIGURATION or tried == TRIES or pause > _LONGEST_PAUSE:
                raise problem
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    @property
    def _where(self) -> str:
        return f"The embedding endpoint {self._url}"

    def _refused(self, status: int, retry_after: float | None) -> Fault:
        """What the body of the answer says is not passed on: it may repeat the texts or the key."""
        if status in _PASSING:
            return Fault(
                ErrorCode.SERVICE_UNAVAILABLE, f"{self._where} answered {status}.", retry_after=retry_after or 30.0
            )
        remedy = {
            401: "Set MAILQUERY_MEANING__API_KEY to a valid key.",
            403: "The key may not use this model.",
            404: "Check MAILQUERY_MEANING__BASE_URL and MAILQUERY_MEANING__NAME.",
        }.get(status, "Check the settings of MAILQUERY_MEANING.")
        return Fault(ErrorCode.CONFIGURATION, f"{self._where} answered {status}. {remedy}")

    def _vectors(self, answer: Any, count: int) -> "NDArray[np.float32]":
        """The vectors of an answer in the order of the texts: `data` holds objects with `index` and `embedding`."""
        import numpy as np

        try:
            entries = sorted(answer["data"], key=lambda entry: int(entry["index"]))
            vectors = np.array([entry["embedding"] for entry in entries], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._malformed("gave no list of embeddings") from error
        if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
            raise self._malformed(f"was asked for {count} embeddings and gave something else")
        if self.dimensions is not None and vectors.shape[1] != self.dimensions:
            raise self._malformed(
                f"gave {vectors.shape[1]} dimensions where {self.dimensions} were expected; check "
                "MAILQUERY_MEANING__DIMENSIONS"
            )
        self.dimensions = vectors.shape[1]
        return vectors

    def _malformed(self, what: str) -> Fault:
        return Fault(ErrorCode.CONFIGURATION, f"{self._where} {what}.")


def _sendable(text: str) -> str:
    """Endpoints refuse an empty text."""
    return text[:_TEXT_CHARS].encode("utf-8", "replace").decode() or " "


def _decoded(response: "httpx2.Response", where: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Fault(ErrorCode.CONFIGURATION, f"{where} answered with something that is not JSON.") from error


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds (RFC 9110, section 10.2.3). The form with a date is not used by these endpoints, and counts as absent."""
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return None
