"""A server of another program in an environment of its own: pip installs it from a folder of wheels, it is
found before the one on PATH, started, asked and stopped, and removed again, all by the command line of a
copy of the studio."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.installing.loopback_index import loopback_index, wheel, write_lock
from tests.processes import free_port, listens, processes_naming, until
from tests.serving import other_server
from tests.serving.conftest import ROOT, Folders
from tianji_core.serving import external
from tianji_core.serving.programs import FOLDER, programs
from tianji_core.workspace import Workspace

PROGRAM = Path(other_server.__file__).read_text(encoding="utf-8") + "\n\ndef run():\n    main(sys.argv[1:])\n"
"""The module of the program that is installed: the small server."""


class Studio:
    """A checkout of the studio whose lock for vLLM names the small server, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "project", folder / "workspace"
        self.own = self.folder / ".programs" / "vllm"
        self.wheel = wheel("vllm", PROGRAM, "run")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "tianji_core", self.folder / "tianji_core", ignore=ignored)
        (self.folder / "locale").symlink_to(ROOT / "locale")
        (self.folder / "configs").mkdir()
        for path in (ROOT / "configs").iterdir():
            if path.name not in ("serving", "package_sizes.json"):
                (self.folder / "configs" / path.name).symlink_to(path)
        shutil.copytree(FOLDER, self.folder / "configs" / "serving")
        self.sizes({"vllm": 0.1})
        write_lock(self.folder / "configs" / "serving" / "vllm.lock", vllm=self.wheel)
        self.environment = {
            **{name: os.environ[name] for name in os.environ if not name.startswith(("PIP_", "TIANJI_"))},
            "TIANJI_LANGUAGE": "zh",
            "TIANJI_HOME": str(self.home),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_CACHE_DIR": str(folder / "cache"),
            "PYTHONPATH": str(self.folder),
        }

    def sizes(self, table: dict[str, float]) -> None:
        """Write the table of the packages' sizes in MB."""
        (self.folder / "configs" / "package_sizes.json").write_text(json.dumps(table), encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tianji_core", *words]

    def said(self, *words: str, code: int = 0) -> str:
        """What a verb says; its answer where ``code`` is 0, else its complaint."""
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def answer(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json").splitlines()[-1])


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def wheel_folder(studio: Studio, folder: Path) -> None:
    """A folder of wheels in place of an index."""
    (folder / "vllm").mkdir(parents=True)
    file = "vllm-1.0-py3-none-any.whl"
    (folder / "vllm" / file).write_bytes(studio.wheel)
    (folder / "vllm" / "index.html").write_text(f'<!DOCTYPE html><a href="{file}">{file}</a>')
    studio.environment["TIANJI_PIP_INDEXES"] = folder.as_uri()


def test_it_is_installed_found_started_asked_stopped_and_removed(
    studio: Studio, folders: Folders, tmp_path: Path
) -> None:
    wheel_folder(studio, tmp_path / "wheels")
    broken = tmp_path / "bin" / "vllm"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    studio.environment["PATH"] = f"{broken.parent}:{studio.environment['PATH']}"

    made = studio.answer("serve", "--program", "vllm", "--install")
    assert made["installed"] and Path(made["path"]) == studio.own / "bin" / "vllm"
    assert not studio.answer("serve", "--program", "vllm", "--install")["installed"]

    words = ["--model", f"底座={folders.base}", "--lora-modules", f"red={folders.red}"]
    port = free_port()
    started = studio.answer("serve", "--program", "vllm", *words, "--port", str(port))
    assert started["models"] == ["底座", "red"] and started["url"] == f"http://127.0.0.1:{port}/v1"
    assert "正在运行" in studio.said("serve", "--program", "vllm", "--remove", code=2)
    other = str(tmp_path / "other workspace")
    refusal = studio.said("serve", "--program", "vllm", "--remove", "--workspace", other, code=2)
    assert "正在运行" in refusal, "a server of another workspace"
    studio.said("jobs", "--stop", str(started["job"]))
    until(lambda: not listens(port) and not processes_naming(str(studio.own)))

    assert studio.answer("serve", "--program", "vllm", "--remove")["removed"]
    assert not studio.own.exists()
    assert not studio.answer("serve", "--program", "vllm", "--remove")["removed"]


def test_what_the_studio_did_not_make_is_neither_used_nor_removed(studio: Studio, tmp_path: Path) -> None:
    wheel_folder(studio, tmp_path / "wheels")
    theirs = studio.own / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    assert "不是工坊" in studio.said("serve", "--program", "vllm", "--install", code=2)
    assert "不是工坊" in studio.said("serve", "--program", "vllm", "--remove", code=2)
    assert theirs.read_text() == "mine"


def test_no_room_on_the_disk_is_said_before_anything_is_made(studio: Studio) -> None:
    studio.sizes({"vllm": 1e9})
    said = studio.said("serve", "--program", "vllm", "--install", code=1)
    assert "磁盘只剩" in said and not studio.own.exists()
    assert "没有程序 tgi" in studio.said("serve", "--program", "tgi", "--install", code=2)


def test_an_interrupted_installation_is_not_used_and_goes_on_where_it_was(studio: Studio) -> None:
    write_lock(studio.folder / "configs" / "serving" / "vllm.lock", "alpha", vllm=studio.wheel)
    studio.sizes({"alpha": 140, "vllm": 145})
    with loopback_index("alpha") as index:
        index.wheels["vllm"], index.held = studio.wheel, {"vllm"}
        studio.environment["TIANJI_PIP_INDEXES"] = index.url
        running = subprocess.Popen(
            studio.command("serve", "--program", "vllm", "--install"),
            cwd=studio.folder,
            env=studio.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        until(lambda: "vllm" in index.asked)
        [job] = studio.answer("jobs")
        studio.said("jobs", "--stop", str(job["id"]))
        running.communicate()
        assert running.returncode == 1
        assert has(studio, "alpha") and not has(studio, "vllm")
        index.held.clear()
        index.asked.clear()
        assert studio.answer("serve", "--program", "vllm", "--install")["installed"]
        assert index.asked == ["vllm"] and has(studio, "vllm")


def has(studio: Studio, name: str) -> bool:
    return any(studio.own.glob(f"lib/python*/site-packages/{name}-1.0.dist-info/RECORD"))


REAL = os.environ.get("TIANJI_REAL_VLLM", "")
PARSE = """
import json, sys
from vllm import platforms
from vllm.platforms.cpu import CpuPlatform
platforms._current_platform = CpuPlatform()  # a card is looked for otherwise
from vllm.entrypoints.common.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser
given = make_arg_parser(FlexibleArgumentParser()).parse_args(sys.argv[2:])
validate_parsed_serve_args(given)
names = [each.name for each in given.lora_modules]
print(json.dumps([given.served_model_name, given.host, given.port, names]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="TIANJI_REAL_VLLM names no environment with the real vLLM")
def test_the_parser_of_the_real_vllm_takes_the_command(workspace: Workspace, folders: Folders) -> None:
    from tianji_core.serving import ModelRef

    red = ModelRef("red", str(folders.red))
    made = external.command(workspace, "vllm", [f"b={folders.base}"], [red], port=8123)
    done = subprocess.run(
        [f"{REAL}/bin/python", "-c", PARSE, *made.argv[1:]], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [["b"], "127.0.0.1", 8123, ["red"]]


def test_every_program_has_a_pinned_version_and_a_lock_of_it() -> None:
    for name, program in programs().items():
        lock = (FOLDER / f"{name}.lock").read_text(encoding="utf-8")
        assert f"\n{program.requirement} \\" in lock and program.licence == "Apache-2.0"
