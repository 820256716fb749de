"""A loopback server that answers what the clients of a hub ask for a dataset: what it consists of, and its
files."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class DatasetsHub(ThreadingHTTPServer):
    """Serves ``folder`` as ``dataset_id``. ``requests`` are (path in the dataset, Range header) of files that
    were sent. While ``held`` is set, a file stops after its first half until ``released`` is."""

    daemon_threads = True

    def __init__(self, folder: Path, dataset_id: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.dataset_id = dataset_id
        self.about, self.files = f"/api/datasets/{dataset_id}", f"/datasets/{dataset_id}/resolve/"
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[tuple[str, str]] = []
        self.held = threading.Event()
        self.released = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Answers of a hub: facts of the dataset, its tree, and its files in parts."""

    server: DatasetsHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_values: object) -> None:
        return

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlparse(self.path).path
        if path.startswith(f"{self.server.about}/paths-info/"):
            names = json.loads(asked)["paths"]
            self._json([each for each in _entries(self.server.folder) if each["path"] in names])
        else:
            self._missing()

    def _answer(self) -> None:
        path = unquote(urlparse(self.path).path)
        if path in (
            self.server.about,
            f"{self.server.about}/revision/main",
            f"{self.server.about}/revision/{COMMIT}",
        ):
            siblings = [{"rfilename": e["path"], "size": e["size"]} for e in _entries(self.server.folder)]
            self._json({"id": self.server.dataset_id, "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"{self.server.about}/tree/"):
            self._json(_entries(self.server.folder))
        elif path.startswith(self.server.files):
            self._file(path.removeprefix(self.server.files).partition("/")[2])
        else:
            self._missing()

    def _missing(self) -> None:
        self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _json(self, value: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _file(self, name: str) -> None:
        path = self.server.folder / name
        if not path.is_file():
            self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        body, wanted = path.read_bytes(), self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        self.server.requests.append((name, wanted))
        if self.server.held.is_set():
            self.wfile.write(body[start : start + (len(body) - start) // 2])
            self.wfile.flush()
            self.server.released.wait(60)
            self.close_connection = True
            return
        self.wfile.write(body[start:])


@contextmanager
def hub_of(folder: Path, dataset_id: str) -> Iterator[DatasetsHub]:
    """Serve ``folder`` as ``dataset_id``, of which there is one revision, called main."""
    hub = DatasetsHub(folder, dataset_id)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        hub.shutdown()
        hub.server_close()
        thread.join()


def _entries(folder: Path) -> list[dict[str, object]]:
    return [
        {
            "type": "file",
            "path": str(path.relative_to(folder)),
            "size": path.stat().st_size,
            "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
