"""变换称谓 / 变换场合: samples whose receiver or occasion is replaced by a fresh one, in question and answer
alike, so that a model learns to take both from the request. Pure.

A sample changes only where the text stays right: the receiver is named in the answer and nothing else in it
tells who the receiver is; the occasion is named by its own word, and no other word of it remains; and the
rules of cleaning find nothing in the new text that they did not find in the old one. Every other sample stays
as it is.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from tianji_core.cleaning import Context, Subject, check, context_of
from tianji_core.cleaning.rule import occasions
from tianji_core.dataset.fresh_words import FreshWords, words_of
from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.recipe import Name, Pronoun, Recipe, Scene
from tianji_core.store.samples import TrainingExample

VARIED = "varied.json"
"""File beside a training file: the place of each replaced sample, and [old, new] of its name and scene."""
_TRIES = 4
"""Fresh words tried for a sample before it stays as it is."""
_NOT_BEFORE = "和跟与同老小各众新大二三"
_NOT_AFTER = "们力家母妈父爷俩"
_AFTER_OCCASION = re.compile(
    r"$|[，。！？!?、；：~～\s”]|[^\u4e00-\u9fff]|快乐|安康|吉祥|顺利|大吉|愉快|平安|成功|马到成功|圆满|喜讯|好消息|稳|在即|的[您你祝一这]|到|来|之[际日]|将|这[天一]|[您你愿祝啦呀哦哟呢里当]"
)
"""What may follow an occasion: no noun that it would describe, as in 腊八粥."""
_WISHED = ("快乐", "大吉", "吉祥", "顺利")
"""Endings that make a wish of a word for an occasion."""
_DAY = ("快乐", "佳节", "节")
"""Endings that a text may put after the short form of a festival: 元宵 in 元宵佳节."""


Change = Callable[[TrainingExample, Random], TrainingExample | None]


@dataclass(frozen=True)
class Variation:
    """The share (0 to 1) of samples whose receiver, and of those whose occasion is replaced. ``seed``
    determines which, and by what."""

    names: float = 0.0
    occasions: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for share in (self.names, self.occasions):
            if not 0 <= share <= 1:
                raise DatasetError(_("变换的份额应当在 0 到 1 之间，写的是 {share}", share=share))

    def __bool__(self) -> bool:
        return bool(self.names or self.occasions)


NO_VARIATION = Variation()


@dataclass(frozen=True)
class Variant:
    """A changed sample: its place in the file (from 0), the sample before and after, and what replaced what;
    a pair of equal words where that part stays."""

    place: int
    before: TrainingExample
    after: TrainingExample
    name: tuple[str, str]
    scene: tuple[str, str]


class Varying:
    """Replaces receivers and occasions of the samples of one recipe."""

    def __init__(self, recipe: Recipe, variation: Variation, words: FreshWords | None = None) -> None:
        self.variation = variation
        self.words = words or words_of(recipe)
        self.context = context_of(recipe)
        self.names = {name.text: name for name in recipe.names}
        self.scenes = {scene.text: scene for scene in recipe.scenes}
        listed = sorted(self.names, key=len, reverse=True)
        self.surname_ends = {surname[-1] for surname in self.words.surnames}
        self.persons = re.compile("|".join(map(re.escape, [*listed, *self.words.kin_words])))

    def variants(self, examples: Sequence[TrainingExample]) -> list[Variant]:
        """The changed samples among ``examples``, in their order. Of those that can change, so many are drawn
        that the shares of all samples are reached, or all of them."""
        after = list(examples)
        steps = (
            (self.variation.names, self._renamed, lambda one: one.name in self.names),
            (self.variation.occasions, self._at_another_occasion, lambda one: one.scene in self.scenes),
        )
        for number, (share, change, may) in enumerate(steps):
            wanted = round(share * len(after))
            order = list(range(len(after)))
            Random(f"vary|{self.variation.seed}|{number}").shuffle(order)
            for place in order:
                if wanted and may(after[place]):
                    source = Random(f"vary|{self.variation.seed}|{number}|{place}")
                    made = self._tried(after[place], examples[place], source, change)
                    if made is not None:
                        after[place], wanted = made, wanted - 1
        return [
            Variant(place, old, new, (old.name, new.name), (old.scene, new.scene))
            for place, (old, new) in enumerate(zip(examples, after, strict=True))
            if new is not old
        ]

    def _tried(
        self, now: TrainingExample, first: TrainingExample, source: Random, change: Change
    ) -> TrainingExample | None:
        for _number in range(_TRIES):
            made = change(now, source)
            if made is not None and self._stays_right(first, made):
                return made
        return None

    def _renamed(self, example: TrainingExample, source: Random) -> TrainingExample | None:
        name = self.names[example.name]
        group = self.words.group(name)
        if group is None:
            return None
        fresh = self.words.name(group, source)
        if any(known in fresh or fresh in known for known in (*self.names, *self.scenes)):
            return None
        texts = _texts(example)
        further = [text for text in texts[2::2] if name.text in text]
        if not all(self._tells_only(text, name) for text in (texts[0], *texts[1::2], *further)):
            return None
        return _with_texts(example._replace(name=fresh), [text.replace(name.text, fresh) for text in texts])

    def _tells_only(self, text: str, name: Name) -> bool:
        """Whether a text names its receiver and has no other word that tells who it is."""
        said = False
        for match in self.persons.finditer(text):
            if match.group() != name.text:
                return False
            before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
            if (before and before in _NOT_BEFORE) or (after and after in _NOT_AFTER):
                return False
            if before in self.surname_ends:  # 王姐姐 is not 姐姐
                return False
            said = True
        return said

    def _at_another_occasion(self, example: TrainingExample, source: Random) -> TrainingExample | None:
        scene, known = self.scenes[example.scene], occasions().get(example.scene)
        pronoun = Pronoun.FORMAL if Pronoun.FORMAL.value in example.output else Pronoun.INFORMAL
        fresh = self.words.occasion(scene, pronoun, source)
        if known is None or fresh is None or any(w in fresh.text or fresh.text in w for w in self.scenes):
            return None
        pairs = naming(scene, fresh, self.words.called.get(scene.text, ()))
        texts = [replaced(text, pairs) for text in _texts(example)]
        if not all(fresh.text in text for text in texts):
            return None
        own = {
            *known.own,
            *known.signs,
            scene.text,
            *self.words.colours.get(scene.text, ()),
            *self.words.emoji,
        }
        for text in texts[1::2]:
            rest = text.replace(fresh.wish, "").replace(fresh.text, "")
            if any(word in rest for word in own):
                return None
            if not all(_AFTER_OCCASION.match(part) for part in text.split(fresh.text)[1:]):
                return None
        return _with_texts(example._replace(scene=fresh.text), texts)

    def _stays_right(self, before: TrainingExample, after: TrainingExample) -> bool:
        """Whether the rules of cleaning find nothing in the answer that they did not find before."""
        pronoun = self.names[before.name].pronoun if before.name in self.names else None
        context: Context = self.context
        if pronoun is not None:
            context = replace(context, pronouns={**context.pronouns, after.name: pronoun})
        found = {one.rule for one in check(_subject(after), context)}
        return not found or found <= {one.rule for one in check(_subject(before), self.context)}


def rewritten(examples: Sequence[TrainingExample], variants: Sequence[Variant]) -> list[TrainingExample]:
    """The samples with the texts of their variants, under the listed name and scene that they came from."""
    changed = list(examples)
    for one in variants:
        changed[one.place] = one.after._replace(name=one.name[0], scene=one.scene[0])
    return changed


def variation_facts(variation: Variation, variants: Sequence[Variant]) -> dict[str, Any]:
    """What a manifest says of a variation: the shares asked for, how many samples were replaced, the seed;
    ``samples`` lists each."""
    return {
        "names_share": variation.names,
        "occasions_share": variation.occasions,
        "seed": variation.seed,
        "names": sum(one.name[0] != one.name[1] for one in variants),
        "occasions": sum(one.scene[0] != one.scene[1] for one in variants),
        "samples": [
            {"place": one.place, "name": list(one.name), "scene": list(one.scene)} for one in variants
        ],
    }


def fresh_names(training_file: Path) -> dict[int, str]:
    """Place of a replaced sample in a training file → its fresh name; empty where nothing says so.

    Raises:
        OSError, ValueError, KeyError, TypeError: the file beside it cannot be read.
    """
    beside = training_file.with_name(VARIED)
    if not beside.is_file():
        return {}
    listed = json.loads(beside.read_text(encoding="utf-8"))
    return {one["place"]: one["name"][1] for one in listed if one["name"][0] != one["name"][1]}


def naming(scene: Scene, fresh: Scene, called: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The words by which a text names ``scene`` and what replaces each, longest first; ``called`` are further
    nouns for it."""
    pairs = {scene.wish: fresh.wish, scene.text: fresh.text}
    short = scene.text.removesuffix("节").removesuffix("快乐")
    if len(short) > 1:
        bare = fresh.text.removesuffix("节") if len(fresh.text) > 2 else fresh.text
        pairs |= {short + end: fresh.wish if end == "快乐" else fresh.text for end in _DAY}
        pairs |= {short + "安康": bare + "安康", short: fresh.text} | pairs
    for word in called:
        pairs = {word + end: fresh.wish for end in _WISHED} | {word: fresh.text} | pairs
    return sorted(pairs.items(), key=lambda pair: (-len(pair[0]), pair[0]))


def replaced(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The text with each first word of ``pairs`` replaced by the second; the pairs are longest first."""
    table = dict(pairs)
    return re.sub("|".join(re.escape(old) for old, _new in pairs), lambda match: table[match.group()], text)


def _texts(example: TrainingExample) -> list[str]:
    """Question, answer, question, answer … of a sample, the last turn first."""
    earlier = [text for turn in example.history for text in (turn["input"], turn["output"])]
    return [example.input, example.output, *earlier]


def _with_texts(example: TrainingExample, texts: Sequence[str]) -> TrainingExample:
    history = [
        {**turn, "input": texts[2 * number + 2], "output": texts[2 * number + 3]}
        for number, turn in enumerate(example.history)
    ]
    return example._replace(input=texts[0], output=texts[1], history=history)


def _subject(example: TrainingExample) -> Subject:
    return Subject(example.output, example.name, example.scene, example.style)
