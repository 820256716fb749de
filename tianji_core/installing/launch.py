"""The job that adds the training part to a studio that was installed without it."""

from typing import ClassVar

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.installing.state import has_training, missing, size_of
from tianji_core.jobs import Job, JobSubject
from tianji_core.workspace import Workspace

KIND = "install"


class InstallSubject(JobSubject):
    """The part of the studio to install."""

    worker: ClassVar[str] = "tianji_core.installing.worker:install_part"
    part: str = "whole"


def training_size() -> int:
    """Returns the bytes on disk that the training part still needs."""
    return size_of(missing("whole", any_version=True))


def install_job(workspace: Workspace) -> Job | None:
    """Returns the job that is installing the training part, None where none is."""
    return jobs.newest_about(workspace, KIND, InstallSubject(), active=True)


def start_install(workspace: Workspace) -> Job:
    """Starts installing the training part in the background and returns the job.

    Raises:
        JobError: it is here, or it is being installed.
    """
    if install_job(workspace) is not None:
        raise JobError(_("训练部分正在安装"))
    if has_training():
        raise JobError(_("训练部分已经装好了"))
    return jobs.start_worker(workspace, KIND, _("安装训练部分"), InstallSubject())
