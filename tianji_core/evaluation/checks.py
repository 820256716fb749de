"""Checks one answer against its question: the right person, the right occasion, the marks of the style."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tianji_core.dataset.variants import fresh_names
from tianji_core.errors import DatasetError
from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.marks import MarkFile, load_marks
from tianji_core.i18n import _
from tianji_core.recipe import Pronoun, Recipe
from tianji_core.recipe.spoken_of import SpokenOf, short_names
from tianji_core.teachers.composer import Phrases, load_phrases

_COMPANY = re.compile("[和跟与同]$")


@dataclass(frozen=True)
class Verdict:
    """The checks of one answer, True where it passed.

    ``copied`` is True where a training output is the same text but for the name; it is counted separately and
    does not fail the answer."""

    person: bool
    pronoun: bool
    occasion: bool
    style: bool
    length: bool
    copied: bool

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return self.person and self.pronoun and self.occasion and self.style and self.length

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(f for f in ("person", "pronoun", "occasion", "style", "length") if not getattr(self, f))


class Checker:
    """Checks answers for one recipe. ``training`` holds the (name, output) pairs that the model was trained
    on."""

    def __init__(
        self,
        recipe: Recipe,
        training: Iterable[tuple[str, str]] = (),
        phrases: Phrases | None = None,
        marks: MarkFile | None = None,
    ) -> None:
        self.recipe = recipe
        self.phrases = phrases or load_phrases()
        self.marks = marks or load_marks()
        self._trained = {_without(output, (name,)) for name, output in training}
        self._scenes = SpokenOf([scene.text for scene in recipe.scenes])
        self._short_names = short_names([name.text for name in recipe.names])

    def check(self, case: Case, answer: str) -> Verdict:
        """Returns the verdict on one answer."""
        text = answer.strip()
        style = self.marks.of(case.style.text)
        own = self._own_words(case)
        longer = self._names_around(case)
        rest = _without(_without(text, longer), own)
        return Verdict(
            person=not self.recipe.receivers
            or (
                self._says_receiver(case, _without(text, longer), own)
                and not self._strangers(case, rest)
                and not any(name in text for name in longer)
            ),
            pronoun=not self.recipe.receivers or _other(case.name.pronoun).value not in text,
            occasion=self._says_scene(text, case.scene.text) and not self._other_scenes(case, rest),
            style=style.shown_by(text),
            length=case.style.min_chars <= len(text) <= case.style.max_chars
            and (case.style.several_lines or "\n" not in text),
            copied=_without(text, (case.name.text,)) in self._trained,
        )

    def _own_words(self, case: Case) -> tuple[str, ...]:
        name = case.name.text
        return (name, *self.marks.aliases.get(name, self._short_names.get(name, ())))

    def _names_around(self, case: Case) -> tuple[str, ...]:
        """Other receivers whose name contains this one's: 邻居赵大妈 for 邻居."""
        own = case.name.text
        return tuple(n.text for n in self.recipe.names if own in n.text and n.text != own)

    def _says_receiver(self, case: Case, text: str, own: tuple[str, ...]) -> bool:
        if any(word in text for word in own):
            return True
        return self.marks.of(case.style.text).addresses and any(word in text for word in self.marks.classical)

    def _strangers(self, case: Case, rest: str) -> list[str]:
        """Other receivers whom the text addresses. A third person who is only mentioned (和同事们) does not
        count."""
        strangers = []
        for name in self.recipe.names:
            if name.text == case.name.text or name.text not in rest:
                continue
            for match in re.finditer(re.escape(name.text), rest):
                only_mentioned = _COMPANY.search(rest[: match.start()]) or rest[match.end() :].startswith(
                    "们"
                )
                if not only_mentioned:
                    strangers.append(name.text)
                    break
        return strangers

    def _says_scene(self, text: str, scene: str) -> bool:
        """Whether the text speaks of the occasion: by its phrases, or by its own characters where none are
        known for it."""
        if scene in self.phrases.scenes or scene not in self._scenes.words:
            return self.phrases.shows(text, scene)
        return self._scenes.says(text, scene)

    def _other_scenes(self, case: Case, rest: str) -> list[str]:
        """Other scenes whose characteristic words occur in the text, except words that the right scene has
        too."""
        own = "".join(
            _mark(word)
            for word in (case.scene.text, case.scene.wish, *self.phrases.mentions(case.scene.text))
        )
        if not self.recipe.blessings:
            known = [scene.text for scene in self.recipe.scenes if scene.text not in own]
            return [scene for scene in known if scene in rest]
        others = []
        for scene, occasion in self.phrases.scenes.items():
            if scene != case.scene.text and any(w in rest and w not in own for w in occasion.telling):
                others.append(scene)
        return others


def training_pairs(recipe: Recipe, file: Path) -> list[tuple[str, str]]:
    """Returns (name, output) of every turn of a training file. The name is the one that took the place of
    another where the file beside it says so, else the longest one of the recipe that occurs in the output, ''
    for none.

    Raises:
        DatasetError: the file cannot be read or is not a training file.
    """
    names = sorted((name.text for name in recipe.names), key=len, reverse=True)
    try:
        fresh = fresh_names(file)
        outputs = [
            (fresh.get(place, ""), turn["output"])
            for place, item in enumerate(json.loads(file.read_text(encoding="utf-8")))
            for turn in item["conversation"]
        ]
    except OSError as error:
        raise DatasetError(_("读不了训练文件 {file}：{detail}", file=file, detail=error.strerror)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            _("{file} 不是训练文件：应当是带 conversation 的 JSON 列表，用 export 可以得到", file=file)
        ) from error
    return [(own or next((name for name in names if name in output), ""), output) for own, output in outputs]


def _mark(word: str) -> str:
    return f"\n{word}"


def _without(text: str, words: tuple[str, ...]) -> str:
    """Returns ``text`` with each of ``words`` replaced by ＿, so that no new word forms across the gap."""
    for word in sorted(filter(None, words), key=len, reverse=True):
        text = text.replace(word, "＿")
    return text.strip()


def _other(pronoun: Pronoun) -> Pronoun:
    return Pronoun.INFORMAL if pronoun is Pronoun.FORMAL else Pronoun.FORMAL
