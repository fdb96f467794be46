#!/bin/sh
# Make .venv hold what uv.lock says. Needs a Python >= 3.12, or uv, which can fetch one.
# Arguments go to `uv sync`: --no-dev --inexact installs what running the site needs, and leaves the rest alone.
set -eu
cd "$(dirname "$0")/.."
UV_PIN='uv>=0.13,<0.14'

works() { "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; }

find_python() {
    # A name on PATH may be a pyenv shim that only prints an error, so each one is tried before it is trusted.
    pyenv="${PYENV_ROOT:-$HOME/.pyenv}/versions"
    for candidate in ${PYTHON:-} python3.13 "$pyenv"/3.13*/bin/python3 python3.14 python3.12 python3 \
        "$pyenv"/3.1[2-9]*/bin/python3 \
        /opt/homebrew/bin/python3.1[2-9] /usr/local/bin/python3.1[2-9]; do
        if works "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

make_environment() {
    echo "Setting up Python in .venv." >&2
    rm -rf .venv
    "$1" -m venv .venv
}

if works .venv/bin/python; then
    python=.venv/bin/python
else
    python=$(find_python)
    [ -z "$python" ] || make_environment "$python"
fi

if [ -n "$python" ]; then
    if ! .venv/bin/uv --version >/dev/null 2>&1; then
        .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "$UV_PIN"
    fi
    # Compiled here, once: where Python may not write (PYTHONDONTWRITEBYTECODE), each process would do it anew, for 3 s.
    # Named by its path, or uv would look for another Python and make the environment anew.
    UV_PYTHON=.venv/bin/python .venv/bin/uv sync --frozen --quiet --compile-bytecode "$@"
elif uv --version >/dev/null 2>&1; then
    uv sync --frozen --quiet --compile-bytecode "$@"
else
    cat >&2 <<'HINT'
config/setup.sh: there is no Python 3.12 or newer here with its venv module, and no uv that could fetch one.
  Debian, Ubuntu:  sudo apt install python3-venv   (Debian 13, Ubuntu 24.04 or newer)
  macOS:           brew install python@3.13
  elsewhere:       install uv, https://docs.astral.sh/uv/
A Python in an unusual place is found with PYTHON=/path/to/python3.13
HINT
    exit 1
fi
