"""A loopback server that takes notices as a robot does."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """``received`` holds the path and the body of each request, ``answer`` what is said to it with
    ``status``, after the ``answers`` to the first ones; the first ``failures`` are answered with 503."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[tuple[str, Any]] = []
        self.answer: object = {}
        self.answers: list[object] = []
        self.status = 200
        self.failures = 0


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Yields a server that runs for as long as the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            here.received.append((self.path, body))
            failing = len(here.received) <= here.failures
            answer = here.answers.pop(0) if here.answers else here.answer
            text = answer if isinstance(answer, str) else json.dumps(answer)
            self.send_response(503 if failing else here.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
