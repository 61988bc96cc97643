"""A webhook in a thread of the test."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook:
    """A webhook that answers as it is told: a status, octets that are no HTTP, or nothing at all.

    It knows the events of each request, which may have several, and refuses one with an event among `refused`.
    """

    def __init__(self) -> None:
        self.answer: int | bytes | None = 200
        self.seen: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.groups: list[list[str]] = []
        self.refused: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                events = body if isinstance(body, list) else [body]
                names = [event["id"] for event in events]
                answer = outer.answer if outer.refused.isdisjoint(names) else 422
                outer.events += events
                outer.seen += names
                outer.groups.append(names)
                if isinstance(answer, int):
                    self.send_response(answer)
                    self.send_header("content-length", "0")
                    self.end_headers()
                elif answer is not None:
                    self.wfile.write(answer)
                    self.close_connection = True
                else:
                    outer.hang.wait(30)
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                return

        self.hang = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.hang.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
