#!/bin/sh
# Installs this project into an environment, and of everything else only files with a known hash.
#   install.sh FOLDER REQUIREMENTS
set -eu
folder=$1
requirements=$2

echo "==> $folder: installing $requirements"
install() { "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "$@"; }
# No source distributions: what builds them would come without a hash.
if ! install --require-hashes --no-build --requirement "$requirements"; then
    echo "The installation failed. Is there a way to PyPI from this machine (proxy, mirror)? Then try again." >&2
    echo "If a hash does not match, the file is not the one that was looked at: do not install it." >&2
    exit 1
fi
install --no-deps --no-build-isolation --editable .
