#!/bin/sh
# Runs the tests of what touches Airflow on the oldest Airflow, then all tests on the newest, two at a time.
# Arguments: the environment with the newest Airflow, and the one with the oldest.
# The last line is pytest's own summary of the run on the newest.
set -eu
newest=$1
oldest=$2
memory=
trap '[ -z "$memory" ] || rm -rf "$memory"' EXIT

# Thousands of small databases are made and thrown away: where there is a large file system in memory, not on disk.
if [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'END { print $4 + 0 }')" -gt 4000000 ]; then
    memory=$(mktemp -d /dev/shm/okta-ure-tests.XXXXXX)
    # PostgreSQL does not run as root, and passes through as somebody else.
    chmod 711 "$memory"
    export TMPDIR="$memory"
fi

run() { "$@" -n 2 -q -p no:cacheprovider; }

status=0
echo "==> Airflow 3.2: integration and security tests"
# The long searches for a bad order of runs are made in full on the newest.
run env OKTA_URE_CASES=60 "$oldest/bin/python" -m pytest tests/integration tests/security || status=1
echo "==> Airflow 3.3: all tests"
# What takes longest first.
run "$newest/bin/python" -m pytest tests/e2e tests/unit tests/contract tests/integration tests/security \
    --doctest-modules airflow_provider_okta_ure/core airflow_provider_okta_ure/action_log/lifecycle.py || status=1
exit "$status"
