"""Variety of texts beyond character counts: self-BLEU and frequent phrases. Pure."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

ORDER = 4
"""Longest n-grams, in characters, of self-BLEU."""
BLEU_SAMPLE = 300
"""Texts drawn for self-BLEU, which grows with their number: only equal numbers can be compared."""
PHRASE_SAMPLE = 1500
_PHRASE = range(2, 7)
"""Lengths of a phrase in characters."""
_CONTAINED = 0.6
"""A phrase is left out if a longer phrase that contains it occurs in at least this share of its texts."""
_TOP = 20
_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


@dataclass(frozen=True)
class CommonPhrase:
    """A frequent phrase, and the share of the texts (0 to 1) that contain it."""

    text: str
    share: float


def self_bleu(texts: Sequence[str], seed: int = 0) -> float | None:
    """Returns self-BLEU (Zhu et al., 2018): the mean BLEU-4 over characters of each text against all the
    others, of at most :data:`BLEU_SAMPLE` texts drawn by ``seed``. 0 to 1, lower is more varied; None for
    fewer than two texts. A precision of 0 counts as half a match, so that one missing order does not hide the
    others."""
    drawn = [text for text in texts if text]
    if len(drawn) > BLEU_SAMPLE:
        drawn = Random(seed).sample(drawn, BLEU_SAMPLE)
    if len(drawn) < 2:
        return None
    grams = [[_grams(text, n) for n in range(1, ORDER + 1)] for text in drawn]
    most = [_two_most([counts[n] for counts in grams]) for n in range(ORDER)]
    lengths = Counter(map(len, drawn))
    return sum(
        _bleu(number, grams[number], most, len(text), lengths) for number, text in enumerate(drawn)
    ) / len(drawn)


def _grams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def _two_most(counted: Sequence[Counter[str]]) -> dict[str, tuple[int, int, int]]:
    """Returns n-gram → (largest count in one text, that text, largest count in the other texts), by which
    counts are clipped."""
    most: dict[str, tuple[int, int, int]] = {}
    for number, counts in enumerate(counted):
        for gram, count in counts.items():
            first, owner, second = most.get(gram, (0, -1, 0))
            if count > first:
                most[gram] = (count, number, first)
            elif count > second:
                most[gram] = (first, owner, count)
    return most


def _bleu(
    number: int,
    grams: Sequence[Counter[str]],
    most: Sequence[dict[str, tuple[int, int, int]]],
    length: int,
    lengths: Counter[int],
) -> float:
    logs = []
    for counts, bounds in zip(grams, most, strict=True):
        if not counts:  # shorter than the order
            continue
        clipped = 0
        for gram, count in counts.items():
            first, owner, second = bounds[gram]
            clipped += min(count, second if owner == number else first)
        logs.append(math.log((clipped or 0.5) / counts.total()))
    others = [other for other, times in lengths.items() if times > (other == length)]
    nearest = min(others, key=lambda other: (abs(other - length), other))
    brevity = min(0.0, 1 - nearest / length)
    return math.exp(brevity + sum(logs) / len(logs))


def phrases(texts: Sequence[str], seed: int = 0) -> list[CommonPhrase]:
    """Returns the most frequent phrases of 2 to 6 Chinese characters, the most frequent first; parts of a
    longer phrase that is about as frequent are left out. Counted over at most :data:`PHRASE_SAMPLE` texts
    drawn by ``seed``."""
    drawn = list(texts)
    if len(drawn) > PHRASE_SAMPLE:
        drawn = Random(seed).sample(drawn, PHRASE_SAMPLE)
    counts: Counter[str] = Counter()
    for text in drawn:
        runs = _RUN.findall(text)
        counts.update({run[i : i + n] for run in runs for n in _PHRASE for i in range(len(run) - n + 1)})
    common = {phrase: number for phrase, number in counts.items() if number > 1}
    longer: dict[str, int] = {}
    for phrase, number in common.items():
        for piece in (phrase[1:], phrase[:-1]):
            longer[piece] = max(longer.get(piece, 0), number)
    whole = (phrase for phrase, number in common.items() if longer.get(phrase, 0) < _CONTAINED * number)
    kept = sorted(whole, key=lambda phrase: (-common[phrase], -len(phrase), phrase))[:_TOP]
    return [CommonPhrase(phrase, round(counts[phrase] / len(drawn), 4)) for phrase in kept]
