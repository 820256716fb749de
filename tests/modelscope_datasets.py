"""A loopback server that answers what ModelScope's client asks for a dataset: the pages of its file tree, and
its files in parts."""

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlparse

from tests.hub_answers import HubAnswers, HubServer, serving


class ModelScopeDatasets(HubServer):
    """Serves ``folder`` as ``dataset_id``. ``requests`` are (path in the dataset, Range header) of files that
    were sent. While ``held`` is set, a file stops after its first half until ``released`` is. ``lies`` are
    paths whose content is another one than the tree says."""

    def __init__(self, folder: Path, dataset_id: str) -> None:
        super().__init__(_Handler)
        self.folder, self.dataset_id = folder, dataset_id
        self.requests: list[tuple[str, str]] = []
        self.further: list[dict[str, object]] = []
        self.lies: set[str] = set()

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


class _Handler(HubAnswers):
    server: ModelScopeDatasets

    def do_GET(self) -> None:
        address = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        about = f"/api/v1/datasets/{self.server.dataset_id}"
        if not address.path.startswith(about) or query.get("Revision") not in (None, "master"):
            self.send_json({"Code": 10010205001, "Success": False, "Message": "not found"}, 404)
        elif address.path == f"{about}/repo/tree":
            first = (int(query["PageNumber"]) - 1) * int(query["PageSize"])
            page = self.server.tree()[first : first + int(query["PageSize"])]
            self.send_json({"Code": 200, "Success": True, "Data": {"Files": page}})
        elif address.path == f"{about}/repo":
            self._file(query["FilePath"])
        else:
            self.send_json({"Code": 200, "Success": True, "Data": {"Id": 1, "Type": 1}})

    def _file(self, name: str) -> None:
        body = (self.server.folder / name).read_bytes()
        if name in self.server.lies:
            body = body[::-1]
        self.server.requests.append((name, self.headers.get("Range", "")))
        self.send_file(body)


def modelscope_of(folder: Path, dataset_id: str) -> AbstractContextManager[ModelScopeDatasets]:
    """Serve ``folder`` as ``dataset_id``, of which there is the branch master."""
    return serving(ModelScopeDatasets(folder, dataset_id))
