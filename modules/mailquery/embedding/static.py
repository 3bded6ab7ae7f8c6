"""Word vectors that need no network and no model to run: a text is the mean of its tokens' vectors.

The vectors and their tokenizer are files in the package `wordllama`. Nothing of its code is run: importing it takes
long, and its loader looks for the tokenizer on a hub.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mailquery.embedding import chunks
from mcpkit.errors import ErrorCode, Fault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mailquery.embedding.interfaces import Vectors

DIMENSIONS = 256
MOST_TOKENS = 512  # of a text that count
NEEDED = ("numpy", "safetensors", "tokenizers", "wordllama")

_PACKAGE = "wordllama"
_WEIGHTS = f"weights/l2_supercat_{DIMENSIONS}.safetensors"
_TENSOR = "embedding.weight"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_AT_ONCE = 64  # texts; their tokens' vectors are in memory at the same time, about 0.25 MB a text
_LONGEST = 16 * MOST_TOKENS  # characters of a text that the tokenizer is given
_FEW = 500  # characters, such as a query's: to hand them to a thread takes longer than to embed them


class StaticEmbedder:
    """`Embedder`. The files are read when the first text is embedded; 16 MB stay in memory."""

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self.name = f"wordllama-l2-supercat-{DIMENSIONS}/chunks-{chunks.VERSION}"
        self._model: _Model | None = None
        self._loading = threading.Lock()

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        if self._model is not None and len(texts) == 1 and len(texts[0]) <= _FEW:
            return self._model.embed(texts)
        return await asyncio.to_thread(self._embed, texts)

    def _embed(self, texts: Sequence[str]) -> "Vectors":
        with self._loading:
            if self._model is None:
                self._model = _Model()
        return self._model.embed(texts)


class _Model:
    def __init__(self) -> None:
        # The tokenizer's own threads do not survive a fork, and a server leaves the other cores to those who search.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        folder = _package_folder()
        try:
            import numpy as np
            from safetensors import safe_open
            from tokenizers import Tokenizer

            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
            with safe_open(str(folder / _WEIGHTS), "np") as tensors:
                matrix: NDArray[np.float16] = tensors.get_tensor(_TENSOR)
        except Exception as error:  # the libraries raise bare exceptions for a file that is missing or not theirs
            raise Fault(
                ErrorCode.CONFIGURATION,
                f"The word vectors of the package {_PACKAGE} cannot be read. Install mailquery[semantic] again.",
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._matrix = _weighted(matrix)

    def embed(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for start in range(0, len(texts), _AT_ONCE):
            # A lone surrogate, which mail can hold, is no text to the tokenizer.
            part = [text[:_LONGEST].encode("utf-8", "replace").decode() for text in texts[start : start + _AT_ONCE]]
            encoded = self._tokenizer.encode_batch_fast(part, add_special_tokens=False)
            for row, tokens in enumerate(encoded, start):
                if ids := tokens.ids[:MOST_TOKENS]:
                    vectors[row] = self._matrix[ids].sum(axis=0, dtype=np.float32)
        # Only the direction counts, so that the sum serves as well as the mean.
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors


def _weighted(matrix: "NDArray[np.float16]") -> "NDArray[np.float16]":
    """The vectors by what their tokens count for in a mean. These were trained to be averaged as they are."""
    return matrix


def _package_folder() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"The package {_PACKAGE} is not installed. Install mailquery[semantic], or set MAILQUERY_MEANING__ENABLED "
            "to false.",
        )
    return Path(spec.origin).parent
