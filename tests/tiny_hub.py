"""A loopback server that answers what the ModelScope client asks for a model: its file list and its files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

HOLD = 64 * 1024


@dataclass
class Hub:
    """``requests`` are (path in the model, Range header). While ``held`` is set, files larger than 64 KB stop
    after that much, as a slow line would."""

    url: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def hub_of(folder: Path, model_id: str) -> Iterator[Hub]:
    """Serve ``folder`` as ``model_id``."""
    hub = Hub("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_values: object) -> None:
            return

        def do_GET(self) -> None:
            address = urlparse(self.path)
            query = parse_qs(address.query)
            if address.path == f"/api/v1/models/{model_id}/repo/files":
                self._json({"Code": 200, "Success": True, "Data": {"Files": listing(folder)}})
            elif address.path == f"/api/v1/models/{model_id}/repo":
                self._file(query["FilePath"][0])
            else:
                self._json({"Code": 10010205001, "Success": False, "Message": "not found"}, 404)

        def _json(self, value: object, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _file(self, name: str) -> None:
            body = (folder / name).read_bytes()
            wanted = self.headers.get("Range", "")
            hub.requests.append((name, wanted))
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body) - start))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            rest = body[start:]
            if hub.held.is_set() and len(body) > HOLD:
                self.wfile.write(rest[:HOLD])
                self.wfile.flush()
                hub.released.wait(60)
                return
            self.wfile.write(rest)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def listing(folder: Path) -> list[dict[str, object]]:
    """The files of a model as the hub lists them."""
    return [
        {
            "Path": path.name,
            "Name": path.name,
            "Type": "blob",
            "Size": path.stat().st_size,
            "Sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.iterdir())
    ]
