"""Writes one text from phrases: chooses a pattern, fills its slots, then keeps or drops its optional parts
until the text lies within the style's length limits.

The tasks of one style are numbered, and each use of a slot turns that number into a place in its bank, by a
step of its own. Texts with neighbouring numbers then differ in many slots, whereas random draws would yield
near duplicates."""

import contextlib
import re
from collections.abc import Mapping
from functools import cache
from random import Random
from zlib import crc32

from tianji_core.errors import ComposerError
from tianji_core.i18n import _
from tianji_core.recipe import Brief, shipped_kind, task_random
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.composer.grammar import FACT, GREETING, NAME, SCENE, YOU, Literal, Phrase
from tianji_core.teachers.composer.loading import load_phrases
from tianji_core.teachers.composer.mistakes import plant
from tianji_core.teachers.composer.phrases import PATTERNS, CellPhrases, Choice, Phrases

DRAWS = 24
"""Drafts before the phrases are searched systematically."""
_NEXT_DRAFT = 1_000_003
"""Added to a task's number for each further draft; far larger than the number of tasks of a plan."""
ROOM = 10
"""One part in this many of the range between the length limits is kept free above the lower limit where
optional parts allow it, so that a model trained on these texts does not fall short by a character."""
_TRIES = 6
_OURS = ("我", "咱")
_THIRD = re.compile(r"[他她](?!们)|(?<![A-Za-z])TA(?![A-Za-z])", re.IGNORECASE)


