"""What the services need of a model that embeds text. One implementation per kind of model, each in a file of its own.

Nothing here imports numpy: a server is started for every conversation, and most of them never need it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Embeds texts. Made without loading anything; the first call of `embed` loads the model or makes the connection.

    `name` identifies everything that a vector depends on (the model, its dimensions, how messages are cut into chunks):
    vectors with another name are made anew. `dimensions` is None until a model whose dimensions nobody declared has
    embedded its first text.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int | None: ...

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """An array of shape (len(texts), dimensions): rows of length 1, or of zeros for a text in which the model knows
        nothing.

        Raises Fault CONFIGURATION for a model that cannot be used as it is set up, SERVICE_UNAVAILABLE (with
        `retry_after` in seconds) where it does not answer now, TIMEOUT.
        """
        ...
