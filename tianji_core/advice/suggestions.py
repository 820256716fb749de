"""Has a teacher propose names, scenes, styles or examples, and checks them against the recipe."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tianji_core import dispatch
from tianji_core.advice.answers import LIST_TOKENS, Fault, read_list
from tianji_core.dispatch import Failed, Lane, Outcome, Retry, Usage, expected_usage
from tianji_core.errors import RecipeError, TeacherError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.ownership import remove
from tianji_core.recipe import Kind, Name, Recipe, Scene, Style, normalise
from tianji_core.recipe.editing import changed, edit_style
from tianji_core.teachers import Sampling, TeacherChoice, price_of, provider
from tianji_core.teachers.asking import Ask, asking
from tianji_core.teachers.reply import finished_part
from tianji_core.workspace import Workspace

ENTRY_TOKENS = 60
"""Tokens of one proposed entry."""


class ListKind(StrEnum):
    """A list of a recipe that a teacher can propose entries for."""

    NAMES = "names"
    SCENES = "scenes"
    STYLES = "styles"
    EXAMPLES = "examples"


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str


Entry = Name | Scene | Style | _Text
MODELS: dict[ListKind, type[Entry]] = {
    ListKind.NAMES: Name,
    ListKind.SCENES: Scene,
    ListKind.STYLES: Style,
    ListKind.EXAMPLES: _Text,
}


@dataclass(frozen=True)
class Suggestion:
    """One proposed entry. ``problem`` says why it cannot be taken over ('' where it can); ``detail`` is shown
    beside it."""

    text: str
    detail: str
    problem: str
    entry: Entry | None


class Question(BaseModel):
    """A request for ``count`` more entries; ``style`` is the one that examples are for, ``wish`` a request of
    the person in words."""

    model_config = ConfigDict(frozen=True)

    kind: ListKind
    count: int = 8
    style: str = ""
    wish: str = ""


async def suggest(
    workspace: Workspace,
    recipe: Recipe,
    question: Question,
    choice: TeacherChoice,
    sampling: Sampling | None = None,
    retry: Retry | None = None,
) -> list[Suggestion]:
    """Asks for more entries, again where there is no usable answer, and returns what is proposed;
    duplicates and invalid entries have a problem. The answer is kept in the workspace for
    :func:`load_suggestions`.

    Raises:
        InputError: the teacher answers no prompts. TeacherError: no usable answer. SettingsError: the teacher
        is not set up.
    """
    prompt = request(recipe, question.kind, question.count, question.style, question.wish)
    how = replace(sampling or Sampling(temperature=0.9), max_tokens=LIST_TOKENS)
    found: list[tuple[str, list[Suggestion]]] = []
    failed: list[Failed[str]] = []

    def keep(answers: list[tuple[str, list[Suggestion]]], failures: list[Failed[str]]) -> None:
        found.extend(answers)
        failed.extend(failures)

    price = price_of(provider(workspace, choice.provider), choice)
    async with asking(workspace, choice) as ask:
        lane = Lane(_SuggestionClient(recipe, question, how, ask), iter([prompt]), choice, price)
        await dispatch.run([lane], keep, concurrency=1, items=1, retry=retry)
    if not found:
        raise TeacherError(failed[0].message)
    text, suggestions = found[0]
    path = _path(workspace, recipe.key, question.kind, question.style)
    path.parent.mkdir(exist_ok=True)
    write_text(path, text)
    return suggestions


class _SuggestionClient:
    """Asks one teacher for more entries."""

    def __init__(self, recipe: Recipe, question: Question, sampling: Sampling, ask: Ask) -> None:
        self._recipe = recipe
        self._question = question
        self._sampling = sampling
        self._ask = ask

    def expected(self, item: str) -> Usage:
        """Returns an estimate from the characters of the request and the number of entries."""
        return expected_usage(item, ENTRY_TOKENS * self._question.count)

    async def ask(self, item: str, _attempts: int) -> Outcome[tuple[str, list[Suggestion]]]:
        """Sends the request; returns the answer and what it proposes.

        Raises:
            TeacherError: no answer, or one without a list.
        """
        answer = await self._ask(item, self._sampling)
        text = finished_part(answer)
        proposed = read_suggestions(self._recipe, self._question.kind, text, self._question.style)
        return Outcome((text, proposed), Usage.of(answer))


def load_suggestions(
    workspace: Workspace, recipe: Recipe, kind: ListKind, style: str = ""
) -> list[Suggestion]:
    """Returns what the last answer proposes, checked against the recipe as it is now; empty where there is
    none."""
    try:
        text = _path(workspace, recipe.key, kind, style).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return read_suggestions(recipe, kind, text, style)


def forget_suggestions(workspace: Workspace, recipe_key: str, kind: ListKind, style: str = "") -> None:
    """Deletes the last answer."""
    remove(_path(workspace, recipe_key, kind, style))


def _path(workspace: Workspace, recipe_key: str, kind: ListKind, style: str) -> Path:
    # The name of a style may contain characters that a file name may not.
    suffix = f"-{hashlib.sha256(style.encode()).hexdigest()[:12]}" if style else ""
    return workspace.home / "advice" / f"{kind.value}-{recipe_key}{suffix}.txt"


def read_suggestions(recipe: Recipe, kind: ListKind, text: str, style: str = "") -> list[Suggestion]:
    """Returns what a teacher's answer proposes.

    Raises:
        TeacherAnswerError: there is no list in it.
    """
    entries, faults = read_list(text, MODELS[kind])
    seen = {normalise(known) for known in _known(recipe, kind, style)}
    suggestions = []
    for entry in entries:
        key = normalise(entry.text)
        problem = _("已经有了") if key in seen else _problem(recipe, entry, style)
        seen.add(key)
        suggestions.append(
            Suggestion(entry.text, _detail(recipe, entry), problem, None if problem else entry)
        )
    return suggestions + [Suggestion(*_shown(fault), None) for fault in faults]


def with_suggestions(recipe: Recipe, kind: ListKind, chosen: Sequence[Suggestion], style: str = "") -> Recipe:
    """Returns the recipe with the chosen suggestions at the end of its list.

    Raises:
        RecipeError: nothing usable is chosen, or the result is not valid.
    """
    entries = [suggestion.entry for suggestion in chosen if suggestion.entry is not None]
    if not entries:
        raise RecipeError(_("没有勾选任何可以加入的建议"))
    if kind is ListKind.EXAMPLES:
        current = recipe.style(style)
        before = current.examples if current is not None else ()
        return edit_style(recipe, style, examples=(*before, *(entry.text for entry in entries)))
    return changed(recipe, **{kind.value: (*getattr(recipe, kind.value), *entries)})


def request(recipe: Recipe, kind: ListKind, count: int, style: str, wish: str) -> str:
    """What the teacher is asked, in Chinese whatever the language of the pages."""
    asked = {
        ListKind.NAMES: _ask_names,
        ListKind.SCENES: _ask_scenes,
        ListKind.STYLES: _ask_styles,
        ListKind.EXAMPLES: lambda r, n: _ask_examples(r, n, style),
    }[kind](recipe, count)
    lines = [
        f"我在准备一份写作数据，任务是“{recipe.title}”：{recipe.description or recipe.prompts.system}",
        asked,
        f"另外请照顾到：{wish.strip()}" if wish.strip() else "",
        "不要和已有的重复，也不要只换个说法。只回一个 JSON 数组，数组之外什么都不写。",
    ]
    return "\n".join(line for line in lines if line)


def _listed_kinds(kinds: Sequence[Kind]) -> str:
    return "、".join(kind.id if kind.id == kind.title else f"{kind.id}（{kind.title}）" for kind in kinds)


def _ask_names(recipe: Recipe, count: int) -> str:
    relations = _listed_kinds(recipe.relations)
    return (
        f"请再想 {count} 个称谓，也就是对方是谁。已有：{_listed(recipe, ListKind.NAMES)}。\n"
        f'每项形如 {{"text": "称谓", "relation": "关系", "pronoun": "您或你"}}；relation 只能是 {relations}。'
    )


def _ask_scenes(recipe: Recipe, count: int) -> str:
    kinds = _listed_kinds(recipe.scene_kinds)
    return (
        f"请再想 {count} 个场景，也就是为了什么事。已有：{_listed(recipe, ListKind.SCENES)}。\n"
        f'每项形如 {{"text": "场景", "kind": "类别", "greeting": "当面会说的四到六个字"}}；kind 只能是 {kinds}。'
    )


def _ask_styles(recipe: Recipe, count: int) -> str:
    return (
        f"请再想 {count} 种写法风格。已有：{_listed(recipe, ListKind.STYLES)}。\n"
        '每项形如 {"text": "两到四个字的风格名", "instruction": "给写手的要求，一两句", "min_chars": 最少字数, '
        '"max_chars": 最多字数, "suffix": ",风格名加风格二字", "examples": ["三条示范"]}。'
    )


def _ask_examples(recipe: Recipe, count: int, style: str) -> str:
    target = recipe.style(style)
    if target is None:
        raise RecipeError(_("没有{kind}“{style}”", kind=recipe.words.shown().style, style=style))
    shown = "\n".join(f"- {example}" for example in target.examples[-6:])
    names = "、".join(n.text for n in recipe.names[:12])
    scenes = "、".join(s.text for s in recipe.scenes[:12])
    return (
        f"请按“{style}”风格再写 {count} 条成品，每条 {target.min_chars} 到 {target.max_chars} 个字，一条一行，换不同的人和事。\n"
        f"要求：{target.instruction}\n可以写给：{names}；为了：{scenes}。\n已有的：\n{shown or '（还没有）'}\n"
        '每项形如 {"text": "成品"}。'
    )


def _known(recipe: Recipe, kind: ListKind, style: str) -> list[str]:
    if kind is ListKind.EXAMPLES:
        target = recipe.style(style)
        return list(target.examples) if target is not None else []
    return [entry.text for entry in getattr(recipe, kind.value)]


def _listed(recipe: Recipe, kind: ListKind) -> str:
    return "、".join(_known(recipe, kind, ""))


def _detail(recipe: Recipe, entry: Entry) -> str:
    if isinstance(entry, Name):
        return f"{recipe.relation_titles().get(entry.relation, entry.relation)} · {entry.pronoun.value}"
    if isinstance(entry, Scene):
        return f"{recipe.kind_titles().get(entry.kind, entry.kind)} · {entry.wish}"
    if isinstance(entry, Style):
        return f"{entry.min_chars}-{entry.max_chars} · {entry.instruction}"
    return _("{n} 字", n=len(entry.text))


def _no_kind(kind: str, text: str, titles: Mapping[str, str]) -> str:
    known = _("、").join(titles.values())
    return _("没有{kind}“{text}”，有的是：{known}", kind=kind, text=text, known=known)


def _problem(recipe: Recipe, entry: Entry, style: str) -> str:
    if isinstance(entry, Name) and entry.relation not in recipe.relation_titles():
        return _no_kind(_("关系"), entry.relation, recipe.relation_titles())
    if isinstance(entry, Scene) and entry.kind not in recipe.kind_titles():
        return _no_kind(_("类别"), entry.kind, recipe.kind_titles())
    target = recipe.style(style)
    if isinstance(entry, _Text) and target is not None:
        length = len(entry.text)
        if not target.min_chars <= length <= target.max_chars:
            return _("{n} 字，应当是 {low}-{high} 字", n=length, low=target.min_chars, high=target.max_chars)
    return ""


def _shown(fault: Fault) -> tuple[str, str, str]:
    return fault.shown, "", fault.reason
