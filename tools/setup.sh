# Functions for tools/demo and tools/check, which source this file: make .venv and install this checkout into it. The
# second time, nothing is installed.
#   setup EXTRAS [VENV PYTHON]    e.g. setup train,int8

unset PYTHONDONTWRITEBYTECODE # installed packages are compiled at their first import, and the result is kept

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

# Print a supported Python of another version than .venv: the newest on this machine, or the oldest where .venv has the
# newest. Print nothing where there is none. It searches PATH and the versions of pyenv.
other_python() {
    local candidate version own found=
    own=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    found=$(for candidate in python3.11 python3.12 python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[123].*/bin/python3; do
        version=$("$candidate" -c 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        case $version in 3.11 | 3.12 | 3.13) printf '%s %s\n' "$version" "$(command -v "$candidate")" ;; esac
    done | sort -V -u -k1,1)
    if [ "$(printf '%s\n' "$found" | tail -n 1 | cut -d' ' -f1)" != "$own" ]; then
        printf '%s\n' "$found" | tail -n 1 | cut -d' ' -f2-
    elif [ "$(printf '%s\n' "$found" | head -n 1 | cut -d' ' -f1)" != "$own" ]; then
        printf '%s\n' "$found" | head -n 1 | cut -d' ' -f2-
    fi
}

setup() {
    local extras=$1 venv=${2:-.venv} python=${3:-} stamp
    if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
        python=${python:-$(find_python)}
        say "making $venv with $("$python" --version)"
        rm -rf "$venv"
        "$python" -m venv "$venv"
    fi
    stamp=$venv/installed-$(printf '%s' "$extras" | tr -c 'a-z0-9' '-')-$(cat pyproject.toml tools/constraints.txt tools/setup.sh <(pwd -P) | sha256sum | cut -c1-16)
    if [ ! -e "$stamp" ]; then
        say "installing edgenas[$extras] into $venv (a few minutes the first time)"
        "$venv/bin/python" -m pip install --quiet --quiet --no-compile --disable-pip-version-check --constraint tools/constraints.txt --editable ".[$extras]"
        touch "$stamp"
    fi
}
