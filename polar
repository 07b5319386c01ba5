#!/bin/sh
# The one command of this repository. Needs Python 3.11 or newer; brings everything else itself.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$root"
unset PYTHONDONTWRITEBYTECODE || true

python=""
for candidate in python3 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    echo "polar needs Python 3.11 or newer; on Debian: apt-get install python3 python3-venv" >&2
    exit 3
fi

# The packages' interpreter: the system's own where it is new enough, and whole (Debian has a minimal one, too).
# Distributions compile theirs with a profile; one that was compiled by hand, as version managers do, is a fifth slower.
interpreter=$python
if [ -x /usr/bin/python3 ] &&
    /usr/bin/python3 -c 'import sys, ctypes, sqlite3, ssl; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    interpreter=/usr/bin/python3
fi

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv="$root/.polar/uv/bin/uv"
    if [ ! -x "$uv" ]; then
        echo "· installing uv into .polar/uv" >&2
        mkdir -p .polar
        if ! "$python" -m venv .polar/uv >/dev/null 2>.polar/uv.log; then
            rm -rf .polar/uv
            if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
                { apt-get update -qq && apt-get install -y -qq python3-venv; } >.polar/uv.log 2>&1 </dev/null || true
            fi
            if ! "$python" -m venv .polar/uv >>.polar/uv.log 2>&1; then
                rm -rf .polar/uv
                echo "polar cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
                exit 3
            fi
        fi
        if ! .polar/uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9' >>.polar/uv.log 2>&1; then
            cat .polar/uv.log >&2
            echo "polar could not install uv with pip: see above" >&2
            exit 1
        fi
    fi
fi
export POLAR_UV="$uv"

# The environment is brought up to date when the lock file, or a package's declaration, has changed.
stamp=$(cat uv.lock pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml tools/*/pyproject.toml | cksum)
if [ ! -x .venv/bin/python ] || [ "$(cat .venv/polar-stamp 2>/dev/null)" != "$stamp" ]; then
    echo "· installing the packages of uv.lock into .venv" >&2
    if ! "$uv" sync --quiet --all-packages --frozen --compile-bytecode --python "$interpreter"; then
        echo "polar could not install its packages: see above, then run ./polar again" >&2
        exit 1
    fi
    echo "$stamp" > .venv/polar-stamp
fi
exec .venv/bin/python -m polar_cli "$@"
