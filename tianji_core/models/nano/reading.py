"""Reading tasks in chat format: the answer follows from the request. They teach the base to use its
prompt, which a short fine-tuning cannot."""

import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

from tianji_core.dataset.fresh_words import FreshWords, fresh_words
from tianji_core.dataset.variants import naming, replaced
from tianji_core.models.nano.tokenizer import common_characters
from tianji_core.project import CONFIGS
from tianji_core.recipe import Pronoun, Recipe, Scene
from tianji_core.teachers.composer import Phrases
from tianji_core.yaml_reading import read_yaml

TEXTS = CONFIGS / "models" / "nano-corpus" / "reading.yaml"
_CLAUSE = re.compile("[，。！？：；~\\s]+")
LONG = 100
"""Number of characters above which a text is long."""
LONG_SHARE = 0.05
"""Share of long texts among the drawn texts."""
LISTED = 0.25
"""Share of receivers and of occasions that the recipe lists: the others teach the base to copy."""
FRESH_NAMES, FRESH_OCCASIONS = 0.75, 0.5
"""Share of blessings whose receiver, and whose occasion is replaced by one that the recipe does not list."""
MADE_NAMES = 0.35
"""Share of fresh receivers with a pronoun whose first characters are random: a name that no list holds."""
SYSTEM_SHARES = (("recipe", 0.35), ("other", 0.45))
"""Share of tasks with the recipe's training system prompt, and with another one; the rest have none."""


class Blessing(NamedTuple):
    """A composed text and the inputs it was composed for."""

    text: str
    name: str
    scene: str
    style: str
    pronoun: str


class ReadingTask(NamedTuple):
    """One task: system prompt ('' for none), request and answer."""

    system: str
    request: str
    answer: str


