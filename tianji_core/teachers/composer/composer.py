"""Writing one text from phrases: choose a pattern, fill its slots, then keep or drop its optional parts until the text
lies within the style's length limits.

The tasks of one style are numbered, and each use of a slot turns that number into a place in its bank, by a step of its
own. Texts whose numbers lie close together then differ in many slots, where drawing by chance would give near twins."""

from functools import cache
from random import Random
from zlib import crc32

from tianji_core.errors import ComposerError
from tianji_core.i18n import _
from tianji_core.recipe import Brief, task_random
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.composer.grammar import NAME, YOU, Literal, Phrase
from tianji_core.teachers.composer.loading import load_phrases
from tianji_core.teachers.composer.mistakes import plant
from tianji_core.teachers.composer.phrases import PATTERNS, CellPhrases, Choice, Phrases

DRAWS = 24
"""Drafts before the phrases are searched for one that fits."""
_NEXT_DRAFT = 1_000_003
"""Added to a task's number for another draft; far more than the tasks of a plan."""
ROOM = 10
"""This part of the range between the limits is kept free above the lower one where optional parts allow it, so that who
learns from these texts does not fall short by a character."""
_TRIES = 6


class Composer:
    """离线造句. ``mistakes`` is the share of texts (0-1) that get one deliberate mistake, for practising cleaning."""

    name = "offline-composer"

    def __init__(self, phrases: Phrases | None = None, mistakes: float = 0.0) -> None:
        if not 0.0 <= mistakes <= 1.0:
            raise ComposerError(_("出错比例应当在 0 到 1 之间，现在是 {rate}", rate=mistakes))
        self.phrases = phrases if phrases is not None else load_phrases()
        self.mistakes = mistakes

    def compose(self, brief: Brief) -> Answer:
        """The text for a brief; the same seed and task always give the same text. Tokens are characters.

        Raises:
            ComposerError: there are no phrases for this style or scene, or none that fit its length limits.
        """
        text = self._text(brief)
        planted: tuple[str, ...] = ()
        if self.mistakes:
            source = Random(f"{brief.seed}|mistakes")
            if source.random() < self.mistakes:
                text, planted = plant(text, brief, self.phrases, self._text, source)
        return Answer(
            text=text,
            model=self.name,
            prompt_tokens=len(brief.prompt),
            completion_tokens=len(text),
            planted=planted,
        )

    async def answer(self, brief: Brief, sampling: Sampling) -> Answer:
        """:meth:`compose`; sampling parameters have no meaning here."""
        return self.compose(brief)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _text(self, brief: Brief) -> str:
        cell = self.phrases.cell(brief.style.text, brief.scene.text, brief.name)
        low, high = brief.style.min_chars, brief.style.max_chars
        source = task_random(brief.seed, brief.task)
        for draw in range(DRAWS):
            text = _Draft(brief, cell, source, draw).write(None, low, high)
            # The name and the phrase beside it can spell another occasion: 医生 + 日子.
            if low <= len(text) <= high and not self.phrases.foreign_scenes(text, brief.scene.text):
                return text
        return self._searched(brief, cell, source, low, high)

    def _searched(self, brief: Brief, cell: CellPhrases, source: Random, low: int, high: int) -> str:
        """A text that fits narrow limits: every pattern with its shortest and with its longest phrases."""
        lengths = []
        for longest in (False, True):
            for pattern in cell.patterns.all:
                text = _Draft(brief, cell, source, 0, longest).write(pattern, low, high)
                if low <= len(text) <= high:
                    return text
                lengths.append(len(text))
        raise ComposerError(
            _(
                "离线造句写不出 {low}-{high} 字的“{style}”（{name} × {scene}），能写的约为 {shortest}-{longest} 字；"
                "请放宽这个风格的字数，或在 {file} 里添加长短合适的语句",
                low=low,
                high=high,
                style=brief.style.text,
                name=brief.name.text,
                scene=brief.scene.text,
                shortest=min(lengths),
                longest=max(lengths),
                file=self.phrases.files[brief.style.text],
            )
        )


