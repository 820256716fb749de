"""A loopback server that speaks what the clients of Hugging Face and ModelScope say when they push: who the
token belongs to, making a repository, asking which contents are there, sending contents, committing."""

import base64
import hashlib
import json
import re
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import unquote, urlparse

from tests.hub_answers import HubAnswers, HubServer, serving

TOKEN = "hub-token-Zq81xvPL0w77"
OWNER = "someone"
PART = 64 * 1024
"""Bytes of one part of a large file on Hugging Face."""


@dataclass
class Repo:
    """A repository: its files, and how many commits it has got."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    licence: str = ""


@dataclass
class Fault:
    """``status`` is answered to the next ``times`` requests whose method and path match ``pattern``."""

    pattern: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    said: str = "planted"


class LoopbackHub(HubServer):
    """``repos`` by (kind, name), ``blobs`` by SHA-256, ``faults`` to be answered, ``requests`` that came.
    While ``held`` is set, contents are read to their half and nothing is answered until ``released`` is.
    ``always_public`` makes every new repository public, whatever was asked for."""

    def __init__(self) -> None:
        super().__init__(Handler)
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.received = 0
        self.reading = threading.Event()
        self.always_public = False
        self.tokens = {TOKEN}
        self.lock = threading.Lock()

    def sent(self) -> list[str]:
        """The contents that were sent, as ``PUT`` lines."""
        return [line for line in self.requests if line.startswith("PUT")]

    def fault(self, line: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.pattern, line):
                    fault.times -= 1
                    return fault
        return None


class Handler(HubAnswers):
    server: LoopbackHub

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def _handle(self) -> None:
        path = unquote(urlparse(self.path).path)
        line = f"{self.command} {path}"
        self.server.requests.append(line)
        body = self._body()
        if body is None:
            return
        if (fault := self.server.fault(line)) is not None:
            self.send_json({"error": fault.said, "Message": fault.said}, fault.status, fault.headers)
            return
        if self.command == "PUT":
            self._content(path, body)
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}" and not path.startswith("/parts/"):
            said = "Invalid credentials in Authorization header"
            self.send_json({"error": said, "Message": said}, 401)
        else:
            self._routed(path, body)

    def _body(self) -> bytes | None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.command == "PUT" and self.server.held.is_set():
            self.rfile.read(length // 2)
            self.server.reading.set()
            self.server.released.wait(120)
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def _routed(self, path: str, body: bytes) -> None:
        routes: dict[str, Any] = {
            r"/api/whoami-v2": lambda: {"type": "user", "name": OWNER, "orgs": []},
            r"/api/validate-yaml": lambda: {"errors": [], "warnings": []},
            r"/api/repos/create": lambda: self._hf_create(json.loads(body)),
            r"/api/(model|dataset)s/([^/]+/[^/]+)": self._hf_info,
            r"/api/(model|dataset)s/([^/]+/[^/]+)/revision/main": self._hf_info,
            r"/api/(model|dataset)s/([^/]+/[^/]+)/preupload/main": lambda k, n: self._hf_modes(k, n, body),
            r"/(datasets/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch": lambda _k, _n: self._hf_batch(body),
            r"/parts/(\w+)/complete": lambda oid: self._hf_complete(oid),
            r"/api/(model|dataset)s/([^/]+/[^/]+)/commit/main": lambda k, n: self._hf_commit(k, n, body),
            r"/openapi/v1/users/me": lambda: {"success": True, "data": {"username": OWNER}},
            r"/openapi/v1/(model|dataset)s/([^/]+)/([^/]+)": self._ms_info,
            r"/api/v1/(model|dataset)s": lambda kind: self._ms_create(kind, body),
            r"/api/v1/(model|dataset)s/([^/]+/[^/]+)/repo/(?:files|tree)": self._ms_files,
            r"/api/v1/repos/(model|dataset)s/([^/]+/[^/]+)/info/lfs/objects/batch": lambda _k, _n: (
                self._ms_batch(body)
            ),
            r"/api/v1/repos/(model|dataset)s/([^/]+/[^/]+)/commit/master": lambda k, n: self._ms_commit(
                k, n, body
            ),
        }
        for pattern, answer in routes.items():
            if (found := re.fullmatch(pattern, path)) is not None:
                value = answer(*found.groups())
                if value is not None:
                    self.send_json(value)
                return
        self._missing()

    # Contents

    def _content(self, path: str, body: bytes) -> None:
        with self.server.lock:
            self.server.received += len(body)
            if found := re.fullmatch(r"/parts/(\w+)/(\d+)", path):
                self.server.parts.setdefault(found[1], {})[int(found[2])] = body
            else:
                oid = path.rpartition("/")[2]
                if hashlib.sha256(body).hexdigest() != oid:
                    self.send_json({"error": "hash", "Message": "hash"}, 400)
                    return
                self.server.blobs[oid] = body
        self.send_json({}, 200, {"ETag": hashlib.md5(body).hexdigest()})

    # Hugging Face

    def _hf_create(self, asked: dict[str, Any]) -> Any:
        name = f"{asked.get('organization') or OWNER}/{asked['name']}"
        return self._make(asked.get("type") or "model", name, bool(asked.get("private")), "")

    def _hf_info(self, kind: str, name: str) -> Any:
        repo = self.server.repos.get((kind, name))
        if repo is None:
            return self._missing()
        siblings = [{"rfilename": path} for path in sorted(repo.files)]
        return {"id": name, "private": repo.private, "sha": f"{repo.commits:040x}", "siblings": siblings}

    def _hf_modes(self, kind: str, name: str, body: bytes) -> Any:
        files = self.server.repos[kind, name].files
        answers = []
        for asked in json.loads(body)["files"]:
            large = asked["size"] > 5_000_000 or asked["path"].endswith((".safetensors", ".gguf", ".bin"))
            answer = {
                "path": asked["path"],
                "shouldIgnore": False,
                "uploadMode": "lfs" if large else "regular",
            }
            if (there := files.get(asked["path"])) is not None:
                blob = b"blob %d\0" % len(there) + there
                plain = hashlib.sha1(blob).hexdigest()
                answer["oid"] = hashlib.sha256(there).hexdigest() if large else plain
            answers.append(answer)
        return {"files": answers}

    def _hf_batch(self, body: bytes) -> Any:
        objects = []
        for asked in json.loads(body)["objects"]:
            oid, size = asked["oid"], asked["size"]
            answer: dict[str, Any] = {"oid": oid, "size": size}
            if oid not in self.server.blobs:
                count = -(-size // PART)
                parts = {str(n + 1): f"{self.server.url}/parts/{oid}/{n + 1}" for n in range(count)}
                many = {
                    "href": f"{self.server.url}/parts/{oid}/complete",
                    "header": {"chunk_size": str(PART), **parts},
                }
                one = {"href": f"{self.server.url}/contents/{oid}"}
                answer["actions"] = {"upload": many if count > 1 else one}
            objects.append(answer)
        return {"transfer": "multipart", "objects": objects}

    def _hf_complete(self, oid: str) -> Any:
        parts = self.server.parts[oid]
        body = b"".join(parts[number] for number in sorted(parts))
        if hashlib.sha256(body).hexdigest() != oid:
            self.send_json({"error": "hash"}, 400)
            return None
        self.server.blobs[oid] = body
        return {}

    def _hf_commit(self, kind: str, name: str, body: bytes) -> Any:
        repo = self.server.repos[kind, name]
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                repo.files[value["path"]] = self.server.blobs[value["oid"]]
            elif entry["key"] == "deletedFile":
                del repo.files[value["path"]]
        repo.commits += 1
        url = f"{self.server.url}/{name}/commit/{repo.commits:040x}"
        return {"commitUrl": url, "commitOid": f"{repo.commits:040x}", "pullRequestUrl": None}

    # ModelScope

    def _ms_create(self, kind: str, body: bytes) -> Any:
        kept = self.headers.get("Content-Type", "")
        if kept.startswith("multipart/"):
            message = BytesParser(policy=HTTP).parsebytes(
                b"Content-Type: " + kept.encode() + b"\r\n\r\n" + body
            )
            asked = {
                part.get_param("name", header="content-disposition"): part.get_content().strip()
                for part in message.iter_parts()
            }
        else:
            asked = json.loads(body)
        name = f"{asked.get('Owner') or asked.get('Path')}/{asked['Name']}"
        made = self._make(kind, name, int(asked["Visibility"]) != 5, asked["License"])
        if made is None:
            return None
        self.server.repos[kind, name].files[".gitattributes"] = b"* text\n"
        return {"Code": 200, "Success": True, "Data": {"Name": name}}

    def _ms_info(self, kind: str, owner: str, name: str) -> Any:
        repo = self.server.repos.get((kind, f"{owner}/{name}"))
        if repo is None:
            return self._missing()
        return {"success": True, "data": {"id": f"{owner}/{name}", "private": repo.private}}

    def _ms_files(self, kind: str, name: str) -> Any:
        files = self.server.repos[kind, name].files
        listed = [
            {"Path": path, "Type": "blob", "Size": len(body), "Sha256": hashlib.sha256(body).hexdigest()}
            for path, body in files.items()
        ]
        return {"Code": 200, "Success": True, "Data": {"Files": listed}}

    def _ms_batch(self, body: bytes) -> Any:
        missing = [o for o in json.loads(body)["objects"] if o["oid"] not in self.server.blobs]
        objects = [
            {**o, "actions": {"upload": {"href": f"{self.server.url}/contents/{o['oid']}"}}} for o in missing
        ]
        return {"Code": 200, "Success": True, "Data": {"objects": objects}}

    def _ms_commit(self, kind: str, name: str, body: bytes) -> Any:
        repo = self.server.repos[kind, name]
        for action in json.loads(body)["actions"]:
            if action["action"] == "delete":
                del repo.files[action["path"]]
            elif action["type"] == "lfs":
                repo.files[action["path"]] = self.server.blobs[action["sha256"]]
            else:
                repo.files[action["path"]] = base64.b64decode(action["content"])
        repo.commits += 1
        return {"Code": 200, "Success": True, "Data": {"Id": str(repo.commits)}}

    # Both

    def _make(self, kind: str, name: str, private: bool, licence: str) -> Any:
        if not name.startswith(f"{OWNER}/"):
            self.send_json({"error": "no rights", "Message": "no rights"}, 403)
            return None
        if (kind, name) in self.server.repos:
            self.send_json({"error": "You already created this repo", "Message": "already exists"}, 409)
            return None
        self.server.repos[kind, name] = Repo(private and not self.server.always_public, licence=licence)
        return {"url": f"{self.server.url}/{name}"}

    def _missing(self) -> None:
        self.send_json({"error": "not found", "Message": "not found"}, 404, {"X-Error-Code": "RepoNotFound"})


def loopback_hub() -> AbstractContextManager[LoopbackHub]:
    """Serves an empty hub."""
    return serving(LoopbackHub())
