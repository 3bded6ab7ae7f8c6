"""The benchmarks are programs of the project, not part of what is installed: their folder is put on the path here."""

import sys
from pathlib import Path

_BENCH = str(Path(__file__).parents[3] / "bench")
if _BENCH not in sys.path:
    sys.path.insert(0, _BENCH)
