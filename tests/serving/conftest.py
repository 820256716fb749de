"""One real server process for all tests of this folder, over tiny random models."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest

from tests.serving.tiny import make_adapter, make_base
from tianji_core.files import write_json

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "送祝福"


@dataclass(frozen=True)
class Folders:
    """The models on disk."""

    base: Path
    red: Path
    blue: Path
    merged: Path
    other_base: Path


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """A base, two adapters, another full model, and a base of another size."""
    home = tmp_path_factory.mktemp("models")
    base = make_base(home / "base")
    write_json(base / "tianji.json", {"template": "internlm2_chat", "system": SYSTEM})
    return Folders(
        base=base,
        red=make_adapter(home / "red", base, seed=1),
        blue=make_adapter(home / "blue", base, seed=2),
        merged=make_base(home / "merged", seed=3),
        other_base=make_base(home / "other", hidden=48),
    )


@dataclass(frozen=True)
class Server:
    """A running server process."""

    url: str
    log: Path

    def health(self) -> dict:
        """What GET /health says."""
        import json

        with urllib.request.urlopen(f"{self.url.removesuffix('/v1')}/health", timeout=60) as response:
            return json.load(response)

    def metric(self, name: str, key: str = "none") -> float:
        """The sum of what GET /metrics says under names that begin so."""
        url = f"{self.url.removesuffix('/v1')}/metrics"
        asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(asked, timeout=60) as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def wait_idle(self) -> None:
        """Until no request is being answered."""
        for _ in range(300):
            state = self.health()
            if state["active"] == 0 and state["queued"] == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"still busy: {state}")


def run_server(arguments: list[str], log: Path) -> Iterator[Server]:
    """Start the module entry, wait for its address on stdout, end it afterwards."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tianji_core.serving.server", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        while "/v1" not in (text := log.read_text()):
            assert process.poll() is None, text
            time.sleep(0.1)
        line = next(line for line in text.splitlines() if "/v1" in line)
        yield Server(line[line.index("http") : line.index("/v1") + 3], log)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def server(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """base, its adapters red and blue, and merged, at most 6 at a time and 30 waiting."""
    yield from run_server(
        [
            *("--model", f"base={folders.base}", "--model", f"merged={folders.merged}"),
            *("--lora-modules", f"red={folders.red}", f"blue={folders.blue}"),
            *("--max-active", "6", "--max-queue", "30"),
        ],
        tmp_path_factory.mktemp("server") / "log",
    )


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    """The official client."""
    with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0, timeout=60) as made:
        yield made
