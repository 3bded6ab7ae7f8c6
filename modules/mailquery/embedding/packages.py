"""Which of the packages that are not always installed are there."""

from collections.abc import Sequence
from importlib.util import find_spec


def missing(names: Sequence[str]) -> list[str]:
    """Those of the packages that are not installed. Imports none of them."""
    return [name for name in names if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # something keeps it from being imported
        return False
