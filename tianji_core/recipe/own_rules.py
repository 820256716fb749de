"""The person's own rules, kept with the recipe: words that texts must not or must say, and replacements."""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, NamedTuple, Self

import regex
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from tianji_core.errors import SlowPatternError
from tianji_core.i18n import N_, _
from tianji_core.recipe.kinds import RELATIONS, kind_titles

SECONDS = 1.0
"""Time in which a regular expression must have read one text."""
MOST_RULES = 100


class TextPattern(NamedTuple):
    """What is looked for in a text: plain characters or, with ``regular``, a regular expression of the
    package ``regex``."""

    text: str
    regular: bool = False

    def check(self, replacement: str = "") -> None:
        """Checks the expression and the references of ``replacement`` to its groups.

        Raises:
            ValueError: it is empty or cannot be read; one sentence.
        """
        if not self.text:
            raise ValueError(_("要找的文字不能为空"))
        if not self.regular:
            return
        try:
            # The empty branch matches, so that the references in the replacement are read too.
            regex.compile(f"(?:{self.text})|").sub(replacement, "", timeout=SECONDS)
        except TimeoutError as error:
            raise ValueError(str(self._too_slow())) from error
        except (regex.error, IndexError) as error:
            raise ValueError(
                _("正则表达式“{text}”看不懂（{detail}）", text=self.text, detail=str(error))
            ) from error

    def first(self, text: str) -> str | None:
        """Returns the first match in a text, None if there is none.

        Raises:
            SlowPatternError: the expression takes too long.
        """
        if not self.regular:
            return self.text if self.text in text else None
        try:
            match = _compiled(self.text).search(text, timeout=SECONDS)
        except TimeoutError as error:
            raise self._too_slow() from error
        return None if match is None else str(match.group())

    def replaced(self, text: str, replacement: str) -> tuple[str, int]:
        r"""Returns a text with every match replaced, and the number of matches; ``\1`` in the replacement of
        a regular expression stands for its first group.

        Raises:
            SlowPatternError: the expression takes too long.
        """
        if not self.regular:
            return text.replace(self.text, replacement), text.count(self.text)
        try:
            after, number = _compiled(self.text).subn(replacement, text, timeout=SECONDS)
        except TimeoutError as error:
            raise self._too_slow() from error
        return after, number

    def _too_slow(self) -> SlowPatternError:
        return SlowPatternError(
            _(
                "正则表达式“{text}”太慢，一段文字用了 {n:g} 秒还没有找完；请写得简单些",
                text=self.text,
                n=SECONDS,
            )
        )


@lru_cache(maxsize=256)
def _compiled(text: str) -> "regex.Pattern[str]":
    return regex.compile(text)


class OwnRuleKind(StrEnum):
    """What an own rule does."""

    FORBIDDEN = "forbidden"
    REQUIRED = "required"
    REPLACE = "replace"


KIND_TITLES = {
    OwnRuleKind.REPLACE: N_("替换"),
    OwnRuleKind.FORBIDDEN: N_("不许有"),
    OwnRuleKind.REQUIRED: N_("必须有"),
}
Words = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class OwnRule(BaseModel):
    """A rule of the person's own about ``text``, a plain text or (``regular``) a regular expression. It holds
    for the given styles, names, scenes and relations; an empty list holds for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OwnRuleKind
    text: Words
    replacement: Annotated[str, StringConstraints(max_length=400)] = ""
    regular: bool = False
    styles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()

    @property
    def pattern(self) -> TextPattern:
        """What the rule looks for."""
        return TextPattern(self.text, self.regular)

    @model_validator(mode="after")
    def _pattern_can_be_used(self) -> Self:
        if self.kind != OwnRuleKind.REPLACE and self.replacement:
            raise ValueError(_("只有“替换”才有换成什么"))
        self.pattern.check(self.replacement)
        if not self.regular and self.text in self.replacement:
            raise ValueError(
                _(
                    "“{text}”换成“{replacement}”之后还会再换，永远换不完；请改用查找替换，或写成正则表达式",
                    text=self.text,
                    replacement=self.replacement,
                )
            )
        return self


def rule_text(rule: OwnRule, titles: Mapping[str, str] | None = None) -> str:
    """Returns a rule in words: what it does, and for whom. ``titles`` are those of the recipe's relations,
    None for the shipped ones."""
    known = kind_titles(RELATIONS) if titles is None else titles
    what = _("“{text}”换成“{replacement}”", text=rule.text, replacement=rule.replacement)
    if rule.kind != OwnRuleKind.REPLACE:
        what = _("{kind}“{text}”", kind=_(KIND_TITLES[rule.kind]), text=rule.text)
    elif not rule.replacement:
        what = _("去掉“{text}”", text=rule.text)
    relations = tuple(known.get(relation, relation) for relation in rule.relations)
    scope = _("、").join((*rule.styles, *rule.names, *rule.scenes, *relations))
    kind = _("（正则）") if rule.regular else ""
    return f"{what}{kind}" + (f" · {scope}" if scope else "")
