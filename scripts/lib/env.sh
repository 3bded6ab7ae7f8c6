# Sourced by the scripts beside it. Sets ROOT, the checkout's folder, and gives `environment` (scripts/lib/environment.py).
# shellcheck shell=bash

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)"
VENV="$ROOT/.venv"

_recent() { # a Python that runs at all, of a version that will do
  "$1" -I -S -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

_find_python() {
  local name
  # The environment's own first: it starts quicker than a version manager's shim.
  for name in "$VENV/bin/python" python3 python3.14 python3.13 python3.12 python3.11 python; do
    if _recent "$name"; then
      printf '%s\n' "$name"
      return
    fi
  done
  echo "mailquery needs Python 3.11 or newer, and none was found. Install one (https://www.python.org/downloads/) and try again." >&2
  return 1
}

environment() { # runtime | dev | uv
  local python
  python="$(_find_python)" || return 1
  "$python" -I -S "$ROOT/scripts/lib/environment.py" "$@"
}
