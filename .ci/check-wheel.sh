#!/bin/sh
# Installs the wheel into an empty environment and asks Airflow there what it sees.
#   check-wheel.sh UV REQUIREMENTS WHEEL
set -eu
uv=$1
requirements=$2
wheel=$3
dags=$(cd "$(dirname "$0")/../dags" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$uv" venv --quiet --python "$(dirname "$uv")/python" "$scratch/venv"
"$uv" pip install --quiet --python "$scratch/venv/bin/python" --require-hashes --no-build --requirement "$requirements"
"$uv" pip install --quiet --python "$scratch/venv/bin/python" --no-deps "$wheel"
# The requirements are those of the wheel, and no more is needed.
"$uv" pip check --quiet --python "$scratch/venv/bin/python"
export AIRFLOW_HOME="$scratch/home"
cd "$scratch"
for what in list hooks behaviours; do
    "$scratch/venv/bin/airflow" providers $what --output plain >"$what.txt" 2>"$what.err" || { cat "$what.err" >&2; exit 1; }
done
expect() {
    grep -q -- "$2" "$1.txt" || { echo "'airflow providers $1' does not show '$2':" >&2; cat "$1.txt" >&2; exit 1; }
}
expect list airflow-provider-okta-ure
expect hooks airflow_provider_okta_ure.hooks.okta.OktaHook
expect hooks airflow_provider_okta_ure.hooks.netskope.NetskopeHook
expect behaviours okta
expect behaviours netskope
# The page is no Python, so nothing that imports would miss it.
"$scratch/venv/bin/python" - <<'PAGE'
from importlib.resources import files

page = files("airflow_provider_okta_ure.plugin") / "static"
missing = [
    name
    for name in ("main.js", "shared/h.js", "vendor/chart.js/chart.umd.min.js", "vendor/chart.js/LICENSE.md", "icon.svg")
    if not (page / name).is_file()
]
if missing:
    raise SystemExit(f"The wheel lacks files of the page: {missing}")
PAGE
# The example DAGs: all of them, in one copy, and where Airflow does not load them by itself.
"$scratch/venv/bin/airflow" okta-ure examples copy --to "$scratch/dags" >/dev/null 2>"$scratch/examples.err" ||
    { cat "$scratch/examples.err" >&2; exit 1; }
for dag in "$dags"/*.py; do
    cmp -s "$dag" "$scratch/dags/$(basename "$dag")" || { echo "The wheel lacks the example $dag." >&2; exit 1; }
done
if ls -d "$scratch"/venv/lib/python*/site-packages/dags \
    "$scratch"/venv/lib/python*/site-packages/airflow_provider_okta_ure/example_dags 2>/dev/null >&2; then
    echo "The wheel puts example DAGs where they do not belong." >&2
    exit 1
fi
"$scratch/venv/bin/airflow" okta-ure explain okta-api-token 2>/dev/null | grep -q "What to do" ||
    { echo "The wheel does not explain its topics." >&2; exit 1; }
"$scratch/venv/bin/airflow" okta-ure explain docs/keys.md 2>/dev/null | grep -q "^# The key" ||
    { echo "The wheel does not hold its documents." >&2; exit 1; }
"$scratch/venv/bin/okta-ure-sandbox" --help >/dev/null
echo "The wheel shows itself to 'airflow providers list', 'hooks' and 'behaviours'."
