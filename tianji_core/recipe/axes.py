"""条件: further conditions of a text beside receiver, occasion and style, such as its length. Each has
options; a task and a sample carry at most one option of each."""

from collections.abc import Collection
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tianji_core.i18n import _
from tianji_core.recipe.kinds import Label

NonEmpty = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Chars = Annotated[int, Field(ge=1, le=4000)]
Options = tuple[tuple[str, str], ...]
"""The chosen options as (id of the axis, id of the option), in the order of the recipe's axes."""
MOST_AXES, MOST_OPTIONS, MOST_COMBINATIONS = 8, 20, 1000


class _Limited(BaseModel):
    """Length limits in characters, None for those of the style, and few-shot examples, none for those of the
    style."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_chars: Chars | None = None
    max_chars: Chars | None = None
    examples: tuple[NonEmpty, ...] = ()

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.min_chars and self.max_chars and self.min_chars > self.max_chars:
            raise ValueError(_("最少字数 {low} 大于最多字数 {high}", low=self.min_chars, high=self.max_chars))
        return self


class OptionInStyle(_Limited):
    """The limits and examples of an option in one style; they take precedence over its common ones."""

    style: Label


class AxisOption(_Limited):
    """选项: one value of an axis. ``instruction`` is added to that of the style; ``words`` are what a person
    types to ask for it, one drawn for each training input, none for an option that nobody names; ``weight``
    is its share where tasks are drawn by weight. It is not written for the styles, relations and scenes in
    ``not_styles``, ``not_relations`` and ``not_scenes``."""

    id: Id
    title: Label
    instruction: str = ""
    words: tuple[NonEmpty, ...] = ()
    weight: float = Field(default=1.0, gt=0, le=1000, allow_inf_nan=False)
    by_style: tuple[OptionInStyle, ...] = ()
    not_styles: tuple[str, ...] = ()
    not_relations: tuple[str, ...] = ()
    not_scenes: tuple[str, ...] = ()

    @field_validator("by_style")
    @classmethod
    def _each_style_once(cls, entries: tuple[OptionInStyle, ...]) -> tuple[OptionInStyle, ...]:
        if len({entry.style for entry in entries}) < len(entries):
            raise ValueError(_("同一种写法写了两次"))
        return entries

    def fits(self, style: str, relation: str, scene: str) -> bool:
        """Returns whether texts of this option are written for a style, relation and scene."""
        return (
            style not in self.not_styles
            and relation not in self.not_relations
            and scene not in self.not_scenes
        )

    def limits(self, style: str) -> tuple[int | None, int | None]:
        """Returns the fewest and the most characters in a style; None where the option says nothing."""
        own = self.in_style(style)
        low, high = (own.min_chars, own.max_chars) if own is not None else (None, None)
        if low is None and high is None:
            return self.min_chars, self.max_chars
        return low, high

    def examples_in(self, style: str) -> tuple[str, ...]:
        """Returns the few-shot examples for a style."""
        own = self.in_style(style)
        return own.examples if own is not None and own.examples else self.examples

    def in_style(self, style: str) -> OptionInStyle | None:
        """Returns what the option says about one style, or None."""
        return next((entry for entry in self.by_style if entry.style == style), None)

    def restricted_to(
        self, styles: Collection[str], scenes: Collection[str], relations: Collection[str]
    ) -> "AxisOption":
        """Returns the option without what it says about other styles, scenes and relations than these."""
        return self.model_copy(
            update={
                "by_style": tuple(entry for entry in self.by_style if entry.style in styles),
                "not_styles": tuple(text for text in self.not_styles if text in styles),
                "not_scenes": tuple(text for text in self.not_scenes if text in scenes),
                "not_relations": tuple(text for text in self.not_relations if text in relations),
            }
        )


class Axis(BaseModel):
    """条件: one further condition and its options. A plan uses it only while it is ``enabled``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: Label
    options: tuple[AxisOption, ...] = Field(default=(), max_length=MOST_OPTIONS)
    enabled: bool = False

    @model_validator(mode="after")
    def _some_options_each_once(self) -> Self:
        if not self.options:
            raise ValueError(_("条件“{axis}”没有选项，请至少加一个", axis=self.title))
        for texts in ([o.id for o in self.options], [o.title for o in self.options]):
            for text in texts:
                if texts.count(text) > 1:
                    raise ValueError(_("条件“{axis}”里“{text}”出现了两次", axis=self.title, text=text))
        return self

    def option(self, key: str) -> AxisOption | None:
        """Returns the option with this id, or None."""
        return next((option for option in self.options if option.id == key), None)


def check_axes(
    axes: tuple[Axis, ...], styles: Collection[str], scenes: Collection[str], relations: Collection[str]
) -> None:
    """Raises ValueError unless every axis is there once, they have at most :data:`MOST_COMBINATIONS`
    combinations while switched on, and name only known styles, scenes and relations."""
    for texts in ([axis.id for axis in axes], [axis.title for axis in axes]):
        for text in texts:
            if texts.count(text) > 1:
                raise ValueError(_("条件里“{text}”出现了两次，请删掉一个", text=text))
    combinations = 1
    for axis in axes:
        combinations *= len(axis.options) if axis.enabled else 1
        for option in axis.options:
            named = {*option.not_styles, *(entry.style for entry in option.by_style)}
            unknown_ones = (named - set(styles)) | (set(option.not_scenes) - set(scenes))
            for unknown in unknown_ones | (set(option.not_relations) - set(relations)):
                raise ValueError(
                    _(
                        "条件“{axis}”的选项“{option}”里写的“{text}”不在列表里",
                        axis=axis.title,
                        option=option.title,
                        text=unknown,
                    )
                )
    if combinations > MOST_COMBINATIONS:
        raise ValueError(
            _(
                "启用的条件一共有 {n} 种组合，最多 {most} 种；请停用一个条件，或删掉几个选项",
                n=combinations,
                most=MOST_COMBINATIONS,
            )
        )
