"""Trying a place: whether it can be reached, and what it has."""

from dataclasses import dataclass

from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.training.places import slurm_runs
from tianji_core.training.places.adapters import SshAdapter
from tianji_core.training.places.bundle import LOCKED, differing
from tianji_core.training.places.profile import Place
from tianji_core.training.places.sky_place import try_sky
from tianji_core.workspace import Workspace

LITTLE_DISK = 20e9
"""Free bytes below which it is said that a training may fill the disk."""


@dataclass(frozen=True)
class PlaceFinding:
    """One thing that was found; ``good`` is False for what hinders."""

    good: bool
    sentence: str


def try_place(workspace: Workspace, place: Place) -> list[PlaceFinding]:
    """Returns what a place has and lacks.

    Raises:
        PlaceError: it refuses. PlaceUnreachableError: it does not answer.
    """
    if place.local:
        return [_partition(place, slurm_runs.partitions())]
    if place.kind == "sky":
        return [PlaceFinding(True, _("SkyPilot 能用：{names}", names=try_sky(place)))]
    facts = SshAdapter(workspace, place).facts()
    there = facts.versions
    found = [PlaceFinding(True, _("连得上，那边的工作区在 {folder}", folder=facts.home))]
    if place.kind == "slurm":
        found.append(_partition(place, list(facts.partitions)))
    if missing := [name for name in LOCKED if not there.get(name)]:
        found.append(PlaceFinding(False, _("那边没有装 {names}，训练不了", names=_("、").join(missing))))
    if said := differing(there):
        found.append(PlaceFinding(False, said))
    cards = [f"{card.name} {size_text(card.total)}" for card in facts.cards]
    found.append(
        PlaceFinding(True, _("显卡：{cards}", cards=_("、").join(cards) or _("没有，只能用 CPU 的预设")))
    )
    free = size_text(facts.disk)
    if facts.disk < LITTLE_DISK:
        found.append(PlaceFinding(False, _("那边的磁盘只剩 {free}，训练可能写满它", free=free)))
    else:
        found.append(PlaceFinding(True, _("磁盘还有 {free}", free=free)))
    return found


def _partition(place: Place, known: list[str]) -> PlaceFinding:
    names = _("、").join(known) or "—"
    if place.slurm.partition and place.slurm.partition not in known:
        wanted = place.slurm.partition
        return PlaceFinding(False, _("Slurm 没有分区 {wanted}，有的是：{names}", wanted=wanted, names=names))
    return PlaceFinding(bool(known), _("Slurm 的分区：{names}", names=names))