class Composer:
    """离线造句. ``mistakes`` is the share of texts (0-1) that get one deliberate mistake, for practising
    cleaning."""

    name = "offline-composer"

    def __init__(self, phrases: Phrases | None = None, mistakes: float = 0.0) -> None:
        if not 0.0 <= mistakes <= 1.0:
            raise ComposerError(_("出错比例应当在 0 到 1 之间，现在是 {rate}", rate=mistakes))
        self.phrases = phrases if phrases is not None else load_phrases()
        self.mistakes = mistakes

    def compose(self, brief: Brief) -> Answer:
        """Returns the text for a brief; the same seed and task always give the same text. Tokens are
        characters.

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
        told, closing = self._telling(brief), self._closing(brief)
        if told:
            with contextlib.suppress(ComposerError):  # no room for it between the length limits
                return self._closed(brief, told + closing)
        return self._closed(brief, closing)

    def uses_fact(self, brief: Brief) -> bool:
        """Returns whether the text for a brief uses its fact."""
        told = self._telling(brief)
        return bool(told) and told in self._text(brief)

    def _telling(self, brief: Brief) -> str:
        """Returns the sentence that uses the fact of the task, '' for none."""
        said = addressed(brief)
        bank = self.phrases.tellings(brief.style.text, said.startswith(_OURS)) if said else ()
        if not bank:
            return ""
        step, _other = _steps(FACT, 0)
        return _filled(bank[brief.variant * step % _WHOLE * len(bank) // _WHOLE], _fixed(brief))

    def _closed(self, brief: Brief, closing: str) -> str:
        """Returns a text that ends with ``closing``."""
        scene = brief.scene.text
        cell = self.phrases.cell(brief.style.text, scene, brief.name, shipped_kind(brief.scene.kind))
        low, high = max(1, brief.style.min_chars - len(closing)), brief.style.max_chars - len(closing)
        source = task_random(brief.seed, brief.task)
        for draw in range(DRAWS):
            text = _Draft(brief, cell, source, draw).write(None, low, high)
            # The name and the phrase beside it can spell another occasion: 医生 + 日子. A greeting need not
            # hold the occasion's own word: 一路顺风 for 送别.
            right = self.phrases.shows(text, scene) and not self.phrases.foreign_scenes(text, scene)
            if low <= len(text) <= high and right:
                return text + closing
        return self._searched(brief, cell, source, closing) + closing

    def _closing(self, brief: Brief) -> str:
        """Returns the sentences that make a text obey the options of its task, one of each option."""
        fixed = _fixed(brief)
        chosen = []
        for axis, option in brief.task.options:
            bank = self.phrases.closings(axis, option, brief.style.text)
            if bank:
                step, _other = _steps(f"{axis}={option}", 0)
                phrase = bank[brief.variant * step % _WHOLE * len(bank) // _WHOLE]
                chosen.append(_filled(phrase, fixed))
        return "".join(chosen)

    def _searched(self, brief: Brief, cell: CellPhrases, source: Random, closing: str) -> str:
        """Returns a text that has narrow limits together with its closing: tries every pattern with its
        shortest and with its longest phrases."""
        low, high = max(1, brief.style.min_chars - len(closing)), brief.style.max_chars - len(closing)
        lengths = []
        for longest in (False, True):
            for pattern in cell.patterns.all:
                text = _Draft(brief, cell, source, 0, longest).write(pattern, low, high)
                if low <= len(text) <= high:
                    return text
                lengths.append(len(text) + len(closing))
        raise ComposerError(
            _(
                "离线造句写不出 {low}-{high} 字的“{style}”（{name} × {scene}），能写的约为 {shortest}-{longest} 字；"
                "请放宽它的字数，或在 {file} 里添加长短合适的语句",
                low=brief.style.min_chars,
                high=brief.style.max_chars,
                style=brief.style.text,
                name=brief.name.text,
                scene=brief.scene.text,
                shortest=min(lengths),
                longest=max(lengths),
                file=self.phrases.files[brief.style.text],
            )
        )


def _fixed(brief: Brief) -> dict[str, str]:
    """Returns what stands in each slot that the task fills."""
    return {
        NAME: brief.name.text,
        YOU: brief.name.pronoun.value,
        SCENE: brief.scene.text,
        GREETING: brief.scene.wish,
        FACT: addressed(brief),
    }


def _filled(phrase: Phrase, fixed: Mapping[str, str]) -> str:
    return "".join(part.text if isinstance(part, Literal) else fixed[part.bank] for part in phrase.parts)


def addressed(brief: Brief) -> str:
    """Returns the fact of a task as it is said to the receiver: 他 and the name become 您 or 你."""
    fact, you = brief.task.fact, brief.name.pronoun.value
    if not fact or fact.startswith(_OURS):
        return _THIRD.sub(you, fact)
    said = _THIRD.sub(you, fact.replace(brief.name.text, you))
    return said if said.startswith(you) else you + said


class _Draft:
    """Attempt number ``draw`` at a text. ``longest`` True uses the longest phrases, False the shortest."""

    def __init__(
        self, brief: Brief, cell: CellPhrases, source: Random, draw: int, longest: bool | None = None
    ) -> None:
        self.fixed = _fixed(brief)
        self.cell = cell
        self.random = source.random
        self.number = brief.variant + draw * _NEXT_DRAFT
        self.longest = longest
        self.used: dict[str, list[Phrase]] = {}
        self.pairs: set[str] = set()

    def write(self, pattern: Phrase | None, low: int, high: int) -> str:
        """Returns the text of ``pattern``; None stands for the pattern that the task's number selects."""
        if pattern is None:
            bank, index = self._turn(self.cell.patterns, PATTERNS, 0)
            pattern = bank[index]
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
        """Returns the optional parts to keep: a random choice, corrected to meet the limits. -1 stands for
        the fixed parts."""
        total, kept = sizes[-1], {-1}
        order = sorted(range(len(sizes) - 1), key=lambda _i: self.random())
        preferred = [i for i in order if self.random() < 0.5]
        for i in preferred + [i for i in order if i not in preferred]:
            if total + sizes[i] <= high and (total < low or i in preferred):
                kept.add(i)
                total += sizes[i]
        return kept

    def _turn(self, choice: Choice, slot: str, use: int) -> tuple[tuple[Phrase, ...], int]:
        """Returns the list and the index in it that the task's number selects. The choice between the two
        lists is independent, so that the indexes into the phrases for everybody are the same for all
        receivers."""
        step, other = _steps(slot, use)
        special = self.number * other % _WHOLE < choice.special_share * _WHOLE
        bank = choice.special if special else choice.anybody
        return bank, self.number * step % _WHOLE * len(bank) // _WHOLE

    def _pick(self, slot: str) -> Phrase:
        """Returns an unused phrase, preferably one that repeats no pair of characters."""
        choice, used = self.cell.banks[slot], self.used.setdefault(slot, [])
        if self.longest is not None:
            unused = [phrase for phrase in choice.all if phrase not in used]
            picked = (max if self.longest else min)(unused, key=lambda phrase: len(phrase.source))
        else:
            picked = self._least_repetitive(choice, slot, used)
        used.append(picked)
        self.pairs |= picked.pairs
        return picked

    def _least_repetitive(self, choice: Choice, slot: str, used: list[Phrase]) -> Phrase:
        """Returns the phrase that repeats the fewest pairs of characters among a few from the selected index
        on."""
        bank, start = self._turn(choice, slot, len(used))
        size = len(bank)
        best, fewest = bank[start], 1000
        for step in range(min(size, _TRIES)):
            phrase = bank[(start + step * _stride(size)) % size]
            if phrase in used:
                continue
            shared = 0 if self.pairs.isdisjoint(phrase.pairs) else len(self.pairs & phrase.pairs)
            if shared < fewest:
                best, fewest = phrase, shared
            if not shared:
                break
        if best in used:
            return next((phrase for phrase in choice.all if phrase not in used), best)
        return best

    def _say(self, phrase: Phrase) -> str:
        if len(phrase.parts) == 1 and isinstance(phrase.parts[0], Literal):
            return phrase.parts[0].text
        return _filled(phrase, self.fixed)


_WHOLE = 2**32


@cache
def _steps(slot: str, use: int) -> tuple[int, int]:
    """Returns by how much the index into each list of a bank grows from one task to the next, in 2**-32 of
    the list. It differs between any two slots, and between any two uses of a slot."""
    return crc32(f"{slot} {use}".encode()) | 1, crc32(f"{use} {slot}".encode()) | 1


def _stride(size: int) -> int:
    """Returns a step larger than 1, where possible, that visits every index below ``size`` before it repeats
    one."""
    return next((s for s in (7, 5, 3) if size % s), 1)
