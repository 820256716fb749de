"""The recipe of one task: names, scenes, styles, random clauses, prompts and input templates, as frozen
pydantic models, validated when they are built. Pure: no file, no database."""

import unicodedata
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tianji_core.gate import standard_characters
from tianji_core.i18n import _
from tianji_core.recipe.axes import MOST_AXES, Axis, NonEmpty, check_axes
from tianji_core.recipe.facts import MOST_FACTS, Fact
from tianji_core.recipe.kinds import RELATIONS, SCENE_KINDS, Kind, Label, Pronoun, kind_titles
from tianji_core.recipe.own_rules import MOST_RULES, OwnRule
from tianji_core.recipe.requests import REQUESTS, check_requests, check_template, filled
from tianji_core.recipe.suitability import StyleGap, Suitability, SuitabilityGroup
from tianji_core.recipe.words import Words


def normalise(text: str) -> str:
    """Returns the form in which two entries are compared: NFKC, outer white space removed ('工作升职 ' =
    '工作升职')."""
    return unicodedata.normalize("NFKC", text).strip()


def _standard(given: Any) -> Any:
    """Returns what a list, a file or a page gives, with the usual characters; own rules may look for
    others."""
    if isinstance(given, str):
        return standard_characters(given)
    if isinstance(given, list | tuple):
        return type(given)(map(_standard, given)) if type(given) in (list, tuple) else given
    if isinstance(given, dict):
        return {key: part if key == "own_rules" else _standard(part) for key, part in given.items()}
    return given


class _RecipeModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def _of_standard_characters(cls, given: Any) -> Any:
        return _standard(given)


class Name(_RecipeModel):
    """称谓: the receiver of a text. ``relation`` is the id of one of the recipe's relations."""

    text: Label
    relation: Label
    pronoun: Pronoun
    enabled: bool = True


class Scene(_RecipeModel):
    """场景: the occasion. ``kind`` is the id of one of the recipe's kinds; ``greeting`` is the occasion as a
    wish ('生日快乐', '早日康复'), used in training inputs; it defaults to the scene's own text."""

    text: Label
    kind: Label
    greeting: str = ""
    enabled: bool = True

    @property
    def wish(self) -> str:
        """The occasion as a wish."""
        return self.greeting or self.text


class Style(_RecipeModel):
    """风格: the tone of a text. Lengths are in characters. ``suffix`` is the part of a training input that
    asks for this style; '' marks the default style (正常). ``several_lines`` says that a text may have line
    breaks, as verse and letters do."""

    text: Label
    instruction: NonEmpty
    examples: tuple[NonEmpty, ...] = ()
    min_chars: int = Field(default=10, ge=1, le=4000)
    max_chars: int = Field(default=100, ge=1, le=4000)
    suffix: str = ""
    several_lines: bool = False
    enabled: bool = True

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError(_("最少字数 {low} 大于最多字数 {high}", low=self.min_chars, high=self.max_chars))
        return self


MOST_KINDS = 40
FACT_LINE = "对方的近况：{fact}。要写进去，让人看出说的是这件事，换成自己的话说，不要整句照抄。"
"""How a request tells a fact, where a recipe says nothing else."""


class Prompts(_RecipeModel):
    """The fixed texts: ``system`` is the training system prompt; ``teacher_system`` is the system message
    that the teacher gets, '' for none; ``teacher`` is the template of the request to it with the fields
    {name} {relation} {pronoun} {scene} {style} {instruction} {example} {min_chars} {max_chars} {line_form}
    {clause} {fact};
    ``example`` wraps the few-shot examples with the field {example}, ``fact`` the detail about the receiver
    with the field {fact}. Where ``teacher`` does not place it, it follows as the last line."""

    system: NonEmpty
    teacher: NonEmpty
    example: str = "{example}"
    teacher_system: str = ""
    fact: str = FACT_LINE

    @model_validator(mode="after")
    def _fields_known(self) -> Self:
        check_template(self.teacher, TEACHER_FIELDS, required=("scene", "instruction", "max_chars"))
        check_template(self.example, ("example",), required=("example",))
        check_template(self.fact, ("fact",), required=("fact",))
        return self


TEACHER_FIELDS = (
    "name",
    "relation",
    "pronoun",
    "scene",
    "style",
    "instruction",
    "example",
    "min_chars",
    "max_chars",
    "line_form",
    "clause",
    "fact",
)
INPUT_FIELDS = ("name", "scene", "greeting", "suffix")


def check_input_template(template: str, receivers: bool = True) -> None:
    """Raises ValueError unless ``template`` names the receiver (where there are ``receivers``), the occasion
    and the suffix of the style."""
    check_template(template, INPUT_FIELDS, required=("name", "suffix") if receivers else ("suffix",))
    if "{scene}" not in template and "{greeting}" not in template:
        raise ValueError(
            _("训练输入模板 {template} 里没说写什么，请加上 {{scene}} 或 {{greeting}}", template=template)
        )


