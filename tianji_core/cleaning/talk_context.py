"""What stands round a piece of a text, as numbers: the scores of its neighbours, of its line and paragraph,
and its place. From them a second linear model tells talk from blessing where the words alone leave a doubt.
Pure."""

import re
from itertools import accumulate, pairwise
from typing import NamedTuple

from tianji_core.cleaning.sentences import Piece

LEAST, MOST = -5.0, 9.0
"""A score of words counts no less and no more than this."""
_BLANK_LINE = re.compile(r"\n\s*\n")
_THIRD = re.compile(r"对方|收[件信]人|用户|[他她](?![乡山日们])|TA\b")
_RELATIVE = re.compile(r"[您你]的?N|令[堂尊妹兄慈嫒郎]|N[的都看听收会喜]")
"""The receiver as somebody else than the reader."""
_BRACKETED = re.compile(r"\s*[（(【\[〔*_]+[^\n]*[)）】\]〕*_]+\s*[。！：:]?\s*")
_CALLED = re.compile(
    r"[\s“「『（【*#>\"]*(?:亲爱的|敬爱的|尊敬的|我的|最好的)?[^，。！？：；给送写发为向和跟您你对致这的是]{0,3}N{1,2}们?(?:[，：！~～\s]|$)"
)
"""A piece that begins by calling the receiver."""
_SHORT = 7


class Unit(NamedTuple):
    """The scores of the words of a line or paragraph: their mean, weighted by length, the highest and the
    lowest."""

    mean: float
    high: float
    low: float


NAMES = (
    *(
        "score",
        "before",
        "after",
        "high_before",
        "high_after",
        "beside",
        "line_mean",
        "line_high",
        "line_low",
    ),
    *("part_mean", "part_high", "part_low", "line_before", "line_after"),
    *("score_first", "score_last", "score_own_line", "score_short"),
    *("lowest", "mean", "lines", "parts", "pieces"),
    *("first", "last", "only", "own_line", "first_line", "last_line", "first_part", "last_part"),
    *("after_colon", "after_blank", "before_blank"),
    *("length", "you", "third", "relative", "name", "occasion", "short", "colon", "question"),
    *(
        "quote",
        "bracket",
        "bracketed",
        "share",
        "no_you",
        "other_you",
        "called",
        "called_before",
        "called_after",
    ),
)
"""The names of the numbers of :func:`surroundings`, in their order."""
_NOTHING = Unit(0.0, 0.0, 0.0)


def _numbered(cut: list[Piece], blank: bool) -> list[int]:
    """Returns the number of the line of each piece, of its paragraph with ``blank``."""
    number, found = 0, []
    for piece in cut:
        found.append(number)
        if (_BLANK_LINE.search(piece.text) is not None) if blank else "\n" in piece.text:
            number += 1
    return found


def _units(numbers: list[int], scores: list[float], lengths: list[int]) -> list[Unit]:
    edges = [0, *(n for n in range(1, len(numbers)) if numbers[n] != numbers[n - 1]), len(numbers)]
    units = []
    for start, stop in pairwise(edges):
        weight = sum(lengths[start:stop]) or 1
        total = sum(scores[n] * lengths[n] for n in range(start, stop))
        units.append(Unit(total / weight, max(scores[start:stop]), min(scores[start:stop])))
    return units


def _other_you(cut: list[Piece]) -> list[bool]:
    """Returns for each piece whether it says 您 in a text that says 你 otherwise, or the other way round."""
    formal = [piece.text.count("您") for piece in cut]
    close = [piece.text.count("你") - piece.text.count("你们") for piece in cut]
    all_formal, all_close = sum(formal), sum(close)
    if not all_formal or not all_close:
        return [False] * len(cut)
    return [
        bool((f and not c and f == all_formal) or (c and not f and c == all_close))
        for f, c in zip(formal, close, strict=True)
    ]


class _Whole(NamedTuple):
    """What the pieces of a text have in common: scores of words, lengths, lines and paragraphs, the highest
    score before and behind each piece."""

    scores: list[float]
    lengths: list[int]
    line_of: list[int]
    part_of: list[int]
    lines: list[Unit]
    parts: list[Unit]
    high_before: list[float]
    high_after: list[float]


