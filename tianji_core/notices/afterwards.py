"""What follows the end of a job: a notice, and the switching off of the machine."""

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tianji_core.errors import StudioError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.notices.channels import channels_in_use
from tianji_core.notices.notice import notice_of
from tianji_core.notices.power import switch_off_after
from tianji_core.notices.preferences import load_preferences
from tianji_core.notices.sending import send_to_all
from tianji_core.store.jobs import Job
from tianji_core.workspace import Workspace


class Afterwards(BaseModel):
    """What a person wants after one job: ``notify`` None tells of it where it took long enough."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    notify: bool | None = None
    switch_off: bool = False


def load_afterwards(workspace: Workspace, job_id: int) -> Afterwards:
    """Returns what is to follow a job; the default where nothing is stored or it cannot be read."""
    try:
        text = _path(workspace, job_id).read_text(encoding="utf-8")
        return Afterwards.model_validate(json.loads(text))
    except (OSError, ValueError):
        return Afterwards()


def save_afterwards(workspace: Workspace, job_id: int, wanted: Afterwards) -> None:
    """Stores what is to follow a job; it counts until the job ends."""
    write_json(_path(workspace, job_id), wanted.model_dump(mode="json"))


def follow_up(
    workspace: Workspace, job: Job, duration: str, others: Callable[[], int], say: Callable[[str], None]
) -> None:
    """Does what is to follow a job that has ended, and says each step. ``duration`` is the time that it
    took, for display; ``others`` counts the jobs that still run. A job that a person stopped switches nothing
    off."""
    wanted = load_afterwards(workspace, job.id)
    try:
        if will_tell(workspace, job, wanted):
            for channel, problem in send_to_all(workspace, notice_of(job, duration)).items():
                say(problem or _("通知已送出：{channel}", channel=channel.title))
    except StudioError as error:
        say(str(error))
    try:
        if wanted.switch_off and job.state != "stopped":
            switched = switch_off_after(workspace, job.id, others)
            say(_("这台机器现在关机") if switched else _("关机已被取消"))
    except StudioError as error:
        say(str(error))


def will_tell(workspace: Workspace, job: Job, wanted: Afterwards) -> bool:
    """Returns whether the end of a job is told.

    Raises:
        SettingsError: the preferences or the keys cannot be read.
    """
    if wanted.notify is None and not channels_in_use(workspace):
        return False
    return worth_telling(workspace, job, wanted)


def worth_telling(workspace: Workspace, job: Job, wanted: Afterwards) -> bool:
    """Returns whether a person wants to hear of the end of a job, by whatever way: as chosen for this job,
    else where it took long enough, nobody stopped it, and it is no server.

    Raises:
        SettingsError: the preferences cannot be read.
    """
    if wanted.notify is not None:
        return wanted.notify
    long = job.seconds >= 60 * load_preferences(workspace).minutes
    return long and job.state != "stopped" and job.kind != "serve"


def _path(workspace: Workspace, job_id: int) -> Path:
    return workspace.logs / f"job-{job_id}.after.json"
