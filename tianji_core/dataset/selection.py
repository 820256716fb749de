"""Selects the samples of a version, their order, and the validation set. Pure."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.store.samples import TrainingExample

MOST_VALIDATION = 0.5


@dataclass(frozen=True)
class Balance:
    """The balance of a version. ``per_cell`` and ``per_style`` limit the samples of one (name, scene) and of
    one style, None for no limit; ``shuffle`` mixes the order; ``validation`` is the share (0 to 0.5) of
    samples held out, in whole cells. ``seed`` determines everything random."""

    per_cell: int | None = None
    per_style: int | None = None
    shuffle: bool = False
    validation: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.validation <= MOST_VALIDATION:
            raise DatasetError(_("验证集的份额应当在 0 到 50% 之间，写的是 {share}", share=self.validation))
        for limit in (self.per_cell, self.per_style):
            if limit is not None and limit < 1:
                raise DatasetError(_("每个格子、每种写法的上限至少是 1，写的是 {limit}", limit=limit))


@dataclass(frozen=True)
class Selection:
    """Training and validation set; no cell is in both. ``left_out`` counts the samples dropped by the
    limits."""

    train: tuple[TrainingExample, ...]
    validation: tuple[TrainingExample, ...]
    left_out: int


def select(lines: Iterable[TrainingExample], balance: Balance) -> Selection:
    """Selects the samples of a version out of samples in order of their numbers; equal ones are taken once.

    Raises:
        DatasetError: everything would be held back, because there is only one cell.
    """
    by_digest: dict[str, TrainingExample] = {}
    for line in lines:
        by_digest.setdefault(line.digest, line)
    different = list(by_digest.values())
    source = Random(balance.seed)
    kept = _capped(different, balance.per_cell, [(line.name, line.scene) for line in different], source)
    kept = _capped(kept, balance.per_style, [line.style for line in kept], source)
    held = _held_back(kept, balance.validation, source)
    train = [line for line in kept if (line.name, line.scene) not in held]
    validation = [line for line in kept if (line.name, line.scene) in held]
    if balance.validation and not validation:
        raise DatasetError(_("样本只有一个格子，分不出验证集：验证集按格子整个留出来"))
    if balance.shuffle:
        source.shuffle(train)
    return Selection(tuple(train), tuple(validation), len(different) - len(kept))


def counted(
    lines: Iterable[TrainingExample], steps: int, progress: Callable[[int, int], None]
) -> Iterator[TrainingExample]:
    """Yields the samples; ``progress`` gets (those taken, ``steps``)."""
    for done, line in enumerate(lines, start=1):
        yield line
        progress(done, steps)


def _capped(
    lines: list[TrainingExample], limit: int | None, groups: Sequence[Hashable], source: Random
) -> list[TrainingExample]:
    if limit is None:
        return lines
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        places[group].append(place)
    chosen: set[int] = set()
    for members in places.values():
        chosen.update(members if len(members) <= limit else source.sample(members, limit))
    return [line for place, line in enumerate(lines) if place in chosen]


def _held_back(lines: Sequence[TrainingExample], share: float, source: Random) -> set[tuple[str, str]]:
    """Draws whole cells until they make up the share; samples whose cell is unknown are trained on."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        if line.name and line.scene:
            counts[line.name, line.scene] += 1
    cells = sorted(counts)
    source.shuffle(cells)
    held: set[tuple[str, str]] = set()
    target, got = share * len(lines), 0
    for cell in cells:
        if got >= target or len(held) + 1 >= len(cells) + (len(lines) > sum(counts.values())):
            break
        held.add(cell)
        got += counts[cell]
    return held
