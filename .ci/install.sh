#!/bin/sh
# Installs this project into an environment, with pinned versions.
#   install.sh FOLDER CONSTRAINTS WHAT
set -eu
folder=$1
constraints=$2
what=$3

echo "==> $folder: installing $what"
if ! "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" --constraint "$constraints" --editable "$what"; then
    echo "The installation failed. Is there a way to PyPI from this machine (proxy, mirror)? Then try again." >&2
    exit 1
fi
