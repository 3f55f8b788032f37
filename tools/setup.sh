# Sourced by tools/demo and tools/check: make .venv and install this checkout into it. Does nothing the second time.
#   setup EXTRAS    e.g. setup train,report

unset PYTHONDONTWRITEBYTECODE # what is installed is compiled when it is first imported, and kept

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 2; }

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "no Python 3.11 or newer with venv found; install one (Debian: apt install python3-venv) or name it: PYTHON=/path/to/python3 $0"
}

setup() {
    local extras=$1 python stamp
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
        python=$(find_python)
        say "making .venv with $("$python" --version)"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    stamp=.venv/installed-$(printf '%s' "$extras" | tr -c 'a-z0-9' '-')-$(cat pyproject.toml tools/constraints.txt tools/setup.sh <(pwd -P) | sha256sum | cut -c1-16)
    if [ ! -e "$stamp" ]; then
        say "installing edgenas[$extras] into .venv (a few minutes the first time)"
        .venv/bin/python -m pip install --quiet --quiet --no-compile --disable-pip-version-check --constraint tools/constraints.txt --editable ".[$extras]"
        touch "$stamp"
    fi
}
