"""Installs what a part lacks: in small groups, each from the lock with its checksums, from one address after
another until one has it. What was broken off goes on with the next group."""

import contextlib
import os
import shutil
from collections.abc import Callable
from functools import partial

from tianji_core.errors import InstallError, JobError
from tianji_core.i18n import _
from tianji_core.installing import state
from tianji_core.installing.environments import OWN, PythonEnvironment
from tianji_core.installing.faults import no_rights
from tianji_core.installing.machine import check_room
from tianji_core.installing.pins import Pin, pins_of
from tianji_core.installing.pip import Pip
from tianji_core.locks import FileLock, is_locked
from tianji_core.ownership import claim_folder, discard

_GROUP = 150_000_000
"""Bytes on disk of one group of packages; a larger package is a group of its own."""

Tell = Callable[[int, int, str], None]
"""Takes the bytes that are installed, all bytes, and what is being installed."""


def install(part: str, tell: Tell, say: Callable[[str], None], any_version: bool = False) -> int:
    """Installs the missing packages of a part and returns how many. ``say`` takes what a person should know
    while it goes on; ``any_version`` leaves packages in other versions than the lock's as they are.

    Raises:
        InstallError: no connection, a wrong checksum, no rights, no memory. DiskFullError: no room.
        JobError: another installation is running.
    """
    return install_pins(pins_of(part), OWN, tell, say, any_version)


def install_pins(
    pins: list[Pin],
    environment: PythonEnvironment,
    tell: Tell,
    say: Callable[[str], None],
    any_version: bool = False,
) -> int:
    """Installs those of ``pins`` that an environment lacks and returns how many.

    Raises:
        InstallError, DiskFullError, JobError: as for :func:`install`.
    """
    wanted = state.lacking(pins, environment, any_version)
    if not wanted:
        return 0
    folder = environment.packages
    if not os.access(folder, os.W_OK) or not os.access(environment.prefix, os.W_OK):
        raise no_rights(str(folder))
    groups = grouped(wanted)
    total = state.size_of(wanted)
    spare = round(max(state.size_of(group) for group in groups) * state.DOWNLOAD)
    check_room(folder, total + spare)
    roomy = shutil.disk_usage(folder).free > total * (1 + state.DOWNLOAD) + spare
    lock = FileLock(claim_folder(environment.room) / "lock")
    if not lock.try_acquire():
        raise JobError(_("另一个安装正在进行，等它装完再来"))
    with contextlib.closing(Pip(environment, lock, roomy, say)) as pip:
        _install_groups(groups, total, pip, tell)
    if left := state.lacking(pins, environment, any_version):
        names = _("、").join(pin.name for pin in left[:5])
        raise InstallError(_("装完以后仍然缺 {names}；请再来一次", names=names))
    return len(wanted)


def swept() -> bool:
    """Removes what a broken-off installation left to be removed; returns whether there was any."""
    left = OWN.room / "downloads"
    if not left.exists() or is_locked(OWN.room / "lock"):
        return False
    discard(left)
    return not left.exists()


def grouped(pins: list[Pin]) -> list[list[Pin]]:
    """Returns the packages in groups of a bounded size, small packages first: a fault of the network or the
    folder shows before the large downloads."""
    groups: list[list[Pin]] = []
    for pin in sorted(pins, key=lambda one: (state.size_of([one]), one.name)):
        if not groups or state.size_of([*groups[-1], pin]) > _GROUP:
            groups.append([])
        groups[-1].append(pin)
    return groups


def _install_groups(groups: list[list[Pin]], total: int, pip: Pip, tell: Tell) -> None:
    done = 0
    here = state.installed(pip.environment)
    for group in groups:
        broken = [pin for pin in group if here.get(pin.name) == ""]
        for pins in (broken, [pin for pin in group if pin not in broken]):
            if pins:
                tell(done, total, named(pins))
                pip.install(pins, pins is broken, partial(_tell_part, tell, done, total, named(pins)))
                done += state.size_of(pins)
    tell(total, total, "")


def _tell_part(tell: Tell, done: int, total: int, title: str, part: int) -> None:
    tell(done + part, total, title)


def named(pins: list[Pin]) -> str:
    """Returns what a group holds, for display."""
    largest = pins[-1]
    text = f"{largest.name} {largest.version}"
    return text if len(pins) == 1 else _("{name} 等 {n} 个包", name=text, n=len(pins))
