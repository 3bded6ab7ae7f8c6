"""The official SDK without what a server over STDIO has no use for."""

import sys
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_PACKAGES = ("mcp", "mcp.server")  # each before what lies in it


def import_only_what_is_used() -> None:
    """Puts off what these packages import for the convenience of their users: the SDK's clients and its high-level
    server, with all that those import, are a tenth of the time that a start over STDIO takes. Their modules are
    imported as ever, and whoever asks a package for such a name gets it, and all of them."""
    for name in _PACKAGES:
        spec = None if name in sys.modules else find_spec(name)
        if spec is not None:
            package = module_from_spec(spec)
            package.__getattr__ = _Whole(package)  # type: ignore[method-assign]  # PEP 562
            sys.modules[name] = package
            parent, _, own = name.rpartition(".")
            if parent:  # as the import of a submodule leaves it
                setattr(sys.modules[parent], own, package)


class _Whole:
    """Imports the package as it is at the first name that it lacks."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package

    def __call__(self, name: str) -> object:
        spec = self._package.__spec__
        if name.startswith("__") or spec is None or spec.loader is None:
            raise AttributeError(f"module {self._package.__name__!r} has no attribute {name!r}")
        del self._package.__getattr__
        spec.loader.exec_module(self._package)
        return getattr(self._package, name)
