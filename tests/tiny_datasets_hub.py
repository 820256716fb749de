"""A loopback server that answers what the clients of a hub ask for a dataset: what it consists of, and its
files."""

import hashlib
import json
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote, urlparse

from tests.hub_answers import HubAnswers, HubServer, serving

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class DatasetsHub(HubServer):
    """Serves ``folder`` as ``dataset_id``. ``requests`` are (path in the dataset, Range header) of files that
    were sent. While ``held`` is set, a file stops after its first half until ``released`` is."""

    def __init__(self, folder: Path, dataset_id: str) -> None:
        super().__init__(Handler)
        self.folder = folder
        self.dataset_id = dataset_id
        self.about, self.files = f"/api/datasets/{dataset_id}", f"/datasets/{dataset_id}/resolve/"
        self.requests: list[tuple[str, str]] = []


class Handler(HubAnswers):
    """Answers of a hub: facts of the dataset, its tree, and its files in parts."""

    server: DatasetsHub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlparse(self.path).path
        if path.startswith(f"{self.server.about}/paths-info/"):
            names = json.loads(asked)["paths"]
            self.send_json([each for each in _entries(self.server.folder) if each["path"] in names])
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
            self.send_json({"id": self.server.dataset_id, "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"{self.server.about}/tree/"):
            self.send_json(_entries(self.server.folder))
        elif path.startswith(self.server.files):
            self._file(path.removeprefix(self.server.files).partition("/")[2])
        else:
            self._missing()

    def _missing(self) -> None:
        self.send_json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _file(self, name: str) -> None:
        path = self.server.folder / name
        if not path.is_file():
            self.send_json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        body = path.read_bytes()
        if self.command != "HEAD":
            self.server.requests.append((name, self.headers.get("Range", "")))
        self.send_file(body, {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Repo-Commit": COMMIT})


def hub_of(folder: Path, dataset_id: str) -> AbstractContextManager[DatasetsHub]:
    """Serve ``folder`` as ``dataset_id``, of which there is one revision, called main."""
    return serving(DatasetsHub(folder, dataset_id))


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
