"""An offline bundle is made from an index on this machine and installs where there is none."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.installing.loopback_index import wheel
from tianji_core.bundling import bundle_install
from tianji_core.errors import InputError, JobError
from tianji_core.workspace import Workspace

BACKEND = """
import zipfile
from pathlib import Path

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "tianji_studio-9.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(directory) / name, "w") as wheel:
        wheel.writestr("own_studio.py", "import tiny_base, tiny_built\\n")
        wheel.writestr("tianji_studio-9.0.dist-info/METADATA",
            "Metadata-Version: 2.1\\nName: tianji-studio\\nVersion: 9.0\\n"
            "Requires-Dist: nowhere-to-be-found\\n")
        wheel.writestr("tianji_studio-9.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tianji_studio-9.0.dist-info/RECORD", "")
    return name
"""


def put_wheel(index: Path, name: str, content: str = "") -> str:
    """Writes a wheel with one module where pip looks for it; returns its checksum."""
    folder = index / name.replace("_", "-")
    folder.mkdir(exist_ok=True)
    made = wheel(name, content)
    (folder / f"{name}-1.0-py3-none-any.whl").write_bytes(made)
    return hashlib.sha256(made).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An index of packages on loopback, which pip is told of by its own variable."""
    folder = tmp_path / "index"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, index: Path) -> Path:
    """A source folder with a lock of two packages, which the index has."""
    folder = tmp_path / "project"
    folder.mkdir()
    lines = []
    for name in ("tiny_base", "tiny_built"):
        digest = put_wheel(index, name)
        lines.append(f"{name.replace('_', '-')}==1.0 \\\n    --hash=sha256:{digest}\n")
    (folder / "requirements-light.txt").write_text("".join(lines), "utf-8")
    (folder / "backend.py").write_text(BACKEND, "utf-8")
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (folder / "pyproject.toml").write_text(system, "utf-8")
    return folder


def install(folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Runs the script as on a machine whose only network is one that refuses."""
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PYTHON": sys.executable}
    command = ["sh", str(folder / "install.sh"), str(target)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **nowhere})


def test_a_bundle_installs_without_a_network_and_only_when_it_is_whole(
    workspace: Workspace, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_bytes(path: Path) -> bytes:
        assert path.suffix != ".whl", "a wheel may be larger than the memory"
        with path.open("rb") as file:
            return file.read()

    said: list[str] = []
    with monkeypatch.context() as watched:
        watched.setattr(Path, "read_bytes", read_bytes)
        made = bundle_install(workspace, tmp_path / "bundle", "light", said.append, project)
    assert (made.wheels, len(said)) == (3, 2)
    moved = (tmp_path / "bundle").rename(tmp_path / "stick")
    done = install(moved, tmp_path / "studio")
    assert done.returncode == 0, done.stderr
    subprocess.run([str(tmp_path / "studio" / "bin" / "python"), "-c", "import own_studio"], check=True)

    (moved / "wheels" / "tiny_built-1.0-py3-none-any.whl").write_bytes(b"other")
    refused = install(moved, tmp_path / "second")
    assert refused.returncode == 1 and "damaged" in refused.stderr and not (tmp_path / "second").exists()


def test_what_the_index_has_changed_is_refused_and_leaves_nothing(
    workspace: Workspace, project: Path, index: Path, tmp_path: Path
) -> None:
    put_wheel(index, "tiny_base", "import os  # not what was locked")
    with pytest.raises(JobError, match="取包没有成功"):
        bundle_install(workspace, tmp_path / "bundle", "light", project=project)
    assert not (tmp_path / "bundle").exists()


def test_a_folder_with_something_in_it_is_left_alone(
    workspace: Workspace, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(InputError):
        bundle_install(workspace, tmp_path / "mine", "light", project=project)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    with pytest.raises(InputError, match="源码文件夹"):
        bundle_install(workspace, tmp_path / "bundle", "light", project=tmp_path)
