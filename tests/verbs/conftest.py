"""The command line, driven in this process for what it says and as a real command for how it behaves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tianji_core import cli
from tianji_core.verbs.progress import PLAIN_SIGN

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a verb left behind: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one sentence of a refusal; fails where there is more, or anything on standard output."""
        assert self.out == ""
        assert self.code == 2, self.err
        return self.failure

    @property
    def failure(self) -> str:
        """The last line on standard error, the only one that is neither a warning nor progress."""
        *before, last = self.err.splitlines()
        assert all(line.startswith(("! ", PLAIN_SIGN)) for line in before), self.err
        assert last.startswith("tianji_core: ") and "Traceback" not in self.err
        return last.removeprefix("tianji_core: ")

    def json(self) -> Any:
        """Standard output as JSON, of a verb that worked."""
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Call a verb in this process: ``verb("plan", "--rounds", 2)``."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["tianji_core", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return call


def heeds_interrupts() -> None:
    """A shell has what it runs in the background ignore Ctrl-C, and that is handed down: begin as in a
    terminal."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def started(tmp_path: Path):
    """Start the real command: ``started("generate", …)``; it sees this test's workspace. Ended with the
    test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tianji_core", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TIANJI_HOME": str(tmp_path / "workspace")},
            preexec_fn=heeds_interrupts,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], seconds: float = 180) -> Said:
    """What a started command left behind."""
    out, err = process.communicate(timeout=seconds)
    return Said(process.returncode, out, err)
