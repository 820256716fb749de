"""What the loopback servers of hubs share: how they run, and how they answer with JSON and with files in
parts."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar


class HubServer(ThreadingHTTPServer):
    """A hub at ``url``. While ``held`` is set, it stops in the middle of a transfer until ``released`` is."""

    daemon_threads = True

    def __init__(self, handler: type["HubAnswers"]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.held, self.released = threading.Event(), threading.Event()


class HubAnswers(BaseHTTPRequestHandler):
    """The answers of a :class:`HubServer`."""

    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_values: object) -> None:
        return

    def send_json(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answers with a JSON value."""
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_file(
        self, body: bytes, headers: Mapping[str, str] | None = None, stops_after: int | None = None
    ) -> None:
        """Answers with a file, or with its rest from where the request's Range begins. While the server is
        held, it stops after so many bytes; None: after half of what is to be sent."""
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        rest = body[start:]
        self.send_response(206 if wanted else 200)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(rest)))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        first = len(rest) // 2 if stops_after is None else stops_after
        if self.server.held.is_set() and first < len(rest):
            self.wfile.write(rest[:first])
            self.wfile.flush()
            self.server.released.wait(60)
            self.close_connection = True
            return
        self.wfile.write(rest)


Served = TypeVar("Served", bound=HubServer)


@contextmanager
def serving(hub: Served) -> Iterator[Served]:
    """Lets a hub answer until the end of the block."""
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        hub.shutdown()
        hub.server_close()
        thread.join()
