"""A package index on this machine: tiny wheels, a lock of them, and faults on demand."""

import ast
import base64
import hashlib
import io
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def rooms_of_set_up() -> set[str]:
    """The modules directly in ``tianji_core`` that ``tianji_core.installing`` imports when it is run, in one
    step or several."""
    read: set[str] = set()
    waiting = {"installing.__main__"}
    while waiting:
        read |= waiting
        waiting = {name for module in waiting for name in _imported_by(module)} - read
    return {name for name in read if not name.startswith("installing")}


def _imported_by(module: str) -> Iterator[str]:
    source = (ROOT / "tianji_core" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ImportFrom) and str(statement.module).startswith("tianji_core."):
            package = str(statement.module).removeprefix("tianji_core.")
            inside = {f"{package}.{alias.name}" for alias in statement.names}
            yield from (name for name in (package, *inside) if _is_module(name))


def _is_module(name: str) -> bool:
    return (ROOT / "tianji_core" / f"{name.replace('.', '/')}.py").is_file()


def wheel(name: str, content: str = "", script: str = "") -> bytes:
    """The bytes of a wheel with one module, whose text is ``content``; ``script`` is its function that the
    program of its name calls."""
    files = {
        f"{name}.py": content,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{name}-1.0.dist-info/entry_points.txt"] = f"[console_scripts]\n{name} = {name}:{script}\n"
    record = f"{name}-1.0.dist-info/RECORD"
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        lines.append(f"{path},sha256={digest},{len(text.encode())}\n")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in [*files.items(), (record, "".join([*lines, f"{record},,\n"]))]:
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


class LoopbackIndex(ThreadingHTTPServer):
    """Serves ``wheels`` by name, and ``files`` by path; answers nothing where it is ``still``. A wheel named
    in ``held`` is sent once ``released`` is set; ``asked`` are the wheels that were asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = f"http://127.0.0.1:{self.server_address[1]}"
        self.url = f"{self.root}/simple"
        self.wheels: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.still = False
        self.held: set[str] = set()
        self.released = threading.Event()
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackIndex

    def do_GET(self) -> None:
        if self.server.still:
            self.server.released.wait(60)
            return
        if (content := self.server.files.get(self.path)) is not None:
            self._send(content, "application/octet-stream")
            return
        *_folders, folder, name = self.path.rstrip("/").split("/")
        if folder == "files" and (found := name.partition("-")[0]) in self.server.wheels:
            self.server.asked.append(found)
            if found in self.server.held:
                self.server.released.wait(60)
            self._send(self.server.wheels[found], "application/zip")
        elif folder == "simple" and name in self.server.wheels:
            file = f"{name}-1.0-py3-none-any.whl"
            self._send(f'<!DOCTYPE html><a href="/files/{file}">{file}</a>'.encode(), "text/html")
        else:
            self.send_error(404)

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        with suppress(OSError):  # whom nobody answered went away
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def loopback_index(*names: str) -> Iterator[LoopbackIndex]:
    """Serves a wheel of each name for the length of a block."""
    with LoopbackIndex() as server:
        server.wheels = {name: wheel(name) for name in names}
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


def write_lock(file: Path, *names: str, **wheels: bytes) -> None:
    """Writes the lock of wheels in the form of ``make lock``; ``wheels`` are those with a text of their
    own."""
    hashes = {name: hashlib.sha256(wheels.get(name) or wheel(name)).hexdigest() for name in (*names, *wheels)}
    entries = [
        f"{name}==1.0 \\\n    --hash=sha256:{digest}\n    # via the test\n" for name, digest in hashes.items()
    ]
    file.write_text("# made by a test\n" + "".join(entries), encoding="utf-8")


def small_project(folder: Path, *names: str) -> Path:
    """A checkout with no more than set-up reads, and a lock of ``names`` for the light studio."""
    (folder / "tianji_core").mkdir(parents=True)
    shutil.copytree(ROOT / "tianji_core" / "installing", folder / "tianji_core" / "installing")
    shutil.copytree(ROOT / "locale", folder / "locale")
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", folder / "scripts")
    for room in ("__init__", *rooms_of_set_up()):
        shutil.copy(ROOT / "tianji_core" / f"{room}.py", folder / "tianji_core")
    (folder / "configs").mkdir()
    (folder / "configs" / "package_sizes.json").write_text("{}", encoding="utf-8")
    shutil.copy(ROOT / "requirements-dev.txt", folder)
    write_lock(folder / "requirements-light.txt", *names)
    return folder


def set_up_variables(folder: Path, **values: str) -> dict[str, str]:
    """The variables of a set-up: no settings of pip's but those of the test, whose cache is in ``folder``."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    quick = {"PIP_CONFIG_FILE": "/dev/null", "PIP_CACHE_DIR": str(folder / "cache")}
    return {**kept, **quick, "TIANJI_LANGUAGE": "zh", **values}