def _no_such(title: str, text: str) -> str:
    return _("适配度里的{kind}“{text}”不在{kind}列表里", kind=title, text=text)


class Recipe(_RecipeModel):
    """配方: everything one task needs. ``suitability`` lists groups of cells that differ from 2 (suitable),
    ``style_gaps`` the cells that single styles do not suit, ``own_rules`` what this task's texts must and
    must not say; ``axes`` are further conditions, such as the length; ``facts`` are details about receivers,
    of which ``fact_share`` (0 to 1) of the tasks get one, in the training input too with ``facts_in_input``;
    ``resting_clauses`` and ``resting_templates`` are kept but switched off.

    ``relations`` and ``scene_kinds`` are what names and scenes are sorted by; ``words`` is how the task is
    spoken of; ``requests`` are the requests of :mod:`tianji_core.recipe.requests` that a person has changed.
    Without ``receivers`` nobody is written to: the one name stands for all and is neither asked
    for nor checked. ``blessings`` says that the texts are wishes, so that what holds of these alone is
    checked."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    title: Label
    description: str = ""
    words: Words = Words()
    receivers: bool = True
    blessings: bool = True
    relations: tuple[Kind, ...] = Field(default=RELATIONS, min_length=1, max_length=MOST_KINDS)
    scene_kinds: tuple[Kind, ...] = Field(default=SCENE_KINDS, min_length=1, max_length=MOST_KINDS)
    names: tuple[Name, ...] = Field(min_length=1)
    scenes: tuple[Scene, ...] = Field(min_length=1)
    styles: tuple[Style, ...] = Field(min_length=1)
    clauses: tuple[str, ...] = ("",)
    prompts: Prompts
    input_templates: tuple[NonEmpty, ...] = Field(min_length=1)
    threshold: int = Field(default=1, ge=0, le=2)
    suitability: tuple[SuitabilityGroup, ...] = ()
    style_gaps: tuple[StyleGap, ...] = ()
    own_rules: tuple[OwnRule, ...] = Field(default=(), max_length=MOST_RULES)
    resting_clauses: tuple[str, ...] = ()
    resting_templates: tuple[NonEmpty, ...] = ()
    axes: tuple[Axis, ...] = Field(default=(), max_length=MOST_AXES)
    facts: tuple[Fact, ...] = Field(default=(), max_length=MOST_FACTS)
    fact_share: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False)
    facts_in_input: bool = False
    requests: dict[str, str] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.key, self.title, self.styles, self.scenes))  # the requests of a recipe have none

    @field_validator("clauses")
    @classmethod
    def _some_clause(cls, clauses: tuple[str, ...]) -> tuple[str, ...]:
        return clauses or ("",)

    @model_validator(mode="after")
    def _templates_name_the_cell(self) -> Self:
        for template in (*self.input_templates, *self.resting_templates):
            check_input_template(template, self.receivers)
        if self.receivers:
            check_template(self.prompts.teacher, TEACHER_FIELDS, required=("name",))
        elif len(self.names) != 1:
            raise ValueError(_("不写给谁的配方只能有一个名字，现在有 {n} 个", n=len(self.names)))
        return self

    @field_validator("requests")
    @classmethod
    def _requests_usable(cls, requests: dict[str, str]) -> dict[str, str]:
        changed = {key: text.strip() for key, text in requests.items()}
        check_requests(changed)
        return {key: text for key, text in changed.items() if text != REQUESTS[key].text}

    @model_validator(mode="after")
    def _kinds_known(self) -> Self:
        for kinds, used, title in (
            (self.relations, self._relations_at(), _("关系")),
            (self.scene_kinds, {f"scenes.{at}.kind": s.kind for at, s in enumerate(self.scenes)}, _("类别")),
        ):
            ids = [kind.id for kind in kinds]
            for texts in (ids, [kind.title for kind in kinds]):
                if double := next((text for text in texts if texts.count(text) > 1), None):
                    raise ValueError(_("{kind}里“{text}”出现了两次，请删掉一个", kind=title, text=double))
            unknown = next((key for key, each in used.items() if each not in ids), None)
            if unknown is not None:
                raise ValueError(
                    _(
                        "{key} 里没有{kind}“{text}”；有的是：{known}",
                        key=unknown,
                        kind=title,
                        text=used[unknown],
                        known=_("、").join(f"{kind.id}（{_(kind.title)}）" for kind in kinds),
                    )
                )
        return self

    def _relations_at(self) -> dict[str, str]:
        """Returns place in the recipe → relation that is named there."""
        places = {f"names.{at}.relation": name.relation for at, name in enumerate(self.names)}
        told: dict[str, tuple[Fact | OwnRule, ...]] = {"facts": self.facts, "own_rules": self.own_rules}
        for field, entries in told.items():
            for at, entry in enumerate(entries):
                places |= {f"{field}.{at}.relations.{n}": one for n, one in enumerate(entry.relations)}
        return places

    @model_validator(mode="after")
    def _no_duplicates(self) -> Self:
        words = self.words.shown()
        for title, entries in (
            (words.name, self.names),
            (words.scene, self.scenes),
            (words.style, self.styles),
            (_("细节"), self.facts),
        ):
            seen: set[str] = set()
            for entry in entries:
                key = normalise(entry.text)
                if key in seen:
                    raise ValueError(_("{kind}里“{text}”出现了两次，请删掉一个", kind=title, text=entry.text))
                seen.add(key)
        return self

    @model_validator(mode="after")
    def _suitability_of_known_cells(self) -> Self:
        names, scenes = {n.text for n in self.names}, {s.text for s in self.scenes}
        for group in self.suitability:
            for name in group.names:
                if name not in names:
                    raise ValueError(_no_such(self.words.shown().name, name))
            for scene in group.scenes:
                if scene not in scenes:
                    raise ValueError(_no_such(self.words.shown().scene, scene))
        return self

    @model_validator(mode="after")
    def _gaps_of_known_entries(self) -> Self:
        known = (
            {s.text for s in self.styles},
            {n.text for n in self.names},
            {s.text for s in self.scenes},
        )
        for gap in self.style_gaps:
            for texts, entries in zip((gap.styles, gap.names, gap.scenes), known, strict=True):
                for text in texts:
                    if text not in entries:
                        raise ValueError(
                            _("{kind}例外里的“{text}”不在列表里", kind=self.words.shown().style, text=text)
                        )
        return self

    @model_validator(mode="after")
    def _axes_of_known_entries(self) -> Self:
        styles, scenes = {s.text for s in self.styles}, {s.text for s in self.scenes}
        check_axes(self.axes, styles, scenes, {kind.id for kind in self.relations})
        return self

    def matrix(self) -> Suitability:
        """The name × scene suitability of this recipe."""
        return Suitability.from_groups(self.suitability)

    def request(self, key: str, **values: object) -> str:
        """Returns one of the requests of :mod:`tianji_core.recipe.requests`, as a person has worded it or as
        it ships, with its placeholders filled."""
        return filled(self.requests.get(key, REQUESTS[key].text), values)

    def used_relations(self) -> list[str]:
        """Returns the relations of the names, facts and own rules, each as often as it is named."""
        return list(self._relations_at().values())

    def relation_title(self, relation: str) -> str:
        """Returns what a relation is called in requests: in Chinese, or as a person has named it."""
        return next((kind.title for kind in self.relations if kind.id == relation), relation)

    def relation_titles(self) -> dict[str, str]:
        """Returns relation → title in the language of the pages."""
        return kind_titles(self.relations)

    def kind_titles(self) -> dict[str, str]:
        """Returns kind of occasions → title in the language of the pages."""
        return kind_titles(self.scene_kinds)

    def gap(self, style: str, name: str, scene: str) -> StyleGap | None:
        """Returns the reason why ``style`` is not written for a cell, None if it is."""
        return next((g for g in self.style_gaps if g.covers(style, name, scene)), None)

    def name(self, text: str) -> Name | None:
        """Returns the name called ``text``, or None."""
        return next((n for n in self.names if n.text == text), None)

    def scene(self, text: str) -> Scene | None:
        """Returns the scene called ``text``, or None."""
        return next((s for s in self.scenes if s.text == text), None)

    def style(self, text: str) -> Style | None:
        """Returns the style called ``text``, or None."""
        return next((s for s in self.styles if s.text == text), None)

    def changed(self, **fields: object) -> "Recipe":
        """Returns a validated copy with ``fields`` replaced; what suitability, style gaps and axes say of
        removed entries is dropped.

        Raises:
            pydantic.ValidationError: where the result would not be a valid recipe.
        """
        merged = {**{f: getattr(self, f) for f in type(self).model_fields}, **fields}
        names = {n.text if isinstance(n, Name) else n["text"] for n in merged["names"]}
        scenes = {s.text if isinstance(s, Scene) else s["text"] for s in merged["scenes"]}
        merged["suitability"] = tuple(
            kept for g in merged["suitability"] if (kept := g.restricted_to(names, scenes)) is not None
        )
        styles = {s.text if isinstance(s, Style) else s["text"] for s in merged["styles"]}
        merged["style_gaps"] = tuple(
            kept for g in merged["style_gaps"] if (kept := g.restricted_to(styles, names, scenes)) is not None
        )
        if "axes" not in fields:
            relations = {k.id if isinstance(k, Kind) else k["id"] for k in merged["relations"]}
            merged["axes"] = tuple(
                axis.model_copy(
                    update={
                        "options": tuple(o.restricted_to(styles, scenes, relations) for o in axis.options)
                    }
                )
                for axis in self.axes
            )
        return Recipe.model_validate(merged)
