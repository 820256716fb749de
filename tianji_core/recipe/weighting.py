"""Draws the options of a plan's tasks by weight, as near to the weights as exclusions allow."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from tianji_core.recipe.axes import Options
from tianji_core.recipe.model import Recipe

Choice = tuple[str, str, str, int, Options]
"""(name, scene, style, round, options) of a task."""
CellsOfStyles = Mapping[str, Sequence[tuple[str, str]]]
"""Style → its cells."""
_PASSES = 12


class _Extent(Protocol):
    """The part of a plan that matters here."""

    @property
    def rounds(self) -> int: ...
    @property
    def limit(self) -> int | None: ...
    @property
    def seed(self) -> int: ...


class _Fitting(Protocol):
    def of(self, style: str, name: str, scene: str) -> list[Options]: ...


def largest_remainder(number: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Returns ``number`` divided in proportion to the weights; what rounding down leaves goes to the largest
    remainders, the earlier entry first."""
    total = sum(weights.values())
    exact = {key: number * weight / total for key, weight in weights.items()}
    shares = {key: int(share) for key, share in exact.items()}
    left = number - sum(shares.values())
    for key in sorted(exact, key=lambda key: shares[key] - exact[key])[:left]:
        shares[key] += 1
    return shares


def drawn_by_weight(
    recipe: Recipe, extent: _Extent, cells: CellsOfStyles, combinations: _Fitting
) -> list[Choice]:
    """Returns at most ``extent.limit`` tasks: every cell and style once before any gets another combination
    of options, and each option as often as its weight says among the tasks that its axis fits. Where
    exclusions prevent that, the shares come as near as they can. Deterministic for ``extent.seed``."""
    source = random.Random(f"{extent.seed}|weights")
    places = [
        (name, scene, style, number)
        for number in range(extent.rounds)
        for style in cells
        for name, scene in cells[style]
    ]
    source.shuffle(places)
    places = [place for place in places if combinations.of(place[2], place[0], place[1])]
    fitting = [combinations.of(style, name, scene) for name, scene, style, _number in places]
    picks = _places(len(places) if extent.limit is None else extent.limit, [len(each) for each in fitting])
    quotas = _quotas(recipe, [fitting[place] for place in picks])
    chosen = _Shares(quotas).assigned(picks, fitting)
    return [(*places[place], options) for place, options in zip(picks, chosen, strict=True)]


def _places(number: int, most: Sequence[int]) -> list[int]:
    """Returns the index of the place of each task: all places once, then again those that have another
    combination left."""
    picks: list[int] = []
    turn = 0
    while len(picks) < number:
        again = [place for place, combinations in enumerate(most) if combinations > turn]
        if not again:
            break
        picks += again[: number - len(picks)]
        turn += 1
    return picks


def _quotas(recipe: Recipe, fitting: Iterable[Sequence[Options]]) -> dict[tuple[str, str], int]:
    """Returns (axis, option) → number of tasks by weight. An option that a plan never uses has none."""
    number: Counter[str] = Counter()
    met: set[tuple[str, str]] = set()
    for combinations in fitting:
        number.update(axis for axis, _option in combinations[0])
        met.update(pair for options in combinations for pair in options)
    quotas = {}
    for axis in recipe.axes:
        weights = {o.id: o.weight for o in axis.options if (axis.id, o.id) in met}
        if weights:
            shares = largest_remainder(number[axis.id], weights)
            quotas.update({(axis.id, option): share for option, share in shares.items()})
    return quotas


class _Shares:
    """How often each option is chosen, compared with its quota."""

    def __init__(self, quotas: Mapping[tuple[str, str], int]) -> None:
        self._quotas = quotas
        self._counts: Counter[tuple[str, str]] = Counter()

    def assigned(self, picks: Sequence[int], fitting: Sequence[Sequence[Options]]) -> list[Options]:
        """Returns the options of each task: those furthest below their quota first; then tasks change theirs
        as long as that brings the counts nearer to the quotas."""
        used: dict[int, set[Options]] = {}
        chosen: list[Options] = []
        for place in picks:
            taken = used.setdefault(place, set())
            best = self._best([o for o in fitting[place] if o not in taken])
            self._count(best, 1)
            taken.add(best)
            chosen.append(best)
        for _pass in range(_PASSES):
            moved = False
            for task, place in enumerate(picks):
                old = chosen[task]
                self._count(old, -1)
                best = self._best([old, *(o for o in fitting[place] if o not in used[place])])
                self._count(best, 1)
                if best != old:
                    used[place] = used[place] - {old} | {best}
                    chosen[task], moved = best, True
            if not moved:
                break
        return chosen

    def _best(self, candidates: Sequence[Options]) -> Options:
        """Returns the candidate whose options would stay furthest below their quotas, the earliest of equal
        ones."""
        return min(candidates, key=self._filled)

    def _filled(self, options: Options) -> float:
        """Returns by how much the sum of squared counts over quotas would grow."""
        return sum((2 * self._counts[pair] + 1) / max(self._quotas[pair], 0.1) for pair in options)

    def _count(self, options: Options, step: int) -> None:
        for pair in options:
            self._counts[pair] += step
