"""Switches this machine off once all work is done, after a countdown that a person can stop."""

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.errors import NoticeError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.roles import check_may_write
from tianji_core.workspace import Workspace

COMMAND = "TIANJI_SWITCH_OFF_COMMAND"
"""The variable with a command line of one's own that switches the machine off."""
COUNTDOWN = 120.0
"""Seconds from the end of the last job to the switching off."""
LOOK = 2.0
"""Seconds between two checks whether somebody has stopped it."""
_FRESH = 15.0
_RENTED = ("AutoDLContainerUUID", "AutoDLDataCenter")


class SwitchOff(BaseModel):
    """A switching off that is under way: ``at`` is when, in seconds since the epoch, None while it waits for
    ``others`` jobs; ``begun`` is when its process began with it and ``seen_at`` when it said so last."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    job: int
    at: float | None
    others: int = 0
    begun: float
    seen_at: float


def switch_off_command() -> list[str]:
    """Returns the command that switches this machine off: one's own, AutoDL's, or systemd's; [] where there
    is none.

    Raises:
        NoticeError: one's own command line cannot be read.
    """
    try:
        if own := shlex.split(os.environ.get(COMMAND, "")):
            return own
    except ValueError as error:
        raise NoticeError(_("环境变量 {name} 里的引号不成对", name=COMMAND)) from error
    if any(name in os.environ for name in _RENTED) and Path("/usr/bin/shutdown").exists():
        return ["/usr/bin/shutdown"]
    if Path("/run/systemd/system").is_dir() and (systemctl := shutil.which("systemctl")):
        return [systemctl, "poweroff"]
    return []


def switch_off_after(
    workspace: Workspace, job_id: int, others: Callable[[], int], countdown: float = COUNTDOWN
) -> bool:
    """Waits until no other job runs, counts down, and switches the machine off; returns False where somebody
    stopped it. ``others`` counts the jobs that still run.

    Raises:
        NoticeError: there is no command for it, or it failed.
    """
    command = switch_off_command()
    if not command:
        raise NoticeError(_("不知道怎么关这台机器；可以用环境变量 {name} 写明命令", name=COMMAND))
    begun, at = time.time(), None
    while True:
        if _stopped_since(workspace, begun):
            return False
        running, now = others(), time.time()
        if running:
            at = None
        elif at is None:
            at = now + countdown
        elif now >= at:
            break
        state = SwitchOff(job=job_id, at=at, others=running, begun=begun, seen_at=now)
        write_json(workspace.logs / "switch-off.json", state.model_dump())
        time.sleep(LOOK if at is None else min(LOOK, max(0.0, at - now)))
    check_may_write()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoticeError(_("关机命令 {command} 没有成功", command=command[0])) from error
    if done.returncode:
        raise NoticeError(_("关机命令 {command} 没有成功", command=command[0]))
    return True


def switching_off(workspace: Workspace) -> SwitchOff | None:
    """Returns the switching off that is under way, or None."""
    try:
        text = (workspace.logs / "switch-off.json").read_text(encoding="utf-8")
        state = SwitchOff.model_validate(json.loads(text))
    except (OSError, ValueError, ValidationError):
        return None
    fresh = time.time() - state.seen_at < _FRESH
    return state if fresh and not _stopped_since(workspace, state.begun) else None


def keep_on(workspace: Workspace) -> None:
    """Stops every switching off that is under way."""
    write_json(workspace.logs / "keep-on.json", {"at": time.time()})


def _stopped_since(workspace: Workspace, begun: float) -> bool:
    try:
        stopped = json.loads((workspace.logs / "keep-on.json").read_text(encoding="utf-8"))
        return float(stopped["at"]) >= begun
    except (OSError, ValueError, KeyError, TypeError):
        return False
