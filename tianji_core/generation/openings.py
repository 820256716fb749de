"""Measures how texts begin and how much they repeat each other, for the teacher's prompt and for the run
view."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tianji_core.store.database import Engine
from tianji_core.store.run_figures import Told, told

OPENING = 4
"""Characters that count as an opening."""
COMPARED = 300
"""Texts per measurement: enough for a stable figure, and always the same number, because the share of
distinct pairs falls as texts are added."""
ENOUGH = 30
"""Texts of a style before anything is called frequent."""
TOO_OFTEN = 0.05
"""Share of a style's texts from which an opening is too frequent."""
MOST_BANNED = 8
REFRESH_EVERY = 50
"""Answers of a style after which its list is computed again."""


def opening(text: str, name: str) -> str:
    """Returns the first characters of a text without the person's name, punctuation and emoji."""
    letters = (
        (c for c in text.replace(name, "", 1) if c.isalnum()) if name else (c for c in text if c.isalnum())
    )
    return "".join(c for c, _number in zip(letters, range(OPENING), strict=False))


class Openings:
    """Counts openings by style as answers arrive; :meth:`banned` lists those used too often."""

    def __init__(self, known: Iterable[Told] = ()) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._totals: Counter[str] = Counter()
        self._banned: dict[str, tuple[str, ...]] = {}
        for text in known:
            self._count(text.style, opening(text.text, text.name))
        for style in self._counts:
            self._refresh(style)

    def add(self, style: str, name: str, text: str) -> None:
        """Counts one more answer."""
        self._count(style, opening(text, name))
        if self._totals[style] % REFRESH_EVERY == 0:
            self._refresh(style)

    def banned(self, style: str) -> tuple[str, ...]:
        """Returns the openings that this style has used too often, most frequent first."""
        return self._banned.get(style, ())

    def request(self, style: str) -> str:
        """Returns the line for the teacher's prompt, or ''."""
        banned = self.banned(style)
        if not banned:
            return ""
        return "这些开头已经用得太多：" + "、".join(f"“{text}”" for text in banned) + "。换一个不一样的开头。"

    def _count(self, style: str, start: str) -> None:
        self._totals[style] += 1
        if start:
            self._counts[style][start] += 1

    def _refresh(self, style: str) -> None:
        total = self._totals[style]
        if total < ENOUGH:
            return
        frequent = self._counts[style].most_common(MOST_BANNED)
        self._banned[style] = tuple(text for text, count in frequent if count >= TOO_OFTEN * total)


@dataclass(frozen=True)
class Variety:
    """``distinct_2`` is distinct pairs of neighbouring characters over all pairs (Li et al. 2016, by
    character); ``top_share`` the share (0-1) of texts with the most frequent opening, ``top_opening``."""

    texts: int
    distinct_2: float
    top_opening: str
    top_share: float


def variety(texts: Iterable[Told]) -> Variety | None:
    """Returns how varied texts are; None where there are none."""
    pairs: set[str] = set()
    total = number = 0
    openings: Counter[str] = Counter()
    for text in texts:
        number += 1
        bigrams = [text.text[i : i + 2] for i in range(len(text.text) - 1)]
        total += len(bigrams)
        pairs.update(bigrams)
        openings[opening(text.text, text.name)] += 1
    if not number:
        return None
    top, count = openings.most_common(1)[0]
    return Variety(number, len(pairs) / total if total else 0.0, top, count / number)


def run_variety(engine: Engine, run_id: int) -> tuple[Variety, Variety] | None:
    """Returns the variety of a run's first and of its newest texts, :data:`COMPARED` each; both are that of
    all texts where there are fewer than twice as many. None where there is no text."""
    first = list(told(engine, run_id, 2 * COMPARED))
    if len(first) < 2 * COMPARED:
        overall = variety(first)
        return None if overall is None else (overall, overall)
    newest = variety(told(engine, run_id, COMPARED, newest=True))
    before = variety(first[:COMPARED])
    return None if before is None or newest is None else (before, newest)
