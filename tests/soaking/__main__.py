"""python -m soaking, which `bench/soak` runs"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from soaking.soak import soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/soak", description="Everything at once on one archive, with kills.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=1.0, help="the time between two actions is times this")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailquery-soak-") as folder:
        done = soak(Path(folder), seconds=60 * chosen.minutes, seed=chosen.seed, pace=chosen.pace)
    sys.stdout.write(json.dumps(done.figures, indent=2) + "\n")
    for violation in done.violations:
        sys.stderr.write(f"VIOLATED: {violation}\n")
    if chosen.json:
        chosen.json.write_text(json.dumps({"violations": done.violations, **done.figures}, indent=2) + "\n")
    if not done.violations:
        sys.stdout.write("Every message was found, once, and is what was put in.\n")
    return 1 if done.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
