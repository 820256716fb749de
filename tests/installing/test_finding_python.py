"""Set-up on machines without a fitting Python: one is found, or fetched with uv from one source after
another; where that does not do, one sentence says what to do."""

import hashlib
import io
import json
import platform
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.installing.loopback_index import loopback_index, set_up_variables, small_project, write_lock
from tests.processes import free_port

TOOLS = (
    "bash", "sed", "mkdir", "tail", "cut", "grep", "id", "dirname", "tr", "cat", "env", "rm", "uname", "ldd"
)  # fmt: skip
"""Programs of every Linux that set-up may use; no Python among them."""
STOPS_THERE = ".venv 不是虚拟环境"
"""What set-up says once it has a Python and the folder .venv is somebody else's."""
UV = Path(sys.executable).with_name("uv")
BUILD = f"cpython-3.12.9-{platform.machine()}-unknown-linux-gnu-install_only_stripped.tar.gz"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project without ``.venv``; beside it the folder ``bin`` is the PATH and has no Python."""
    folder = small_project(tmp_path / "project", "alpha")
    write_lock(folder / "requirements-dev.txt", "uv")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = next(path for path in (Path("/usr/bin", tool), Path("/bin", tool)) if path.exists())
        (tmp_path / "bin" / tool).symlink_to(found)
    return folder


def program(file: Path, text: str) -> None:
    """Writes a program of the shell."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)


def another_python(project: Path) -> None:
    """Puts a ``python3`` on the PATH that says it is of another version; it has pip."""
    refuses = 'case "$2" in *"version_info[:2] not"*) exit 1 ;; esac'
    program(project.parent / "bin" / "python3", f'{refuses}\nexec {sys.executable} "$@"')


def set_up(project: Path, **values: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``scripts/setup light`` with the PATH of the project."""
    variables = {"PATH": str(project.parent / "bin"), "HOME": str(project.parent / "home"), **values}
    return subprocess.run(
        [str(project / "scripts/setup"), "light"],
        env=set_up_variables(project.parent, **variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def build_of_python(project: Path) -> bytes:
    """An archive in the form of uv's builds, whose Python is that below this environment; the list that names
    it is written beside the project."""
    buffer = io.BytesIO()
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    runs = f'#!/bin/sh\nexec {base} "$@"\n'.encode()
    system = f"_sysconfigdata__linux_{platform.machine()}-linux-gnu.py"
    facts = b"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"
    files = {"bin/python3.12": runs, f"lib/python3.12/{system}": facts}
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"python/{path}")
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text))
    build = {
        "name": "cpython",
        "arch": {"family": platform.machine(), "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 12,
        "patch": 9,
        "prerelease": "",
        "url": f"https://github.com/astral-sh/python-build-standalone/releases/download/1/{BUILD}",
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "variant": None,
        "build": "1",
    }
    listed = json.dumps({f"cpython-3.12.9-linux-{platform.machine()}-gnu": build})
    (project.parent / "builds.json").write_text(listed, encoding="utf-8")
    return buffer.getvalue()


def with_uv(project: Path, **values: str) -> "subprocess.CompletedProcess[str]":
    """Runs set-up where uv is, with the list of builds."""
    (project.parent / "bin" / "uv").symlink_to(UV)
    return set_up(
        project,
        UV_PYTHON_DOWNLOADS_JSON_URL=f"file://{project.parent}/builds.json",
        UV_HTTP_TIMEOUT="1",
        UV_HTTP_RETRIES="0",
        **values,
    )


def test_a_python_that_does_not_fit_is_refused_by_its_name(project: Path) -> None:
    done = set_up(project, PYTHON="/nowhere/python3.9", TIANJI_LANGUAGE="en")
    assert done.returncode == 1 and not (project / ".venv").exists()
    assert done.stderr == (
        "setup: PYTHON=/nowhere/python3.9 is no Python 3.11 or 3.12; name another, or leave it out\n"
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", "装好 python3.11 和 python3.11-venv"), ("en", "install python3.11 and python3.11-venv")],
)
def test_without_python_pip_and_uv_one_sentence_says_what_to_install(
    project: Path, language: str, words: str
) -> None:
    done = set_up(project, TIANJI_LANGUAGE=language)
    assert done.returncode == 1 and not (project / ".venv").exists()
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr


def test_uv_is_looked_for_at_one_index_after_another(project: Path) -> None:
    another_python(project)
    dead = f"http://me:secret@127.0.0.1:{free_port()}/simple"
    with loopback_index() as without, loopback_index("uv") as index:
        (project / ".env").write_text(
            f'export TIANJI_PIP_INDEXES="{dead}, {without.url}, {index.url}"\n', encoding="utf-8"
        )
        done = set_up(project)
    assert index.asked == ["uv"] and (project / ".python" / "uv" / "uv.py").exists()
    assert done.stderr.count("改用下一个") == 2 and "secret" not in done.stderr
    assert f"{without.url} 不行" in done.stderr


def test_where_no_index_has_uv_the_reason_and_the_ways_out_are_said(project: Path) -> None:
    another_python(project)
    with loopback_index() as index:
        done = set_up(project, TIANJI_PIP_INDEXES=index.url)
    assert done.returncode == 1 and not (project / ".venv").exists()
    last = done.stderr.splitlines()[-1]
    assert "uv 也取不来" in last and "No matching distribution" in last and "PYTHON=/路径/python3.11" in last


def test_python_is_looked_for_at_one_mirror_after_another_and_fetched_once(project: Path) -> None:
    build = build_of_python(project)
    dead = f"http://127.0.0.1:{free_port()}"
    with loopback_index() as without, loopback_index() as still, loopback_index("alpha") as index:
        index.files[f"/1/{BUILD}"], still.still = build, True
        mirrors = f"{dead},{without.root},{still.root},{index.root}"
        done = with_uv(project, TIANJI_PYTHON_MIRRORS=mirrors, TIANJI_PIP_INDEXES=index.url)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("改用下一个") == 3
        assert (project / ".venv" / "pyvenv.cfg").is_file() and index.asked == ["alpha"]
        (project / ".venv").rename(project / "aside")
        (project / ".venv").mkdir()
        again = set_up(project)  # nobody offers a Python any more
    assert STOPS_THERE in again.stderr and "取" not in again.stderr


def test_a_python_that_uv_put_elsewhere_is_used(project: Path) -> None:
    build = build_of_python(project)
    with loopback_index() as index:
        index.files[f"/1/{BUILD}"] = build
        variables = {
            "HOME": str(project.parent / "home"),
            "UV_PYTHON_DOWNLOADS_JSON_URL": f"file://{project.parent}/builds.json",
            "PATH": str(project.parent / "bin"),
        }
        command = [str(UV), "python", "install", "--no-bin", "--mirror", index.root, "3.12"]
        subprocess.run(command, env=variables, check=True, capture_output=True)
    (project / ".venv").mkdir()
    done = with_uv(project)
    assert STOPS_THERE in done.stderr and "取" not in done.stderr
    assert not [*(project / ".python").glob("versions/*")]


def test_where_no_source_has_python_the_reason_and_the_ways_out_are_said(project: Path) -> None:
    build_of_python(project)
    dead = f"http://127.0.0.1:{free_port()}"
    done = with_uv(project, UV_PYTHON_INSTALL_MIRROR=dead)
    assert done.returncode == 1 and not (project / ".venv").exists()
    last = done.stderr.splitlines()[-1]
    assert "uv 取不来 Python 3.12" in last and "TIANJI_PYTHON_MIRRORS" in last
