#!/bin/sh
# Writes anew what is installed: the newest of everything for the newest Airflow, and for Airflow 3.2 what was there
# shortly after its release, because it does not run with later versions of its own dependencies. Each version with
# the hashes of all its files, so that it does not matter which server they come from.
#   constraints.sh          the same versions as before, where they still fit
#   constraints.sh --upgrade
set -eu
UV=${UV:-uv}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
resolve() { "$UV" pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate --no-emit-index-url "$@"; }
compile() { resolve --generate-hashes "$@"; }

# What builds our own package: it is built without isolation, so that nothing comes without a hash.
echo "hatchling" >"$scratch/build.in"

echo "apache-airflow==3.3.2" >"$scratch/newest.txt"
compile pyproject.toml "$scratch/build.in" --all-extras "$@" --constraint "$scratch/newest.txt" --output-file constraints.txt
# The part of it that the product itself needs.
compile pyproject.toml "$scratch/build.in" --constraint constraints.txt --output-file requirements.txt

echo "apache-airflow==3.2.2" >"$scratch/older.in"
resolve "$scratch/older.in" --exclude-newer 2026-06-05 --output-file "$scratch/older.txt"
compile pyproject.toml "$scratch/build.in" --extra test "$@" --constraint "$scratch/older.txt" \
    --output-file tests/constraints-airflow-3.2.txt

# What installs all of that, by pip.
echo "uv" | compile - "$@" --output-file .ci/uv.txt
