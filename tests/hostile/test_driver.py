"""Two thousand tasks against every kind of answer at once: each ends stored once or failed with its reason,
nothing stops, memory and database stay small, and no key is left anywhere."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.conftest import ROOT, Faulty
from tests.hostile.driver import PARTS
from tests.hostile.faults_of_streams import SPELLINGS, spelled
from tests.hostile.server import MIXED
from tests.pages.visiting import served, visiting
from tianji_core.gate import MASK

pytestmark = pytest.mark.hostile

MEMORY = 400 * 1000 * 1000
DATABASE = 20 * 1000 * 1000
"""Bytes. Right answers need 3 MB; one bomb or one text of megabytes that is stored would be over it."""
KEYS = {
    "CUSTOM_API_KEY": "sk-custom.9d2c5e8a10467f3b4f7b",
    "ZHIPUAI_API_KEY": "0123456789abcdef.zhipusecret0123",
    "HOSTILE_CHAT_KEY": "hk-chat/7f3b+4f7b9d2c5e8a1046",
}
PAGES = (
    *("", "lists", "heatmap", "generate", "review", "dataset", "train", "models", "chat", "compare"),
    *("jobs", "settings"),
)
IN_FILE = "CUSTOM_API_KEY"
"""This one stands in the workspace's ``.env``, the others in the environment."""


@dataclass(frozen=True)
class Driven:
    """What the driver reported and printed, its workspace, and the command lines seen on this machine
    meanwhile."""

    report: dict[str, Any]
    output: str
    home: Path
    commands: bytes
    stats: dict[str, Any]


@pytest.fixture(scope="module")
def driven(faulty: Faulty, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    home = tmp_path_factory.mktemp("hostile") / "workspace"
    home.mkdir()
    (home / ".env").write_text(f"{IN_FILE}='{KEYS[IN_FILE]}'\n")
    environment = {
        name: value for name, value in os.environ.items() if name not in (*KEYS, "TIANJI_DATABASE_URL")
    }
    environment |= {name: value for name, value in KEYS.items() if name != IN_FILE}
    command = [sys.executable, "-m", "tests.hostile.driver", faulty.url, str(home)]
    seen: list[bytes] = []
    ended = threading.Event()
    watching = threading.Thread(target=_watch, args=(seen, ended), daemon=True)
    watching.start()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    ended.set()
    watching.join()
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    report = json.loads(done.stdout.strip().splitlines()[-1])
    yield Driven(report, output, home, b"\n".join(seen), faulty.stats)


def _watch(seen: list[bytes], ended: threading.Event) -> None:
    while not ended.wait(1.0):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes())
            except OSError:
                continue


def test_every_task_ends_stored_once_or_failed_with_its_reason(driven: Driven) -> None:
    parts = driven.report["parts"]
    assert {name: part["tasks"] for name, part in parts.items()} == PARTS and sum(PARTS.values()) == 2000
    for name, part in parts.items():
        assert part["done"] + part["failed"] == part["tasks"] and part["pending"] == 0, (name, part)
        assert sum(part["reasons"].values()) == part["failed"], (name, part)
        assert part["done"] >= part["tasks"] // 3 and part["failed"] > 0, (name, part)
        assert part["kept"] == (part["tasks"] if name == "chat" else part["done"]), (name, part)


def test_no_run_is_stopped_by_what_one_answer_says(driven: Driven) -> None:
    assert [part["stops"] for part in driven.report["parts"].values()] == [0] * len(PARTS)
    assert "Traceback" not in driven.output
    met = set(driven.stats["sent"])
    assert len({fault.name for fault in MIXED} & met) >= 120, "the mixture met too few kinds"


def test_memory_and_database_stay_small(driven: Driven) -> None:
    assert driven.report["memory"] <= MEMORY
    database = sum(path.stat().st_size for path in driven.home.glob("studio.db*"))
    assert database <= DATABASE


def test_no_request_is_sent_on_to_another_server(driven: Driven) -> None:
    assert driven.stats["trapped"] == 0


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_key_is_left_in_any_spelling(driven: Driven, spelling: str) -> None:
    files = [path for path in driven.home.rglob("*") if path.is_file() and path.name != ".env"]
    assert {path.name for path in files} >= {
        "studio.db",
        "report.html",
        "talk.md",
        "hostile.json",
        "raw.json",
    }
    texts = {str(path): path.read_bytes() for path in files}
    texts |= {"output": driven.output.encode(), "processes": driven.commands}
    for key in (*KEYS.values(), KEYS["ZHIPUAI_API_KEY"].partition(".")[2]):
        wanted = spelled(key, spelling).lower().encode()
        for where, content in texts.items():
            lowered = content.lower()
            assert wanted not in lowered, (where, spelling)
            assert wanted.replace(b"\\", b"\\\\") not in lowered, (
                where,
                spelling,
            )  # escaped once more by JSON


@pytest.fixture(scope="module")
def traffic(driven: Driven) -> bytes:
    """All that the pages of the workspace send to a browser."""
    environment = {name: value for name, value in KEYS.items() if name != IN_FILE}
    with served(driven.home, **environment) as studio, visiting(studio) as visit:
        for page in PAGES:
            visit.open(page)
            assert visit.exceptions() == [], page
        return b"\n".join(message.SerializeToString() for message in visit.everything)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_key_is_in_what_the_pages_send(traffic: bytes, spelling: str) -> None:
    assert MASK.encode() in traffic, "an answer with a masked key is on a page"
    for key in (*KEYS.values(), KEYS["ZHIPUAI_API_KEY"].partition(".")[2]):
        assert spelled(key, spelling).lower().encode() not in traffic.lower(), spelling


def test_keys_were_really_sent_back_and_masked(driven: Driven) -> None:
    raw = b"".join(path.read_bytes() for path in driven.home.rglob("raw.json"))
    assert MASK.encode() in raw
    assert MASK in (driven.home / "exports" / "report.html").read_text(encoding="utf-8")
    assert MASK in (driven.home / "exports" / "talk.md").read_text(encoding="utf-8")


def test_nobody_else_may_read_the_workspace(driven: Driven) -> None:
    for path in (driven.home, *driven.home.rglob("*")):
        if path.name != ".env":  # this one was made before the studio came
            assert path.stat().st_mode & 0o077 == 0, path