def _whole(cut: list[Piece], words: list[float]) -> _Whole:
    scores = [max(LEAST, min(MOST, score)) for score in words]
    lengths = [len(piece.text.strip()) for piece in cut]
    line_of, part_of = _numbered(cut, blank=False), _numbered(cut, blank=True)
    before, after = list(accumulate(scores, max)), list(accumulate(scores[::-1], max))[::-1]
    return _Whole(
        scores,
        lengths,
        line_of,
        part_of,
        _units(line_of, scores, lengths),
        _units(part_of, scores, lengths),
        [0.0, *before[:-1]],
        [*after[1:], 0.0],
    )


def surroundings(cut: list[Piece], plains: list[str], words: list[float]) -> list[tuple[float, ...]]:
    """Returns for each piece the numbers of :data:`NAMES`. ``plains`` are the pieces with signs for the
    forms of address (N) and occasions (S), ``words`` the scores of their words."""
    whole = _whole(cut, words)
    total = sum(whole.lengths) or 1
    mean = sum(s * n for s, n in zip(whole.scores, whole.lengths, strict=True)) / total
    common = (
        min(whole.scores),
        mean,
        min(len(whole.lines), 8) / 4,
        min(len(whole.parts), 5) / 3,
        min(len(cut), 12) / 6,
    )
    no_you = not any("你" in piece.text or "您" in piece.text for piece in cut)
    others = _other_you(cut)
    called = [_CALLED.match(text) is not None for text in plains]
    heads = [
        called[n] and (n == 0 or cut[n - 1].text.rstrip(" \u3000")[-1:] in ("\n", "：", ":"))
        for n in range(len(cut))
    ]
    first = called.index(True) if any(called) else len(cut)
    last = len(cut) - 1 - heads[::-1].index(True) if any(heads) else -1
    return [
        (
            *_around(n, cut, whole),
            *common,
            *_place(n, cut, whole),
            *_form(piece.text.strip(), plains[n]),
            whole.lengths[n] / total,
            float(no_you),
            float(others[n]),
            float(called[n]),
            float(n > first),
            float(n < last),
        )
        for n, piece in enumerate(cut)
    ]


def _around(n: int, cut: list[Piece], whole: _Whole) -> tuple[float, ...]:
    """Returns the scores of a piece and of what stands round it."""
    score, line, part = whole.scores[n], whole.line_of[n], whole.part_of[n]
    last = n == len(cut) - 1
    before, after = whole.scores[n - 1] if n else 0.0, 0.0 if last else whole.scores[n + 1]
    beside = max(before if n else LEAST, LEAST if last else after)
    return (
        *(score, before, after, whole.high_before[n], whole.high_after[n], min(score, beside)),
        *(whole.lines[line] if len(whole.lines) > 1 else _NOTHING),
        *(whole.parts[part] if len(whole.parts) > 1 else _NOTHING),
        whole.lines[line - 1].mean if line else 0.0,
        whole.lines[line + 1].mean if line + 1 < len(whole.lines) else 0.0,
        *(score if holds else 0.0 for holds in (n == 0, last, cut[n].own_line, whole.lengths[n] < _SHORT)),
    )


def _place(n: int, cut: list[Piece], whole: _Whole) -> tuple[float, ...]:
    """Returns where a piece stands."""
    line, part = whole.line_of[n], whole.part_of[n]
    several, sections = len(whole.lines) > 1, len(whole.parts) > 1
    before = cut[n - 1].text if n else ""
    holds = (
        *(n == 0, n == len(cut) - 1, len(cut) == 1, cut[n].own_line),
        *(several and line == 0, several and line == len(whole.lines) - 1),
        *(sections and part == 0, sections and part == len(whole.parts) - 1),
        *(before.rstrip()[-1:] in (":", "："), before.count("\n") > 1, cut[n].text.count("\n") > 1),
    )
    return tuple(map(float, holds))


def _form(bare: str, plain: str) -> tuple[float, ...]:
    """Returns of whom a piece speaks, and its length and marks."""
    holds = (
        *("你" in bare or "您" in bare, _THIRD.search(bare) is not None, _RELATIVE.search(plain) is not None),
        *("N" in plain, "S" in plain, len(bare) < _SHORT),
        *(bare[-1:] in ("：", ":"), bare[-1:] in ("？", "?")),
        *(bare[:1] in ("“", '"', "「", "『"), bare[:1] in ("（", "(", "【", "[")),
        _BRACKETED.fullmatch(bare[:120]) is not None,
    )
    return (min(len(bare), 60) / 30, *map(float, holds))
