"""The demo's Airflow on SQLite: a database that is locked for a moment ends nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from demo.airflow_instance import AirflowInstance
from demo.processes import DemoError

START, END = datetime(2026, 11, 16, tzinfo=timezone.utc), datetime(2026, 11, 22, tzinfo=timezone.utc)
LOCKED: dict[str, Any] = {
    "detail": "Database is locked. Backfill creation is not supported on SQLite under concurrent access."
}


class PretendAirflow(ThreadingHTTPServer):
    """Answers POST /backfills with what is left of ``answers``, and keeps what it was asked to cancel."""

    def __init__(self, answers: list[tuple[int, dict[str, Any]]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.cancelled: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: PretendAirflow

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say(*self.server.answers.pop(0))

    def do_GET(self) -> None:
        left_behind = [{"id": 1, "completed_at": None}, {"id": 2, "completed_at": "2026-11-22T00:00:00Z"}]
        self._say(200, {"backfills": left_behind})

    def do_PUT(self) -> None:
        self.server.cancelled.append(self.path)
        self._say(200, {})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def backfill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[PretendAirflow], int]:
    monkeypatch.setattr("demo.airflow_instance.time.sleep", lambda _: None)

    def run(server: PretendAirflow) -> int:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            instance = AirflowInstance(tmp_path, tmp_path, server.server_address[1])
            return instance.backfill("a_dag", START, END, {})
        finally:
            instance._api.close()
            server.shutdown()
            server.server_close()

    return run


def test_a_locked_database_is_tried_again_without_what_was_left_behind(
    backfill: Callable[[PretendAirflow], int],
) -> None:
    server = PretendAirflow([(503, LOCKED), (409, {"detail": "is running"}), (200, {"id": 7})])
    assert backfill(server) == 7
    assert server.cancelled == ["/api/v2/backfills/1/cancel"] * 2


def test_another_refusal_is_told_at_once(backfill: Callable[[PretendAirflow], int]) -> None:
    server = PretendAirflow([(422, {"detail": "dates"}), (200, {"id": 7})])
    with pytest.raises(DemoError, match="dates"):
        backfill(server)
    assert server.cancelled == []


def test_a_database_that_stays_locked_is_told(backfill: Callable[[PretendAirflow], int]) -> None:
    with pytest.raises(DemoError, match="locked 10 times"):
        backfill(PretendAirflow([(503, LOCKED)] * 10))
