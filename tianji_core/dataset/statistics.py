"""What is in a dataset, in numbers; counted while it is written."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import add
from typing import Any

OPENING = 4
"""Characters that make an opening."""
_TOP = 15
_BIN = 10


@dataclass
class Grams:
    """How varied texts are: their different characters and pairs of characters, and how many there are in all."""

    ones: set[str] = field(default_factory=set)
    twos: set[str] = field(default_factory=set)
    number: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, text: str) -> None:
        """Count one text."""
        self.ones.update(text)
        self.twos.update(map(add, text, text[1:]))
        self.number[0] += len(text)
        self.number[1] += max(0, len(text) - 1)

    def shares(self) -> list[float]:
        """distinct-1 and distinct-2: different ones divided by all of them (Li et al., 2016), over characters. Larger
        sets of texts have smaller values, so that only sets of like size can be compared."""
        found = (len(self.ones), len(self.twos))
        return [round(n / all_, 5) if all_ else 0.0 for n, all_ in zip(found, self.number, strict=True)]


def _together(parts: Iterable[Grams]) -> Grams:
    whole = Grams()
    for part in parts:
        whole.ones |= part.ones
        whole.twos |= part.twos
        whole.number = [a + b for a, b in zip(whole.number, part.number, strict=True)]
    return whole


@dataclass
class Tally:
    """Counts that grow with every text. Lengths are in characters."""

    count: int = 0
    turns: int = 0
    characters: int = 0
    by_style: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)
    by_scene: Counter[str] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    lengths: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    openings: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    grams: dict[str, "Grams"] = field(default_factory=lambda: defaultdict(Grams))

    def add(self, name: str, scene: str, style: str, source: str, output: str, turns: int) -> None:
        """Count one sample."""
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

    def plain(self) -> dict[str, Any]:
        """As plain data for the manifest, most frequent first."""
        return {
            "count": self.count,
            "turns": self.turns,
            "characters": self.characters,
            "by_style": dict(self.by_style.most_common()),
            "by_name": dict(self.by_name.most_common()),
            "by_scene": dict(self.by_scene.most_common()),
            "by_source": dict(self.by_source.most_common()),
            "lengths": {style: _summary(counts) for style, counts in sorted(self.lengths.items())},
            "openings": [list(pair) for pair in self.openings.most_common(_TOP)],
            "cells": [[name, scene, number] for (name, scene), number in sorted(self.cells.items())],
            "distinct": {style: grams.shares() for style, grams in sorted(self.grams.items())},
            "distinct_overall": _together(self.grams.values()).shares(),
        }


def _summary(counts: Counter[int]) -> dict[str, Any]:
    """Quantiles and a histogram (start of a bin of 10 characters → texts)."""
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
