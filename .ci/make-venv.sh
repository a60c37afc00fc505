#!/bin/sh
# Makes a virtual environment with uv in it, or says what is missing.
#   make-venv.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

if ! command -v "$python" >/dev/null 2>&1; then
    echo "There is no '$python' on this machine. Install Python 3.10 or newer, or name one: make PYTHON=python3.12 ..." >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))'; then
    echo "$("$python" --version) does not run Airflow 3.3. Name another: make PYTHON=python3.12 ..." >&2
    exit 1
fi
echo "==> $folder: a new environment with $("$python" --version)"
if ! "$python" -m venv --clear "$folder"; then
    echo "'$python -m venv' failed. On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
if ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement "$(dirname "$0")/uv.txt" 2>"$folder/pip.log"; then
    cat "$folder/pip.log" >&2
    echo "pip could not install uv. Is there a way to PyPI from this machine (proxy, mirror)? Then try again." >&2
    exit 1
fi