class _Draft:
    """Attempt number ``draw``. ``longest`` True and False take the longest and the shortest phrases."""

    def __init__(
        self, brief: Brief, cell: CellPhrases, source: Random, draw: int, longest: bool | None = None
    ) -> None:
        self.fixed = {NAME: brief.name.text, YOU: brief.name.pronoun.value}
        self.cell = cell
        self.random = source.random
        self.number = brief.variant + draw * _NEXT_DRAFT
        self.longest = longest
        self.used: dict[str, list[Phrase]] = {}
        self.pairs: set[str] = set()

    def write(self, pattern: Phrase | None, low: int, high: int) -> str:
        """The text of a pattern, or of the one whose turn it is."""
        if pattern is None:
            bank, place = self._turn(self.cell.patterns, PATTERNS, 0)
            pattern = bank[place]
        pieces: list[tuple[int, str]] = []
        sizes = [0] * (pattern.optionals + 1)
        for part in pattern.parts:
            if isinstance(part, Literal):
                text = part.text
            else:
                text = self.fixed.get(part.bank) or self._say(self._pick(part.bank))
            pieces.append((part.optional, text))
            sizes[part.optional] += len(text)
        kept = self._kept(sizes, low + (high - low) // ROOM, high)
        return "".join(text for optional, text in pieces if optional in kept)

    def _kept(self, sizes: list[int], low: int, high: int) -> set[int]:
        """Which optional parts stay: a random choice, corrected towards the limits. The fixed parts are -1."""
        total, kept = sizes[-1], {-1}
        order = sorted(range(len(sizes) - 1), key=lambda _i: self.random())
        wished = [i for i in order if self.random() < 0.5]
        for i in wished + [i for i in order if i not in wished]:
            if total + sizes[i] <= high and (total < low or i in wished):
                kept.add(i)
                total += sizes[i]
        return kept

    def _turn(self, choice: Choice, slot: str, use: int) -> tuple[tuple[Phrase, ...], int]:
        """The list and the place in it whose turn it is. Which of the two lists is decided apart, so that the places
        in what anybody may hear are the same for all receivers."""
        step, other = _steps(slot, use)
        special = self.number * other % _WHOLE < choice.special_share * _WHOLE
        bank = choice.special if special else choice.anybody
        return bank, self.number * step % _WHOLE * len(bank) // _WHOLE

    def _pick(self, slot: str) -> Phrase:
        """A phrase not yet used, preferably one that repeats no pair of characters."""
        choice, used = self.cell.banks[slot], self.used.setdefault(slot, [])
        if self.longest is not None:
            free = [p for p in choice.all if p not in used]
            found = (max if self.longest else min)(free, key=lambda p: len(p.source))
        else:
            bank, start = self._turn(choice, slot, len(used))
            size = len(bank)
            found, fewest = bank[start], 1000
            for step in range(min(size, _TRIES)):
                phrase = bank[(start + step * _stride(size)) % size]
                if phrase in used:
                    continue
                shared = 0 if self.pairs.isdisjoint(phrase.pairs) else len(self.pairs & phrase.pairs)
                if shared < fewest:
                    found, fewest = phrase, shared
                if not shared:
                    break
            if found in used:
                found = next((p for p in choice.all if p not in used), found)
        used.append(found)
        self.pairs |= found.pairs
        return found

    def _say(self, phrase: Phrase) -> str:
        if len(phrase.parts) == 1 and isinstance(phrase.parts[0], Literal):
            return phrase.parts[0].text
        return "".join(p.text if isinstance(p, Literal) else self.fixed[p.bank] for p in phrase.parts)


_WHOLE = 2**32


@cache
def _steps(slot: str, use: int) -> tuple[int, int]:
    """How far a bank's place moves from one task to the next, in 2**-32 of the bank: any two slots, and any two uses of
    one slot, move differently."""
    return crc32(f"{slot} {use}".encode()) | 1, crc32(f"{use} {slot}".encode()) | 1


def _stride(size: int) -> int:
    """A step that visits every index of ``size`` before repeating one, away from the neighbour."""
    return next((s for s in (7, 5, 3) if size % s), 1)
