"""Models of the library `sentence-transformers`: slower and larger than word vectors, and better at whole sentences."""

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mailquery.embedding import chunks
from mcpkit.errors import ErrorCode, Fault

if TYPE_CHECKING:
    from mailquery.embedding.interfaces import Vectors

NEEDED = ("numpy", "sentence_transformers")  # as they are imported


class SentenceTransformerEmbedder:
    """`Embedder`. `model` is the folder of a model, or a name under which the library has it or can fetch it; it is
    loaded when the first text is embedded."""

    def __init__(self, model: str, *, batch: int) -> None:
        self.name = f"sentence-transformer:{model}/chunks-{chunks.VERSION}"
        self.dimensions: int | None = None
        self._model_name = model
        self._batch = batch
        self._model: Any = None
        self._one_at_a_time = threading.Lock()  # the library promises nothing about threads

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        return await asyncio.to_thread(self._embed, texts)

    def _embed(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        with self._one_at_a_time:
            if self._model is None:
                self._model = self._load()
                self.dimensions = int(self._model.get_sentence_embedding_dimension())
            if not texts:
                return np.zeros((0, self.dimensions or 0), np.float32)
            vectors: Vectors = self._model.encode(
                [text.encode("utf-8", "replace").decode() for text in texts],
                batch_size=self._batch,
                convert_to_numpy=True,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        return np.asarray(vectors, np.float32)

    def _load(self) -> Any:
        try:
            # The library has no annotations that its absence would leave usable.
            from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]  # optional

            return SentenceTransformer(self._model_name)
        except Exception as error:  # it raises whatever its many parts raise
            raise Fault(
                ErrorCode.CONFIGURATION,
                f"The sentence transformer {self._model_name} cannot be loaded ({type(error).__name__}). Install "
                "sentence-transformers, and set MAILQUERY_MEANING__NAME to the folder of a model.",
            ) from error
