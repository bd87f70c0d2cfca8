"""A time-stamping service that fails as real ones do: it answers some requests, then not at all."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_TYPES = {"Content-Type": "application/timestamp-query"}
_HANG_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class FailingTsa:
    """Passes requests on to a real service; after `answers` of them it hangs or says 503.

    before: called with each request's number before it is answered.
    """

    behind: str
    answers: int
    hangs: bool
    before: Callable[[int], None] | None = None
    port: int = 0
    asked: int = 0
    most_at_once: int = 0
    _now: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/tsa"

    def answer(self, request: bytes) -> bytes | None:
        """Give the answer, None for 503."""
        with self.guard:
            self.asked += 1
            number = self.asked
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            if self.before is not None:
                self.before(number)
            if number <= self.answers:
                query = urllib.request.Request(self.behind, data=request, headers=_TYPES)
                with urllib.request.urlopen(query, timeout=_HANG_SECONDS) as told:
                    return bytes(told.read())
            if self.hangs:
                self.ended.wait(_HANG_SECONDS)
            return None
        finally:
            with self.guard:
                self._now -= 1


@contextmanager
def failing_tsa(
    behind: str,
    *,
    answers: int,
    hangs: bool = False,
    before: Callable[[int], None] | None = None,
) -> Iterator[FailingTsa]:
    """Serve one on loopback."""
    tsa = FailingTsa(behind=behind, answers=answers, hangs=hangs, before=before)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = tsa.answer(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                self.send_response(503 if told is None else 200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(told or b"")))
                self.end_headers()
                self.wfile.write(told or b"")
            except OSError:
                return  # who asked has gone

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        tsa.port = server.server_address[1]
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield tsa
        finally:
            tsa.ended.set()
            server.shutdown()
            thread.join(10)
