"""A loopback server that answers what ModelScope's client asks for a dataset: the pages of its file tree, and
its files in parts."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse


class ModelScopeDatasets(ThreadingHTTPServer):
    """Serves ``folder`` as ``dataset_id``. ``requests`` are (path in the dataset, Range header) of files that
    were sent. While ``held`` is set, a file stops after its first half until ``released`` is. ``lies`` are
    paths whose content is another one than the tree says."""

    daemon_threads = True

    def __init__(self, folder: Path, dataset_id: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.dataset_id = folder, dataset_id
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[tuple[str, str]] = []
        self.further: list[dict[str, object]] = []
        self.lies: set[str] = set()
        self.held, self.released = threading.Event(), threading.Event()

    def tree(self) -> list[dict[str, object]]:
        """The entries of the tree: folders and files."""
        entries: list[dict[str, object]] = []
        for path in sorted(self.folder.rglob("*")):
            facts = {"Path": str(path.relative_to(self.folder)), "Name": path.name}
            if path.is_dir():
                entries.append({**facts, "Type": "tree", "Size": 0})
            else:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                entries.append({**facts, "Type": "blob", "Size": path.stat().st_size, "Sha256": digest})
        return entries + self.further


class _Handler(BaseHTTPRequestHandler):
    server: ModelScopeDatasets
    protocol_version = "HTTP/1.1"

    def log_message(self, *_values: object) -> None:
        return

    def do_GET(self) -> None:
        address = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        about = f"/api/v1/datasets/{self.server.dataset_id}"
        if not address.path.startswith(about) or query.get("Revision") not in (None, "master"):
            self._json({"Code": 10010205001, "Success": False, "Message": "not found"}, 404)
        elif address.path == f"{about}/repo/tree":
            first = (int(query["PageNumber"]) - 1) * int(query["PageSize"])
            page = self.server.tree()[first : first + int(query["PageSize"])]
            self._json({"Code": 200, "Success": True, "Data": {"Files": page}})
        elif address.path == f"{about}/repo":
            self._file(query["FilePath"])
        else:
            self._json({"Code": 200, "Success": True, "Data": {"Id": 1, "Type": 1}})

    def _json(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, name: str) -> None:
        body = (self.server.folder / name).read_bytes()
        if name in self.server.lies:
            body = body[::-1]
        wanted = self.headers.get("Range", "")
        self.server.requests.append((name, wanted))
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        if self.server.held.is_set():
            self.wfile.write(body[start : start + (len(body) - start) // 2])
            self.wfile.flush()
            self.server.released.wait(60)
            self.close_connection = True
            return
        self.wfile.write(body[start:])


@contextmanager
def modelscope_of(folder: Path, dataset_id: str) -> Iterator[ModelScopeDatasets]:
    """Serve ``folder`` as ``dataset_id``, of which there is the branch master."""
    hub = ModelScopeDatasets(folder, dataset_id)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        hub.shutdown()
        hub.server_close()
        thread.join()
