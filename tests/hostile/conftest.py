"""The fault server, in a process of its own."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Faulty:
    """The address of the fault server, without a path."""

    url: str

    def of(self, number: int) -> str:
        """The address that has one fault."""
        return f"{self.url}/{number}/v1"

    @property
    def stats(self) -> dict[str, Any]:
        """What was sent so far, and what came to the trap."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/stats", timeout=60) as response:
            value: dict[str, Any] = json.load(response)
        return value


@pytest.fixture(scope="session")
def faulty() -> Iterator[Faulty]:
    """The server for all tests of this folder."""
    command = [sys.executable, "-m", "tests.hostile.server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Faulty(process.stdout.readline().strip())
        finally:
            process.terminate()
