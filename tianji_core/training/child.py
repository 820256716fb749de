"""Running one tool as a child of this process.

The child stays in this process group, so that whoever ends the group ends the child too, even where this
process was killed and cannot do it.
"""

import contextlib
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tianji_core.jobs.environment import child_environment
from tianji_core.jobs.processes import end_tree
from tianji_core.project import PROJECT
from tianji_core.training.load import one_card
from tianji_core.workspace import Workspace

KEPT_LINES = 400
"""Lines at the end of the output that are kept for finding the cause of a failure."""
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Waiting threads must sleep on a CPU, not spin: the trainer shares its few cores with everything else."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (negative: a signal) and the last lines it wrote."""

    code: int
    tail: str


def offline_variables() -> dict[str, str]:
    """The environment variables that keep the libraries off the internet, on any machine."""
    return {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def tool_environment(workspace: Workspace, device: str) -> dict[str, str]:
    """The environment of a tool that must never reach for the internet; ``device`` 'cpu' hides every GPU, any
    other all but one that is free, see :func:`~tianji_core.training.load.one_card`. Caches are in the
    workspace."""
    environment = {
        **child_environment(),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        **offline_variables(),
        **workspace.cache_variables(),
        "MPLBACKEND": "Agg",
    }
    if device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
        return {**PATIENT, **environment}
    return environment | one_card(workspace)


def run_tool(
    arguments: list[str],
    environment: dict[str, str],
    on_line: Callable[[str], bool | None],
    cwd: Path = PROJECT,
) -> Ended:
    """Run ``python arguments`` to its end; prints its output and passes every line to ``on_line``. Where that
    returns False the child is ended. The child never outlives this call."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        assert process.stdout is not None
        for raw in process.stdout:
            line = _CONTROL.sub("", raw.rstrip("\n"))
            with contextlib.suppress(OSError):  # a full disk, which the trainer reports itself
                print(line, flush=True)
            kept.append(line)
            if on_line(line) is False:
                break
        else:
            process.wait()
    finally:
        if process.poll() is None:
            end_tree(process.pid)
            process.wait()
    return Ended(process.returncode, "\n".join(kept))
