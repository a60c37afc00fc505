#!/bin/sh
# Runs the tests on the newest Airflow, and beside them those that need no running Airflow on the oldest one: two cores,
# two runs. Arguments: the environment with the newest Airflow, the one with the oldest, then the folders for the oldest.
# The last line is pytest's own summary of the run on the newest.
set -eu
newest=$1
oldest=$2
shift 2
logs=$(mktemp -d)
memory=
beside=
clean_up() {
    [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
    rm -rf "$logs"
    [ -z "$memory" ] || rm -rf "$memory"
}
trap clean_up EXIT

# Thousands of small databases are made and thrown away: where there is a large file system in memory, not on disk.
if [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'END { print $4 + 0 }')" -gt 4000000 ]; then
    memory=$(mktemp -d /dev/shm/okta-ure-tests.XXXXXX)
    # PostgreSQL does not run as root, and passes through as somebody else.
    chmod 711 "$memory"
    export TMPDIR="$memory"
fi

"$oldest/bin/python" -m pytest -q -p no:cacheprovider "$@" >"$logs/oldest" 2>&1 &
beside=$!

echo "==> Airflow 3.3: all tests"
status=0
{
    "$newest/bin/python" -m pytest -q "$@" tests/e2e --doctest-modules airflow_provider_okta_ure/core || echo $? >"$logs/status"
} 2>&1 | tee "$logs/newest"
[ ! -s "$logs/status" ] || status=$(cat "$logs/status")

echo "==> Airflow 3.2: unit, contract and integration tests"
if wait $beside; then
    tail -n 1 "$logs/oldest"
else
    cat "$logs/oldest"
    status=1
fi
echo "==> Airflow 3.3"
tail -n 1 "$logs/newest"
exit "$status"