class ReadingTasks:
    """Draws reading tasks about the given blessings and about words of all kinds."""

    def __init__(
        self, recipe: Recipe, phrases: Phrases, blessings: list[Blessing], texts: Path = TEXTS
    ) -> None:
        read: dict[str, Any] = read_yaml(texts)
        self.texts = read
        self.recipe = recipe
        self.phrases = phrases
        self.blessings = blessings
        self.short = [b for b in blessings if len(b.text) <= LONG]
        self.long = [b for b in blessings if len(b.text) > LONG]
        self.names = [name.text for name in recipe.names]
        self.scenes = [scene.text for scene in recipe.scenes]
        self.wishes = [scene.wish for scene in recipe.scenes]
        self.styles = [style.text for style in recipe.styles]
        texts_of_all = (*common_characters(), *(c for b in blessings for c in b.text))
        self.hanzi = sorted({c for c in texts_of_all if "\u4e00" <= c <= "\u9fff"})
        self.words: FreshWords = fresh_words()
        self.known_scenes = {scene.text: scene for scene in recipe.scenes}
        self.kinds: list[tuple[Callable[[Random], tuple[str, str]], float]] = [
            (self._repeat, 14),
            (self._who, 6),
            (self._occasion, 6),
            (self._both, 6),
            (self._style, 4),
            (self._pronoun, 3),
            (self._fields, 15),
            (self._replace, 11),
            (self._continue, 10),
            (self._about, 5),
            (self._which_occasion, 3),
            (self._address, 5),
            (self._sentence, 12),
            (self._form, 12),
            (self._words, 8),
            (self._manner, 4),
            (self._plain, 2),
            (self._small_talk, 1),
        ]
        self._draws = [kind for kind, _weight in self.kinds]
        self._weights = [weight for _kind, weight in self.kinds]

    def all_texts(self) -> str:
        """Returns all texts of the tasks: the vocabulary must contain their characters."""
        return yaml.safe_dump(self.texts, allow_unicode=True)

    def draw(self, source: Random) -> ReadingTask:
        """Draws one task."""
        kind = source.choices(self._draws, self._weights)[0]
        request, answer = kind(source)
        return ReadingTask(self._system(source), request, answer)

    def _system(self, source: Random) -> str:
        chance = source.random()
        (_recipe, first), (_other, second) = SYSTEM_SHARES
        if chance < first:
            return self.recipe.prompts.system
        if chance < first + second:
            return source.choice(self.texts["systems"])
        return ""

    def _pair(self, key: str, source: Random, **values: str) -> tuple[str, str]:
        request, answer = source.choice(self.texts[key])
        return request.format(**values), answer.format(**values)

    def blessing(self, source: Random) -> Blessing:
        """Draws one blessing; long ones rarely, so that they do not take most of the tokens. Most have a
        fresh receiver, many a fresh occasion."""
        drawn = source.choice(self.long if self.long and source.random() < LONG_SHARE else self.short)
        if source.random() < FRESH_NAMES and drawn.name in drawn.text:
            fresh = self._stranger(source, drawn.pronoun)
            drawn = drawn._replace(text=drawn.text.replace(drawn.name, fresh), name=fresh)
        if source.random() < FRESH_OCCASIONS:
            drawn = self._at_a_fresh_occasion(drawn, source)
        return drawn

    def _at_a_fresh_occasion(self, drawn: Blessing, source: Random) -> Blessing:
        """A blessing for an occasion that the recipe does not list; the same one where a word of its own
        occasion would stay."""
        fresh = self._fresh_scene(source)
        called = self.words.called.get(drawn.scene, ())
        text = replaced(drawn.text, naming(self.known_scenes[drawn.scene], fresh, called))
        if fresh.text not in text or any(word in text for word in self.phrases.mentions(drawn.scene)):
            return drawn
        return drawn._replace(text=text, scene=fresh.text)

    def _fresh_scene(self, source: Random) -> Scene:
        kind = source.choice(list(self.words.occasions))
        text, wish = source.choice(list(self.words.occasions[kind].items()))
        if source.random() < 0.5:
            text = self.characters(source, 2, 4) + source.choice(("节", "节", "日", "", "", "会"))
            wish = text + source.choice(("快乐", "快乐", "安康", "吉祥", "顺利", "大吉", ""))
        return Scene(text=text, kind=kind, greeting=wish)

    def _stranger(self, source: Random, pronoun: str = "") -> str:
        """Draws a receiver that the recipe does not list; where a pronoun is given, one who is addressed by
        it."""
        while True:
            name = self._addressed(source, pronoun) if pronoun else self._anybody(source)
            if name not in self.names and not set(self.texts["kept_out"]) & set(name):
                return name

    def _anybody(self, source: Random) -> str:
        chance = source.random()
        if chance < 0.5:
            return self.words.name(source.choice(self.words.names), source)
        if chance < 0.65:
            return self.characters(source, 1, 2) + source.choice(self.texts["titles"])
        if chance < 0.75:
            return str(source.choice(self.texts["people"]))
        return source.choice(("", "", "小", "老", "阿")) + self.characters(source, 1, 3)

    def _addressed(self, source: Random, pronoun: str) -> str:
        """A receiver of a group with this pronoun, its last part from the group's words."""
        group = source.choice([group for group in self.words.names if group.pronoun.value == pronoun])
        if source.random() >= MADE_NAMES:
            return self.words.name(group, source)
        ends = (*group.titles, *group.kin, *group.suffixes)
        ways = [self.characters(source, 1, 2) + end for end in ends]
        ways += [start + self.characters(source, 1, 2) for start in group.nicknames]
        ways += [self.characters(source, 2, 3)] * (len(ways) // 2 if group.given else 0)
        return source.choice(ways or [self.words.name(group, source)])

    def person(self, source: Random) -> str:
        """Draws a receiver, of the recipe or another."""
        return source.choice(self.names) if source.random() < LISTED else self._stranger(source)

    def event(self, source: Random) -> str:
        """Draws an occasion, of the recipe or another."""
        chance = source.random()
        if chance < LISTED:
            return source.choice(source.choice((self.scenes, self.wishes)))
        if chance < 0.6:
            return source.choice(self.texts["events"])
        fresh = self._fresh_scene(source)
        return source.choice((fresh.text, fresh.wish))

    def word(self, source: Random) -> str:
        """Draws a word: a person, an event, a thing, or random characters."""
        chance = source.random()
        if chance < 0.3:
            return self.person(source)
        if chance < 0.6:
            return self.event(source)
        if chance < 0.8:
            return source.choice(self.texts["things"] + self.texts["nouns_abstract"])
        return self.characters(source, 2, 6)

    def characters(self, source: Random, low: int, high: int) -> str:
        """Draws ``low`` to ``high`` random characters to be copied."""
        return "".join(source.choices(self.hanzi, k=source.randint(low, high)))

    def _repeat(self, source: Random) -> tuple[str, str]:
        chance = source.random()
        if chance < 0.3:
            text = self.blessing(source).text
        elif chance < 0.55:
            text = self.characters(source, 2, 14)
        elif chance < 0.75:
            text = self.person(source) + self.event(source)
        else:
            text = source.choice("，、 ").join(self.word(source) for _ in range(source.randint(1, 3)))
        return self._pair("repeat", source, x=text)

    def _named(self, source: Random) -> Blessing:
        """Draws a blessing that names its receiver, sometimes with the receiver replaced."""
        while True:
            blessing = self.blessing(source)
            if blessing.name in blessing.text:
                break
        if source.random() < 0.4:
            other = self._stranger(source, blessing.pronoun)
            return blessing._replace(text=blessing.text.replace(blessing.name, other), name=other)
        return blessing

    def _who(self, source: Random) -> tuple[str, str]:
        blessing = self._named(source)
        return self._pair("who", source, x=blessing.text, y=blessing.name)

    def _occasion(self, source: Random) -> tuple[str, str]:
        blessing = self.blessing(source)
        return self._pair("occasion", source, x=blessing.text, y=blessing.scene)

    def _both(self, source: Random) -> tuple[str, str]:
        blessing = self._named(source)
        return self._pair("both", source, x=blessing.text, y=blessing.name, z=blessing.scene)

    def _style(self, source: Random) -> tuple[str, str]:
        blessing = self.blessing(source)
        return self._pair("style", source, x=blessing.text, y=blessing.style)

    def _pronoun(self, source: Random) -> tuple[str, str]:
        while True:
            blessing = self.blessing(source)
            if blessing.pronoun in blessing.text:
                return self._pair("pronoun", source, x=blessing.text, y=blessing.pronoun)

    def _fields(self, source: Random) -> tuple[str, str]:
        if source.random() < 0.7:
            first, second = self.person(source), self.event(source)
            third = source.choice(self.styles)
        else:
            first, second, third = (self.word(source) for _ in range(3))
        return self._pair("fields", source, x=first, y=second, z=third)

    def _replace(self, source: Random) -> tuple[str, str]:
        blessing = self._named(source)
        other = self.person(source) if source.random() < 0.7 else self.word(source)
        return self._pair(
            "replace",
            source,
            x=blessing.name,
            y=other,
            z=blessing.text,
            w=blessing.text.replace(blessing.name, other),
        )

    def _continue(self, source: Random) -> tuple[str, str]:
        text = self._named(source).text
        cut = source.randint(len(text) // 4, max(len(text) // 4, (3 * len(text)) // 4))
        return self._pair("continue", source, x=text[:cut], y=text[cut:])

    def _about(self, source: Random) -> tuple[str, str]:
        scene = source.choice(self.recipe.scenes)
        mentions = list(self.phrases.mentions(scene.text))
        words = source.sample(mentions, min(len(mentions), 3))
        return self._pair("about", source, x=source.choice((scene.text, scene.wish)), y="、".join(words))

    def _which_occasion(self, source: Random) -> tuple[str, str]:
        scene = source.choice(self.scenes)
        return self._pair("which_occasion", source, x=source.choice(self.phrases.mentions(scene)), y=scene)

    def _address(self, source: Random) -> tuple[str, str]:
        """Whether a receiver, listed or not, is addressed by 您 or 你."""
        name = source.choice(self.recipe.names)
        text, pronoun = name.text, name.pronoun.value
        if source.random() >= LISTED:
            pronoun = source.choice(list(Pronoun)).value
            text = self._stranger(source, pronoun)
        return self._pair("address", source, x=text, y=pronoun)

    def _sentence(self, source: Random) -> tuple[str, str]:
        first = self.person(source) if source.random() < 0.7 else self.word(source)
        second = self.event(source) if source.random() < 0.7 else self.word(source)
        request = source.choice(self.texts["sentence"]).format(x=first, y=second)
        return request, source.choice(self.texts["sentences"]).format(x=first, y=second)

    def _form(self, source: Random) -> tuple[str, str]:
        """A short everyday text in a requested form; never a blessing."""
        person = self.person(source) if source.random() < 0.8 else self.word(source)
        event = self.event(source) if source.random() < 0.8 else self.word(source)
        form = source.choice(list(self.texts["forms"]))
        request = source.choice(self.texts["form_requests"]).format(x=person, y=event, z=form)
        return request, source.choice(self.texts["forms"][form]).format(x=person, y=event)

    def _words(self, source: Random) -> tuple[str, str]:
        """A text from given words that it contains: the receiver, words of the occasion, and some of its
        phrases."""
        blessing = self._named(source)
        mentions = [word for word in self.phrases.mentions(blessing.scene) if word in blessing.text]
        clauses = [
            clause
            for clause in _CLAUSE.split(blessing.text)
            if 2 <= len(clause) <= 8 and blessing.name not in clause
        ]
        words = [
            blessing.name,
            *mentions[:1],
            *source.sample(clauses, min(len(clauses), source.randint(0, 2))),
        ]
        source.shuffle(words)
        request = source.choice(self.texts["words"]).format(x=source.choice("、 ，").join(words))
        return request, blessing.text

    def _manner(self, source: Random) -> tuple[str, str]:
        blessing = self.blessing(source)
        return source.choice(self.texts["manner"]).format(x=blessing.style), blessing.text

    def _plain(self, source: Random) -> tuple[str, str]:
        return self._pair("plain", source, x=self.blessing(source).text)

    def _small_talk(self, source: Random) -> tuple[str, str]:
        request, answer = source.choice(self.texts["small_talk"])
        return request, answer
