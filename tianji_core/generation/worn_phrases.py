"""Counts the phrases of a run's texts by style, so that the teacher is told which ones it has worn out."""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable

from tianji_core.dispatch import RunOptions
from tianji_core.generation.openings import ENOUGH, Openings
from tianji_core.recipe import Recipe
from tianji_core.store.database import Engine
from tianji_core.store.run_figures import Told, told
from tianji_core.store.runs import Run

WORN = 0.1
"""Share of a style's latest texts from which a phrase is worn out."""
LATEST = 300
"""Texts of a style that are counted, the newest."""
MOST_PHRASES = 8
EVERY = 50
"""Answers of a style after which its phrases are counted again."""
_LENGTHS = range(4, 9)
_RUN = re.compile(r"[\u4e00-\u9fff]{4,}")


class WornPhrases:
    """Counts phrases of 4 to 8 characters by style as answers arrive; those of the recipe's names and scenes
    are nobody's habit."""

    def __init__(self, recipe: Recipe, known: Iterable[Told] = ()) -> None:
        words = [word for scene in recipe.scenes for word in (scene.text, scene.wish)]
        words += [name.text for name in recipe.names]
        self._own = {word[i : i + 2] for word in words for i in range(len(word) - 1)}
        self._latest: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=LATEST))
        self._totals: Counter[str] = Counter()
        self._worn: dict[str, tuple[str, ...]] = {}
        for text in known:
            self._latest[text.style].append(text.text)
            self._totals[text.style] += 1
        for style in self._latest:
            self._refresh(style)

    def add(self, style: str, text: str) -> None:
        """Counts one more answer."""
        self._latest[style].append(text)
        self._totals[style] += 1
        if self._totals[style] % EVERY == 0:
            self._refresh(style)

    def worn(self, style: str) -> tuple[str, ...]:
        """Returns the phrases that a style has used too often, most frequent first."""
        return self._worn.get(style, ())

    def request(self, style: str) -> str:
        """Returns the line for the teacher's prompt, or ''."""
        if not (worn := self.worn(style)):
            return ""
        return "这些说法已经用得太多，这次一个也不要用：" + "、".join(f"“{text}”" for text in worn) + "。"

    def _refresh(self, style: str) -> None:
        texts = self._latest[style]
        if len(texts) < ENOUGH:
            return
        counts: Counter[str] = Counter()
        for text in texts:
            runs = _RUN.findall(text)
            counts.update({run[i : i + n] for run in runs for n in _LENGTHS for i in range(len(run) - n + 1)})
        often = {
            phrase: n for phrase, n in counts.items() if n >= WORN * len(texts) and self._is_habit(phrase)
        }
        chosen: list[str] = []
        for phrase in sorted(often, key=lambda each: (-often[each] * len(each), each)):
            if not any(_overlap(phrase, other) for other in chosen):
                chosen.append(phrase)
        self._worn[style] = tuple(chosen[:MOST_PHRASES])

    def _is_habit(self, phrase: str) -> bool:
        return not any(phrase[i : i + 2] in self._own for i in range(len(phrase) - 1))


def _overlap(phrase: str, other: str) -> bool:
    """Whether one holds most of the other, or its end is the other's start."""
    return any(phrase[i : i + 3] in other for i in range(len(phrase) - 2))


class Habits:
    """What the teacher is told of the texts so far: frequent openings, worn phrases, either or both."""

    def __init__(self, openings: Openings | None, phrases: WornPhrases | None) -> None:
        self._openings, self._phrases = openings, phrases

    def add(self, style: str, name: str, text: str) -> None:
        """Counts one more answer."""
        if self._openings is not None:
            self._openings.add(style, name, text)
        if self._phrases is not None:
            self._phrases.add(style, text)

    def request(self, style: str) -> str:
        """Returns the lines for the teacher's prompt, or ''."""
        lines = (each.request(style) for each in (self._openings, self._phrases) if each is not None)
        return "\n".join(filter(None, lines))


def habits_of(engine: Engine, run: Run, recipe: Recipe, options: RunOptions) -> Habits:
    """Returns the habits of a run's texts so far, as far as its options want them told."""
    latest: list[Told] = []
    if options.ban_phrases:
        latest = list(told(engine, run.id, LATEST * len(recipe.styles), newest=True))[::-1]
    return Habits(
        Openings(told(engine, run.id)) if options.ban_openings else None,
        WornPhrases(recipe, latest) if options.ban_phrases else None,
    )
