"""A loopback server that answers what the ModelScope client asks for a model: its file list and its files."""

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlparse

from tests.hub_answers import HubAnswers, HubServer, serving

HOLD = 64 * 1024


class Hub(HubServer):
    """Serves ``folder`` as ``model_id``. ``requests`` are (path in the model, Range header). While ``held``
    is set, files larger than 64 KB stop after that much, as a slow line would."""

    def __init__(self, folder: Path, model_id: str) -> None:
        super().__init__(_Handler)
        self.folder, self.about = folder, f"/api/v1/models/{model_id}/repo"
        self.requests: list[tuple[str, str]] = []


class _Handler(HubAnswers):
    server: Hub

    def do_GET(self) -> None:
        address = urlparse(self.path)
        if address.path == f"{self.server.about}/files":
            self.send_json({"Code": 200, "Success": True, "Data": {"Files": listing(self.server.folder)}})
        elif address.path == self.server.about:
            self._file(parse_qs(address.query)["FilePath"][0])
        else:
            self.send_json({"Code": 10010205001, "Success": False, "Message": "not found"}, 404)

    def _file(self, name: str) -> None:
        body = (self.server.folder / name).read_bytes()
        self.server.requests.append((name, self.headers.get("Range", "")))
        self.send_file(body, stops_after=HOLD if len(body) > HOLD else len(body))


def hub_of(folder: Path, model_id: str) -> AbstractContextManager[Hub]:
    """Serve ``folder`` as ``model_id``."""
    return serving(Hub(folder, model_id))


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
