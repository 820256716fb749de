"""Statistics of a dataset, counted while it is written."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

OPENING = 4
"""Length of an opening in characters."""
_TOP = 15
_BIN = 10


_AT_ONCE = 1_000_000
"""Characters that are processed together."""


class Grams:
    """The variety of texts: their distinct characters and pairs of characters, and the number of all of
    them."""

    def __init__(self) -> None:
        self.number = [0, 0]
        self._found: list[list[Any]] = [[], []]
        self._waiting: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """Counts one text."""
        if not text:
            return
        self.number[0] += len(text)
        self.number[1] += len(text) - 1
        self._waiting.append(text)
        self._size += len(text)
        if self._size >= _AT_ONCE:
            self._fold()

    def take(self, other: "Grams") -> None:
        """Adds the counts of another one."""
        self.number = [a + b for a, b in zip(self.number, other.number, strict=True)]
        for mine, theirs in zip(self._found, other.different(), strict=True):
            mine.append(theirs)

    def different(self) -> list[Any]:
        """Returns the distinct characters and pairs as sorted arrays of numbers."""
        import numpy as np

        self._fold()
        for grams in self._found:
            grams[:] = [np.unique(np.concatenate(grams))] if grams else [np.empty(0, np.uint64)]
        return [grams[0] for grams in self._found]

    def shares(self) -> list[float]:
        """Returns distinct-1 and distinct-2: distinct characters and pairs divided by all of them (Li et al.,
        2016). Larger sets of texts have smaller values, so only sets of similar size can be compared."""
        sizes = [len(grams) for grams in self.different()]
        return [round(n / all_, 5) if all_ else 0.0 for n, all_ in zip(sizes, self.number, strict=True)]

    def _fold(self) -> None:
        import numpy as np

        if not self._waiting:
            return
        data = "".join(self._waiting).encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(data, np.uint32).astype(np.uint64)
        within = np.ones(max(0, len(codes) - 1), bool)
        within[np.cumsum([len(text) for text in self._waiting])[:-1] - 1] = (
            False  # where one text meets the next
        )
        pairs = (codes[:-1] << np.uint64(21)) | codes[1:]
        self._found[0].append(np.unique(codes))
        self._found[1].append(np.unique(pairs[within]))
        self._waiting, self._size = [], 0


def _together(parts: Iterable[Grams]) -> Grams:
    whole = Grams()
    for part in parts:
        whole.take(part)
    return whole


@dataclass
class Tally:
    """Running counts of the texts of a dataset. Lengths are in characters."""

    count: int = 0
    turns: int = 0
    characters: int = 0
    by_style: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)
    by_scene: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_option: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_fact: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    openings: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    grams: dict[str, "Grams"] = field(default_factory=lambda: defaultdict(Grams))

    def add(self, name: str, scene: str, style: str, source: str, output: str, turns: int) -> None:
        """Counts one sample."""
        self.count += 1
        self.turns += turns
        self.characters += len(output)
        self.by_style[style] += 1
        self.by_name[name] += 1
        self.by_scene[scene] += 1
        self.by_source[source] += 1
        self.lengths[style][len(output)] += 1
        self.openings[output[:OPENING]] += 1
        self.cells[name, scene] += 1
        self.grams[style].add(output)

    def add_conditions(self, options: Iterable[tuple[str, str]], fact: str) -> None:
        """Counts the options and the fact of one sample."""
        self.by_option.update(options)
        if fact:
            self.by_fact[fact] += 1

    def plain(self) -> dict[str, Any]:
        """Returns the counts as plain data for the manifest, the most frequent first."""
        return {
            "count": self.count,
            "turns": self.turns,
            "characters": self.characters,
            "by_style": dict(self.by_style.most_common()),
            "by_name": dict(self.by_name.most_common()),
            "by_scene": dict(self.by_scene.most_common()),
            "by_source": dict(self.by_source.most_common()),
            "by_option": [
                [axis, option, number] for (axis, option), number in sorted(self.by_option.items())
            ],
            "by_fact": dict(self.by_fact.most_common()),
            "lengths": {style: _summary(counts) for style, counts in sorted(self.lengths.items())},
            "openings": [list(pair) for pair in self.openings.most_common(_TOP)],
            "cells": [[name, scene, number] for (name, scene), number in sorted(self.cells.items())],
            "distinct": {style: grams.shares() for style, grams in sorted(self.grams.items())},
            "distinct_overall": _together(self.grams.values()).shares(),
        }


def _summary(counts: Counter[int]) -> dict[str, Any]:
    """Returns quantiles and a histogram (start of a bin of 10 characters → texts)."""
    total = counts.total()
    bins: Counter[int] = Counter()
    for length, number in counts.items():
        bins[length // _BIN * _BIN] += number
    return {
        "min": min(counts),
        "median": _quantile(counts, total * 0.5),
        "p90": _quantile(counts, total * 0.9),
        "max": max(counts),
        "bins": {str(start): bins[start] for start in sorted(bins)},
    }


def _quantile(counts: Counter[int], rank: float) -> int:
    seen = 0
    for length in sorted(counts):
        seen += counts[length]
        if seen >= rank:
            return length
    return max(counts)
