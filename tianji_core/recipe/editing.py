"""Turns edited table rows into a recipe, with errors that name the row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from tianji_core.errors import RecipeError
from tianji_core.i18n import _
from tianji_core.recipe.axes import Axis, AxisOption
from tianji_core.recipe.facts import Fact
from tianji_core.recipe.kinds import Kind, Label
from tianji_core.recipe.loading import explain
from tianji_core.recipe.model import Name, Recipe, Scene, Style, check_input_template, normalise

T = TypeVar("T", bound=BaseModel)


class _Titled(BaseModel):
    text: Label


class ListRow(NamedTuple):
    """One row of an edited list of a recipe. ``origin`` is its index in the recipe before the edit, None for
    a new row; it lets a renamed entry keep its suitability."""

    origin: int | None
    values: Mapping[str, Any]


def renamed_entries(recipe: Recipe, edited: Recipe, listing: str, rows: Sequence[ListRow]) -> dict[str, str]:
    """Returns old → new text of the entries of ``listing`` ('names', 'scenes' or 'styles') that are renamed
    in the recipe that ``rows`` have ``edited``, as it is saved."""
    before, after = ([entry.text for entry in getattr(each, listing)] for each in (recipe, edited))
    return _renames(before, rows, after)


def edit_names(recipe: Recipe, rows: Sequence[ListRow]) -> Recipe:
    """Returns the recipe with the names of ``rows``; renamed ones keep their suitability.

    Raises:
        RecipeError: a blank, duplicate or invalid row (with its number), or no row at all.
    """
    title = recipe.words.shown().name
    names = _entries(Name, rows, title)
    _check_kinds([name.relation for name in names], recipe.relation_titles(), title, _("关系"))
    renamed = _renames([n.text for n in recipe.names], rows, [n.text for n in names])
    facts = _renamed(recipe.facts, "names", renamed)
    return changed(recipe, names=names, facts=facts, **_followed(recipe, "names", renamed))


def edit_scenes(recipe: Recipe, rows: Sequence[ListRow]) -> Recipe:
    """Returns the recipe with the scenes of ``rows``; renamed ones keep their suitability.

    Raises:
        RecipeError: as :func:`edit_names`.
    """
    title = recipe.words.shown().scene
    scenes = _entries(Scene, rows, title)
    _check_kinds([scene.kind for scene in scenes], recipe.kind_titles(), title, _("类别"))
    renamed = _renames([s.text for s in recipe.scenes], rows, [s.text for s in scenes])
    axes = _renamed_axes(recipe, renamed, [s.text for s in recipe.styles], [s.text for s in scenes])
    return changed(recipe, scenes=scenes, axes=axes, **_followed(recipe, "scenes", renamed))


def edit_styles(recipe: Recipe, rows: Sequence[ListRow]) -> Recipe:
    """Returns the recipe with the styles of ``rows``: limits, suffix and order come from the table,
    instruction and examples from the style of the row's origin. A new style gets an instruction made of its
    name.

    Raises:
        RecipeError: as :func:`edit_names`.
    """
    complete = []
    for row in rows:
        old = (
            recipe.styles[row.origin] if row.origin is not None and row.origin < len(recipe.styles) else None
        )
        text = _text(row.values.get("text"))
        base = old.model_dump() if old is not None else {"instruction": f"用{text or '?'}的语气写"}
        given = {key: value for key, value in row.values.items() if not _absent(value)}
        complete.append(ListRow(row.origin, {**base, "text": "", **given}))
    styles = _entries(Style, complete, recipe.words.shown().style)
    renamed = _renames([s.text for s in recipe.styles], rows, [s.text for s in styles])
    return changed(
        recipe,
        styles=styles,
        style_gaps=_renamed(recipe.style_gaps, "styles", renamed),
        own_rules=_renamed(recipe.own_rules, "styles", renamed),
        axes=_renamed_axes(recipe, renamed, [s.text for s in styles], [s.text for s in recipe.scenes]),
    )


def edit_kinds(recipe: Recipe, field: str, rows: Sequence[ListRow]) -> Recipe:
    """Returns the recipe with its ``relations`` or ``scene_kinds`` (``field``) as the titles of ``rows`` say;
    a renamed one keeps its id, so that what has it keeps it.

    Raises:
        RecipeError: a blank or double row, with its number; or one that is still used is left out.
    """
    before: tuple[Kind, ...] = getattr(recipe, field)
    kind = _("关系") if field == "relations" else _("类别")
    shown = recipe.relation_titles() if field == "relations" else recipe.kind_titles()
    taken = {old.id for old in before}
    kinds: list[Kind] = []
    for row in _entries(_Titled, [ListRow(r.origin, {"text": r.values.get("text")}) for r in rows], kind):
        origin = rows[len(kinds)].origin
        old = before[origin] if origin is not None and origin < len(before) else None
        if old is not None:
            title = old.title if row.text == shown[old.id] else row.text
            kinds.append(Kind(id=old.id, title=title))
            continue
        free = next(
            each for n in count(1) if (each := row.text if n == 1 else f"{row.text[:36]}-{n}") not in taken
        )
        taken.add(free)
        kinds.append(Kind(id=free, title=row.text))
    used = recipe.used_relations() if field == "relations" else [scene.kind for scene in recipe.scenes]
    for gone in before:
        if gone.id in used and gone.id not in {each.id for each in kinds}:
            raise RecipeError(
                _(
                    "{kind}“{text}”还有 {n} 个在用，先把它们改成别的",
                    kind=kind,
                    text=shown[gone.id],
                    n=used.count(gone.id),
                )
            )
    return changed(recipe, **{field: tuple(kinds)})


def edit_facts(recipe: Recipe, rows: Sequence[ListRow]) -> Recipe:
    """Returns the recipe with the facts of ``rows``; their columns ``names`` and ``relations`` are texts with
    several entries, as :func:`people_of` reads them.

    Raises:
        RecipeError: a blank, duplicate or invalid row, with its number.
    """
    read = []
    for number, row in enumerate(rows, start=1):
        try:
            known = row.origin is not None and row.origin < len(recipe.facts)
            before = recipe.facts[row.origin or 0] if known else None
            read.append(ListRow(row.origin, people_of(recipe, row.values, before)))
        except RecipeError as error:
            raise RecipeError(
                _("{kind}第 {number} 行：", kind=_("细节"), number=number) + str(error)
            ) from error
    return changed(recipe, facts=_entries(Fact, read, _("细节")) if read else ())


def people_of(recipe: Recipe, values: Mapping[str, Any], before: Fact | None = None) -> dict[str, Any]:
    """Returns the fields of a fact with the texts of ``names`` and ``relations`` ('赵老师、李总') read.
    Names that the fact had ``before`` stay also where the recipe no longer has them.

    Raises:
        RecipeError: a name that the recipe lacks, or no relation.
    """
    read = dict(values)
    codes = {kind.title: kind.id for kind in recipe.relations}
    codes |= {title: code for code, title in recipe.relation_titles().items()}
    codes |= {kind.id: kind.id for kind in recipe.relations}
    kept = before.names if before else ()
    names = _several(values.get("names"), [*kept, *(name.text for name in recipe.names)])
    if unknown := next((name for name in names if recipe.name(name) is None and name not in kept), None):
        raise RecipeError(_("{kind}列表里没有“{name}”", kind=recipe.words.shown().name, name=unknown))
    relations = _several(values.get("relations"))
    if unknown := next((text for text in relations if text not in codes), None):
        known = _("、").join(recipe.relation_titles().values())
        raise RecipeError(_("没有关系“{text}”，有的是：{known}", text=unknown, known=known))
    return {**read, "names": tuple(names), "relations": tuple(codes[text] for text in relations)}


def _several(value: object, known: Iterable[str] = ()) -> list[str]:
    """The entries of a list or of a text; ``known`` ones may hold the marks between two."""
    if isinstance(value, list | tuple):
        return [str(entry) for entry in value]
    longest = sorted((re.escape(text) for text in known), key=len, reverse=True)
    marks, text = "、,，;；/\n", _text(value)
    whole = "|".join(longest) or r"(?!)"
    found = re.findall(rf"(?:^|(?<=[{marks}]))\s*(?:{whole})\s*(?=[{marks}]|$)|[^{marks}]+", text)
    return [entry for part in found if (entry := part.strip())]


def edit_style(recipe: Recipe, text: str, **fields: object) -> Recipe:
    """Returns the recipe with the given fields of one style replaced; blank examples are dropped.

    Raises:
        RecipeError: an invalid value.
    """
    if isinstance(examples := fields.get("examples"), list | tuple):
        fields["examples"] = tuple(e for e in (_text(e) for e in examples) if e)
    styles = []
    for style in recipe.styles:
        styles.append({**style.model_dump(), **fields} if style.text == text else style.model_dump())
    return changed(recipe, styles=styles)


def edit_lines(recipe: Recipe, field: str, rows: Sequence[ListRow]) -> Recipe:
    """Returns the recipe with its ``clauses`` or ``templates`` (``field``) replaced by the texts of ``rows``;
    those that are not ``enabled`` are kept, switched off. A blank clause is kept (it adds nothing to a
    prompt), a blank template is dropped.

    Raises:
        RecipeError: a double or a wrong template, with the row's number; or no template is left.
    """
    kind = _("随机注入") if field == "clauses" else _("训练输入")
    active: list[str] = []
    resting: list[str] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        text = _text(row.values.get("text"))
        if not text and field == "templates":
            continue
        key = normalise(text)
        if key in seen:
            shown = text or _("（空）")
            raise RecipeError(_repeated(kind, number, shown, seen[key]))
        seen[key] = number
        if field == "templates":
            try:
                check_input_template(text, recipe.receivers)
            except ValueError as error:
                raise RecipeError(
                    _("{kind}第 {number} 行：", kind=kind, number=number) + str(error)
                ) from error
        on = row.values.get("enabled")
        (active if on is None or _absent(on) or on else resting).append(text)
    if field == "clauses":
        return changed(recipe, clauses=tuple(active), resting_clauses=tuple(resting))
    if not active:
        raise RecipeError(_("训练输入至少要启用一条"))
    return changed(recipe, input_templates=tuple(active), resting_templates=tuple(resting))


def in_order(rows: Sequence[ListRow]) -> list[ListRow]:
    """Returns the rows sorted by their column ``order`` (counted from 1), without that column: a row with a
    changed number moves to that place, all others keep their sequence."""
    moved = []
    staying = []
    for row in rows:
        order = row.values.get("order")
        plain = ListRow(row.origin, {key: value for key, value in row.values.items() if key != "order"})
        if _absent(order) or (row.origin is not None and order == row.origin + 1):
            staying.append(plain)
        else:
            moved.append((float(str(order)), plain))
    for place, plain in sorted(moved, key=lambda pair: pair[0]):
        staying.insert(max(0, int(place) - 1), plain)
    return staying


def changed(recipe: Recipe, **fields: object) -> Recipe:
    """Returns a valid recipe with fields replaced.

    Raises:
        RecipeError: the result would not be valid; one sentence.
    """
    try:
        return recipe.changed(**fields)
    except ValidationError as error:
        raise RecipeError(explain(error)) from error


def _entries(model: type[T], rows: Sequence[ListRow], kind: str) -> tuple[T, ...]:
    if not rows:
        raise RecipeError(_("{kind}列表是空的，至少要留一个", kind=kind))
    entries: list[T] = []
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        values = {key: _text(value) if isinstance(value, str) else value for key, value in row.values.items()}
        values = {key: value for key, value in values.items() if not _absent(value)}
        text = values.get("text", "")
        if not text:
            raise RecipeError(_("{kind}第 {number} 行没有填名字", kind=kind, number=number))
        key = normalise(text)
        if key in seen:
            raise RecipeError(_repeated(kind, number, text, seen[key]))
        seen[key] = number
        try:
            entries.append(model.model_validate(values))
        except ValidationError as error:
            raise RecipeError(
                _("{kind}第 {number} 行：", kind=kind, number=number) + explain(error)
            ) from error
    return tuple(entries)


def _check_kinds(used: Sequence[str], known: Mapping[str, str], listing: str, kind: str) -> None:
    """Checks the relations or kinds of rows before the recipe does, which does not know their numbers."""
    for number, each in enumerate(used, start=1):
        if each not in known:
            titles = _("、").join(known.values())
            raise RecipeError(
                _("{kind}第 {number} 行：", kind=listing, number=number)
                + _("没有{kind}“{text}”，有的是：{known}", kind=kind, text=each, known=titles)
            )


def _repeated(kind: str, number: int, text: str, first: int) -> str:
    return _(
        "{kind}第 {number} 行“{text}”和第 {first} 行重复", kind=kind, number=number, text=text, first=first
    )


def _renames(before: list[str], rows: Sequence[ListRow], after: list[str]) -> dict[str, str]:
    origins = {row.origin: text for row, text in zip(rows, after, strict=True) if row.origin is not None}
    return {text: origins[i] for i, text in enumerate(before) if i in origins and origins[i] != text}


def _followed(recipe: Recipe, field: str, renamed: Mapping[str, str]) -> dict[str, object]:
    """Returns suitability, style gaps and own rules with the entries of their lists ``field`` renamed."""
    return {
        "suitability": _renamed(recipe.suitability, field, renamed),
        "style_gaps": _renamed(recipe.style_gaps, field, renamed),
        "own_rules": _renamed(recipe.own_rules, field, renamed),
    }


def _renamed_axes(
    recipe: Recipe, renamed: Mapping[str, str], styles: Sequence[str], scenes: Sequence[str]
) -> tuple[Axis, ...]:
    """Returns the axes with renamed styles or scenes, without what they say of removed ones."""

    relations = [kind.id for kind in recipe.relations]

    def followed(option: AxisOption) -> AxisOption:
        named = {
            "by_style": tuple(
                entry.model_copy(update={"style": renamed.get(entry.style, entry.style)})
                for entry in option.by_style
            ),
            "not_styles": tuple(renamed.get(text, text) for text in option.not_styles),
            "not_scenes": tuple(renamed.get(text, text) for text in option.not_scenes),
        }
        return option.model_copy(update=named).restricted_to(styles, scenes, relations)

    return tuple(
        axis.model_copy(update={"options": tuple(followed(o) for o in axis.options)}) for axis in recipe.axes
    )


def _renamed(groups: Sequence[T], field: str, renamed: Mapping[str, str]) -> tuple[T, ...]:
    return tuple(
        g.model_copy(update={field: tuple(renamed.get(text, text) for text in getattr(g, field))})
        for g in groups
    )


def _text(value: object) -> str:
    return "" if _absent(value) else str(value).strip()


def _absent(value: object) -> bool:
    return value is None or value != value  # an empty cell of a table is None or NaN
