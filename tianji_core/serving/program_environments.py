"""Environments of their own for servers of other programs: their packages clash with the studio's, so that
they are installed beside it, found there, and removed again."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import ClassVar

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.installing.environments import PythonEnvironment, make_environment, separate
from tianji_core.installing.install import Tell, install_pins
from tianji_core.installing.launch import KIND
from tianji_core.installing.machine import check_room, gigabytes
from tianji_core.installing.pins import Pin, read_lock
from tianji_core.installing.state import lacking, size_of
from tianji_core.jobs import Job, JobSubject, Reporter, worker_of
from tianji_core.jobs.processes import running_from
from tianji_core.locks import is_locked
from tianji_core.ownership import facts_of, mark, remove
from tianji_core.project import CHECKOUT, PROJECT
from tianji_core.serving.launch import KIND as SERVE
from tianji_core.serving.programs import FOLDER, program_named
from tianji_core.workspace import Workspace

PLACE = "TIANJI_PROGRAMS"
"""Environment variable: the folder of these environments, for another disk."""
_LOCK = "lock"
"""Key of an environment's mark: the SHA-256 of the lock that it was installed from; '' while it is not
whole."""


class ProgramSubject(JobSubject):
    """The program to install; the field is called as that of the job that adds a part of the studio."""

    worker: ClassVar[str] = "tianji_core.serving.program_environments:install_program"
    part: str


def place() -> Path:
    """Returns the folder of the environments: beside the studio's own in a checkout, else with the data of
    the user."""
    if chosen := os.environ.get(PLACE, "").strip():
        return Path(chosen).expanduser().absolute()
    if CHECKOUT:
        return PROJECT / ".programs"
    data = os.environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data else Path.home() / ".local" / "share") / "tianji-studio" / "programs"


def environment_of(name: str) -> PythonEnvironment:
    """Returns the environment of a program, whether it is there or not."""
    return separate(place() / name)


def own_program(name: str) -> Path | None:
    """Returns a program in its own environment; None where that is not whole."""
    environment = environment_of(name)
    path = environment.prefix / "bin" / program_named(name).program
    return path if facts_of(environment.prefix).get(_LOCK) and path.is_file() else None


def found_program(name: str) -> Path | None:
    """Returns a program in its own environment, else on PATH; None where it is in neither."""
    if (own := own_program(name)) is not None:
        return own
    found = shutil.which(program_named(name).program)
    return None if found is None else Path(found)


def missing_packages(name: str) -> list[Pin]:
    """Returns the packages that a program's own environment lacks.

    Raises:
        InputError: there is no such program. SettingsError: its lock cannot be read.
    """
    return lacking(_pins(name), environment_of(name))


def missing_size(name: str) -> int:
    """Returns the bytes on disk that an installation still needs."""
    return size_of(missing_packages(name))


def is_current(name: str) -> bool:
    """Returns whether a program's own environment is whole, in the versions of this studio."""
    return facts_of(environment_of(name).prefix).get(_LOCK) == _digest(name) and not missing_packages(name)


def install_job(workspace: Workspace, name: str) -> Job | None:
    """Returns the job that is installing a program, None where none is."""
    return jobs.newest_about(workspace, KIND, ProgramSubject(part=name), active=True)


def start_install(workspace: Workspace, name: str) -> Job | None:
    """Starts installing a program into an environment of its own, or goes on with an earlier attempt; None
    where everything is there already.

    Raises:
        InputError: there is no such program. JobError: it is being installed.
        DiskFullError, InstallError: no room on the disk or in memory.
    """
    program = program_named(name)
    if install_job(workspace, name) is not None:
        raise JobError(_("{program} 正在安装", program=program.title))
    if is_current(name):
        return None
    folder = next(each for each in (place(), *place().parents) if each.is_dir())
    check_room(folder, missing_size(name))
    title = _("安装 {program} {version}", program=program.title, version=program.version)
    return jobs.start_worker(workspace, KIND, title, ProgramSubject(part=name))


def remove_program(workspace: Workspace, name: str) -> bool:
    """Removes a program's own environment, which the studio made; returns whether there was one.

    Raises:
        InputError: there is no such program, or the studio did not make what is there.
        JobError: it is being installed, or it runs.
    """
    program = program_named(name)
    folder = environment_of(name).prefix
    if install_job(workspace, name) is not None or is_locked(environment_of(name).room / "lock"):
        raise JobError(_("{program} 正在安装，先停下那个任务", program=program.title))
    for job in jobs.listed(workspace, kind=SERVE, active=True):
        if job.argv and Path(job.argv[0]).is_relative_to(folder):
            raise JobError(_("{program} 正在运行（任务 {id}），先停下它", program=program.title, id=job.id))
    if others := running_from(folder):  # the environments are shared by all workspaces of the user
        raise JobError(_("{program} 正在运行（进程 {pid}），先停下它", program=program.title, pid=others[0]))
    if not os.path.lexists(folder):
        return False
    remove(folder)
    return True


@worker_of(ProgramSubject)
def install_program(workspace: Workspace, subject: ProgramSubject, reporter: Reporter) -> int:
    """Installs what a program's environment lacks; returns the exit code. What an interrupted attempt has
    installed stays."""
    reporter.begin(0, _("字节"))

    def tell(done: int, total: int, title: str) -> None:
        reporter.update(done, total=total, message=title or None)

    count = _install(subject.part, tell)
    print(_("装好了 {n} 个包", n=count))
    return 0


def _install(name: str, tell: Tell) -> int:
    pins = _pins(name)
    environment = make_environment(place() / name)
    mark(environment.prefix, **{_LOCK: ""})
    size = gigabytes(size_of(lacking(pins, environment)))
    print(_("装到 {folder}，占 {size} 磁盘", folder=environment.prefix, size=size), flush=True)
    count = install_pins(pins, environment, tell, lambda sentence: print(sentence, flush=True))
    mark(environment.prefix, **{_LOCK: _digest(name)})
    return count


def _lock_file(name: str) -> Path:
    program_named(name)
    return FOLDER / f"{name}.lock"


def _pins(name: str) -> list[Pin]:
    return [pin for pin in read_lock(_lock_file(name)) if pin.applies]


def _digest(name: str) -> str:
    return hashlib.sha256(_lock_file(name).read_bytes()).hexdigest()
