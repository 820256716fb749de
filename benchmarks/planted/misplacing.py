"""Mistakes that depend on the recipe and on its other texts: wrong people, occasions, cells and lengths."""

import random
from collections import defaultdict

from benchmarks.planted.texts import Text
from tianji_core.recipe import Recipe

PLAIN = {"七夕节": "七夕", "元宵节": "元宵", "端午节": "端午", "中秋节": "中秋", "重阳节": "重阳"}
AROUND_NEW_YEAR = {"除夕", "春节", "腊八节", "元宵节"}
"""Scenes whose texts may speak of each other."""
FORMAL_KIN = ("婶婶", "姑父", "岳母", "舅妈", "爸爸")
STOCK = (
    "愿你的每一份努力都收获美好，愿你的每一个梦想都绽放光芒，愿未来的人生充满希望与幸福。",
    "感谢你一直以来的支持与陪伴，愿幸福与你相伴，愿温暖照亮你未来的每一段旅程。",
    "你不仅是我们的骄傲，更是我们的力量，愿你在人生的道路上继续书写属于自己的精彩篇章。",
)
CLOSE_KIN = ("老婆", "侄子", "女儿", "堂弟")


class Misplacing:
    """Plants the mistakes of one recipe; each method is a :data:`benchmarks.planted.spoiling.Spoil`."""

    def __init__(self, recipe: Recipe, other: list[Text]) -> None:
        self._recipe = recipe
        self._matrix = recipe.matrix()
        self._longest = {style.text: style.max_chars for style in recipe.styles}
        self._several_lines = {style.text for style in recipe.styles if style.several_lines}
        self._formal = {name.text: name.pronoun.value == "您" for name in recipe.names}
        self._names = [name.text for name in recipe.names]
        self._by_style: dict[str, list[Text]] = defaultdict(list)
        self._by_cell: dict[tuple[str, ...], list[Text]] = defaultdict(list)
        for text in other:
            self._by_style[text.style].append(text)
            self._by_cell[text[1:]].append(text)

    def twice(self, text: Text, source: random.Random) -> str:
        """Puts two texts of the cell on two lines."""
        return f"{text.output}\n{source.choice(self._by_cell[text[1:]]).output}"

    def broken(self, text: Text, source: random.Random) -> str | None:
        """Breaks the text into lines behind its sentences, in a style of one line."""
        if text.style in self._several_lines:
            return None
        parts = text.output.replace("！", "！\n").replace("。", "。\n").strip()
        return parts if "\n" in parts else None

    def too_long(self, text: Text, source: random.Random) -> str | None:
        """Joins texts of the cell until the style's limit is passed."""
        output = text.output
        while len(output) <= self._longest[text.style]:
            output += source.choice(self._by_cell[text[1:]]).output
        return output if text.style != "小红书" else None

    def wrong_pronoun(self, text: Text, _source: random.Random) -> str | None:
        """Says 您 to a peer or 你 to an elder."""
        old, new = ("您", "你") if self._formal[text.name] else ("你", "您")
        return text.output.replace(old, new) if old in text.output else None

    def mixed_style(self, text: Text, source: random.Random) -> str | None:
        """Puts words of everyday talk or of the internet into a classical or a solemn text."""
        if text.style not in ("文言文", "严肃"):
            return None
        said = source.choice(
            ("家人们谁懂啊，", "真的绝绝子，", "yyds，", "咱就是说超开心啦，这波必须点赞呀，")
        )
        place = text.output.find("，") + 1
        return text.output[:place] + said + text.output[place:] if place else None

    def assistant_tone(self, text: Text, source: random.Random) -> str | None:
        """Goes on with wishes in a row in the manner of an assistant, in a plain style."""
        if text.style not in ("正常", "文艺"):
            return None
        who = "您" if self._formal[text.name] else "你"
        return text.output + source.choice(STOCK).replace("你", who)

    def wrong_occasion(self, text: Text, source: random.Random) -> str | None:
        """Takes a text for the same person that names another occasion."""
        others = [t for t in self._by_style[text.style] if t.name == text.name and t.scene != text.scene]
        source.shuffle(others)
        for other in others:
            word = PLAIN.get(other.scene, other.scene)
            spoken = other.output.replace(text.name, "")
            if word in spoken and not {other.scene, text.scene} <= AROUND_NEW_YEAR:
                return other.output
        return None

    def unsuitable(self, text: Text, source: random.Random) -> str | None:
        """Addresses the text to somebody whom the scene does not suit."""
        unfit = [n for n in self._names if self._matrix.rating(n, text.scene).value < self._recipe.threshold]
        unfit = [n for n in unfit if self._formal[n] == self._formal[text.name]]
        return text.output.replace(text.name, source.choice(unfit)) if unfit else None

    def wrong_person(self, text: Text, source: random.Random) -> str | None:
        """Replaces the name by another one of the recipe."""
        other = source.choice([n for n in self._names if n not in text.name and text.name not in n])
        if self._formal[other] != self._formal[text.name] or text.name not in text.output:
            return None
        return text.output.replace(text.name, other)

    def wrong_kinship(self, text: Text, source: random.Random) -> str | None:
        """Replaces the name by a relative that the recipe does not have."""
        if text.name not in text.output:
            return None
        words = FORMAL_KIN if self._formal[text.name] else CLOSE_KIN
        return text.output.replace(text.name, source.choice(words))
