"""The answers of a model folder, from a process of its own that tells how far it is."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.jobs.environment import child_environment
from tianji_core.project import PROJECT

OnAnswers = Callable[[int, int], None]
"""Gets the answers so far and how many there will be."""


def unheard(_done: int, _total: int) -> None:
    """Tells nobody."""


def answers_of(model: Path, asked: Mapping[str, object], on_answers: OnAnswers = unheard) -> list[list[str]]:
    """Returns the answers of :mod:`tianji_core.model_folders.answering` to what is ``asked`` of it. The
    process never outlives this call.

    Raises:
        ModelError: the process failed; quotes its last line.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "tianji_core.model_folders.answering"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            encoding="utf-8",
            cwd=PROJECT,
            env={
                **child_environment(),
                "PYTHONIOENCODING": "utf-8",
                "TRANSFORMERS_VERBOSITY": "error",
                "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),  # shared cores: no spinning
            },
        )
        with process:
            try:
                answers = _read(process, asked, on_answers)
                process.wait()
            except BaseException:
                process.kill()
                raise
        if process.returncode == 0 and answers is not None:
            return answers
        detail = _last_line(complaints) or process.returncode
    raise ModelError(_("模型 {folder} 不能作答：{detail}", folder=model, detail=detail))


def _read(
    process: "subprocess.Popen[str]", asked: Mapping[str, object], on_answers: OnAnswers
) -> list[list[str]] | None:
    """Asks, and reads lines until the one that holds the answers; None where the process ended before."""
    assert process.stdin is not None and process.stdout is not None
    try:
        with process.stdin:
            json.dump(asked, process.stdin, ensure_ascii=False)
    except BrokenPipeError:  # it ended already, and its complaint says why
        return None
    for line in process.stdout:
        told = json.loads(line)
        if "answers" in told:
            answers: list[list[str]] = told["answers"]
            return answers
        on_answers(told["answered"], told["total"])
    return None


def _last_line(complaints: IO[str]) -> str:
    complaints.seek(0)
    lines = [line for line in complaints.read().splitlines() if line.strip()]
    return lines[-1] if lines else ""
