"""Embedding by an endpoint: a real server on the loopback address, which also misbehaves."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mailquery.embedding.openai_compatible import TRIES, OpenAIEmbedder
from mcpkit.errors import ErrorCode, Fault

KEY = "sk-secret-of-the-test"
Answer = Callable[[dict[str, Any]], Response]


def embedded(asked: dict[str, Any], dimensions: int = 4) -> Response:
    """The vector of a text is of its length, so that a test can tell which is which; given in reverse order."""
    data = [
        {"object": "embedding", "index": index, "embedding": [float(len(text)), 1.0, *([0.0] * (dimensions - 2))]}
        for index, text in enumerate(asked["input"])
    ]
    return JSONResponse({"object": "list", "data": data[::-1], "model": asked["model"]})


@dataclass
class Endpoint:
    """Answers as the script says, and after its end as it should."""

    url: str
    script: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("authorization", ""))
        return self.script.pop(0)(self.asked[-1]) if self.script else embedded(self.asked[-1])

    def embedder(self, **changed: Any) -> OpenAIEmbedder:
        options: dict[str, Any] = {"key": KEY, "dimensions": None, "batch": 3, "timeout": 5.0}
        return OpenAIEmbedder(self.url, "model-x", **(options | changed))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    made = Endpoint(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")
    app = Starlette(routes=[Route("/v1/embeddings", made.answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def status(code: int, **headers: str) -> Answer:
    return lambda asked: PlainTextResponse(
        "texts and keys " + KEY, code, {k.replace("_", "-"): v for k, v in headers.items()}
    )


async def test_texts_are_sent_in_batches_and_come_back_in_their_order(endpoint: Endpoint) -> None:
    vectors = await endpoint.embedder().embed(["a", "bbb", "", "\ud83d" * 5, "ccccccc"])
    assert [len(asked["input"]) for asked in endpoint.asked] == [3, 2]
    assert vectors[:, 0] / vectors[:, 1] == pytest.approx([1, 3, 1, 5, 7])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert vectors.dtype == np.float32
    assert set(endpoint.keys) == {f"Bearer {KEY}"}
    assert {asked["model"] for asked in endpoint.asked} == {"model-x"}
    assert "dimensions" not in endpoint.asked[0]


async def test_no_key_is_sent_where_none_is_set(endpoint: Endpoint) -> None:
    await endpoint.embedder(key=None).embed(["a"])
    assert endpoint.keys == [""]


async def test_dimensions_are_asked_for_and_checked(endpoint: Endpoint) -> None:
    await endpoint.embedder(dimensions=4).embed(["a"])
    assert endpoint.asked[0]["dimensions"] == 4
    with pytest.raises(Fault, match="gave 4 dimensions where 8 were expected") as caught:
        await endpoint.embedder(dimensions=8).embed(["a"])
    assert caught.value.code is ErrorCode.CONFIGURATION


async def test_dimensions_may_not_change_between_answers(endpoint: Endpoint) -> None:
    embedder = endpoint.embedder()
    await embedder.embed(["a"])
    assert embedder.dimensions == 4
    endpoint.script = [lambda asked: embedded(asked, 6)]
    with pytest.raises(Fault, match="gave 6 dimensions"):
        await embedder.embed(["b"])


async def test_a_server_that_is_busy_is_asked_again_when_it_says(endpoint: Endpoint) -> None:
    endpoint.script = [status(429, Retry_After="0.2"), status(500)]
    started = asyncio.get_running_loop().time()
    assert (await endpoint.embedder().embed(["abc"])).shape == (1, 4)
    assert len(endpoint.asked) == 3
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_a_server_that_stays_broken_is_reported_without_its_words(endpoint: Endpoint) -> None:
    endpoint.script = [status(503, Retry_After="0")] * TRIES
    with pytest.raises(Fault, match="answered 503") as caught:
        await endpoint.embedder().embed(["abc"])
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert caught.value.retry_after
    assert KEY not in caught.value.message
    assert len(endpoint.asked) == TRIES


async def test_a_long_wait_is_left_to_the_caller(endpoint: Endpoint) -> None:
    endpoint.script = [status(429, Retry_After="3600")]
    with pytest.raises(Fault) as caught:
        await endpoint.embedder().embed(["abc"])
    assert caught.value.retry_after == 3600
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(("code", "remedy"), [(401, "API_KEY"), (404, "BASE_URL"), (400, "settings")])
async def test_a_refusal_is_not_repeated_and_says_what_to_set(endpoint: Endpoint, code: int, remedy: str) -> None:
    endpoint.script = [status(code)]
    with pytest.raises(Fault, match=remedy) as caught:
        await endpoint.embedder().embed(["abc"])
    assert caught.value.code is ErrorCode.CONFIGURATION
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda asked: PlainTextResponse("<html>", 200),
        lambda asked: JSONResponse({"error": "no"}),
        lambda asked: JSONResponse({"data": []}),
        lambda asked: JSONResponse({"data": [{"index": 0, "embedding": "AAAA"}]}),
        lambda asked: JSONResponse({"data": [{"index": 0, "embedding": [1.0, None]}]}),
        lambda asked: JSONResponse([1, 2]),
    ],
)
async def test_an_answer_of_another_kind_is_a_fault(endpoint: Endpoint, answer: Answer) -> None:
    endpoint.script = [answer]
    with pytest.raises(Fault) as caught:
        await endpoint.embedder().embed(["abc"])
    assert caught.value.code is ErrorCode.CONFIGURATION


@contextlib.asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """A server that takes requests and never answers."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda reader, writer: held.append(writer), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        for writer in held:
            writer.close()
        server.close()


async def test_a_server_that_does_not_answer_is_a_timeout() -> None:
    async with silent() as url:
        embedder = OpenAIEmbedder(url, "m", key=None, dimensions=None, batch=8, timeout=0.05)
        with pytest.raises(Fault, match=r"did not answer within 0\.05 seconds") as caught:
            await embedder.embed(["abc"])
    assert caught.value.code is ErrorCode.TIMEOUT


async def test_a_server_that_is_not_there_is_named() -> None:
    embedder = OpenAIEmbedder("http://127.0.0.1:9/v1", "m", key=None, dimensions=None, batch=8, timeout=1.0)
    with pytest.raises(Fault, match=r"127\.0\.0\.1:9/v1/embeddings cannot be reached") as caught:
        await embedder.embed(["abc"])
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
