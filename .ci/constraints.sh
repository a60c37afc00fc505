#!/bin/sh
# Writes both constraints files anew: the newest of everything for the newest Airflow, and for Airflow 3.2 what was
# there shortly after its release, because it does not run with later versions of its own dependencies.
set -eu
UV=${UV:-uv}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
compile() { "$UV" pip compile --quiet --universal --python-version 3.10 --no-header --no-annotate --no-emit-index-url "$@"; }

echo "apache-airflow==3.3.2" >"$scratch/newest.txt"
compile pyproject.toml --all-extras --upgrade --constraint "$scratch/newest.txt" --output-file constraints.txt

echo "apache-airflow==3.2.2" >"$scratch/older.in"
compile "$scratch/older.in" --exclude-newer 2026-06-05 --output-file "$scratch/older.txt"
compile pyproject.toml --extra test --upgrade --constraint "$scratch/older.txt" --output-file tests/constraints-airflow-3.2.txt
