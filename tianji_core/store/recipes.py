"""Edited recipes: every save is a new revision, nothing is overwritten."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from tianji_core.errors import ConflictError, RecipeError
from tianji_core.i18n import _
from tianji_core.recipe import DEFAULT_RECIPE, Recipe, built_in_recipe, built_in_recipes
from tianji_core.recipe.editing import changed
from tianji_core.recipe.loading import validate_recipe
from tianji_core.store.database import now, reading, writing
from tianji_core.store.schema import recipe_revisions, removed_recipes


@dataclass(frozen=True)
class StoredRecipe:
    """A recipe and its revision; 0 is the built-in file."""

    recipe: Recipe
    revision: int


@dataclass(frozen=True)
class RecipeRevision:
    """One revision in a recipe's history. ``same_as`` is the revision whose content an undo or redo
    restored; ``who`` is the account that saved it, '' where nobody had logged in."""

    revision: int
    note: str
    created_at: datetime
    same_as: int | None = None
    who: str = ""


@dataclass(frozen=True)
class Move:
    """A possible undo or redo: ``revision`` would be restored; ``note`` names the edit, which was saved as
    the revision ``edit``."""

    revision: int
    note: str
    edit: int


def keys(engine: Engine) -> list[str]:
    """Returns the keys of all recipes, built in or made here, without the removed ones; the default one
    first."""
    kept = _all_keys(engine) - removed(engine)
    return sorted(kept, key=lambda key: (key != DEFAULT_RECIPE, key))


def _all_keys(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        made = connection.execute(select(recipe_revisions.c.recipe).distinct()).scalars().all()
    return {*built_in_recipes(), *made}


def removed(engine: Engine) -> set[str]:
    """Returns the keys of the removed recipes."""
    with reading(engine) as connection:
        return set(connection.execute(select(removed_recipes.c.recipe)).scalars())


def remove(engine: Engine, key: str) -> None:
    """Removes a recipe from every list, with its samples, dataset versions and trainings. Nothing is deleted:
    :func:`bring_back` undoes it.

    Raises:
        RecipeError: no such recipe, or a built-in one.
    """
    if key in built_in_recipes():
        raise RecipeError(_("内置的配方“{key}”不能删除", key=key))
    if key not in keys(engine):
        raise RecipeError(_("没有配方“{key}”，有的是：{known}", key=key, known=_("、").join(keys(engine))))
    with writing(engine) as connection:
        connection.execute(
            delete(removed_recipes).where(removed_recipes.c.recipe == key)
        )  # removed meanwhile
        connection.execute(insert(removed_recipes).values(recipe=key, removed_at=now()))


def bring_back(engine: Engine, key: str) -> datetime:
    """Brings a removed recipe back; returns when it was removed, in UTC.

    Raises:
        RecipeError: it is not removed.
    """
    with writing(engine) as connection:
        its = removed_recipes.c.recipe == key
        removed_at = connection.execute(select(removed_recipes.c.removed_at).where(its)).scalar()
        if removed_at is None:
            raise RecipeError(_("配方“{key}”没有被删除", key=key))
        connection.execute(delete(removed_recipes).where(its))
        return removed_at.replace(tzinfo=UTC)


def free_key(engine: Engine, wanted: str) -> str:
    """Returns ``wanted``, numbered where a recipe, even a removed one, has this key."""
    taken, key, number = _all_keys(engine), wanted, 1
    while key in taken:
        number += 1
        key = f"{wanted}-{number}"
    return key


def titles(engine: Engine) -> dict[str, str]:
    """Returns key → title of all recipes, the default one first."""
    table = recipe_revisions
    newest = select(table.c.recipe, func.max(table.c.revision).label("revision")).group_by(table.c.recipe)
    latest = newest.subquery()
    query = select(table.c.recipe, table.c.body["title"].as_string()).join(
        latest, (latest.c.recipe == table.c.recipe) & (latest.c.revision == table.c.revision)
    )
    with reading(engine) as connection:
        edited = {row[0]: row[1] for row in connection.execute(query)}
    known = keys(engine)
    return {key: edited[key] if key in edited else current(engine, key).recipe.title for key in known}


def copy(engine: Engine, source: str, key: str, title: str) -> StoredRecipe:
    """Stores a new recipe as a copy of ``source``.

    Raises:
        RecipeError: the key is taken or not one, or there is no such source.
    """
    old = current(engine, source).recipe
    new = validate_recipe({**old.model_dump(mode="json"), "key": key, "title": title}, _("新配方"))
    return add(engine, new, _("复制自“{title}”", title=old.title))


def add(engine: Engine, recipe: Recipe, note: str) -> StoredRecipe:
    """Stores a new recipe.

    Raises:
        RecipeError: the key is taken.
    """
    if recipe.key in _all_keys(engine):
        raise RecipeError(_("已经有配方“{key}”了，请换一个英文名", key=recipe.key))
    return save(engine, recipe, 0, note)


def add_beside(engine: Engine, recipe: Recipe, note: str) -> StoredRecipe:
    """Stores a new recipe beside the others, numbered where one has its key or its title."""
    taken = titles(engine).values()
    numbered = (f"{recipe.title} {number}" for number in itertools.count(2))
    title = next(title for title in itertools.chain([recipe.title], numbered) if title not in taken)
    return save(engine, changed(recipe, key=free_key(engine, recipe.key), title=title), 0, note)


def current(engine: Engine, key: str) -> StoredRecipe:
    """Returns the newest revision of a recipe.

    Raises:
        RecipeError: no such recipe, or a stored or built-in one that is not valid.
    """
    return at(engine, key, None)


def at(engine: Engine, key: str, revision: int | None) -> StoredRecipe:
    """Returns a recipe at a revision (None: the newest; 0: the built-in file).

    Raises:
        RecipeError: no such recipe or revision, or one that is not valid.
    """
    query = select(recipe_revisions.c.revision, recipe_revisions.c.body).where(
        recipe_revisions.c.recipe == key
    )
    if revision is not None:
        query = query.where(recipe_revisions.c.revision == revision)
    with reading(engine) as connection:
        row = connection.execute(query.order_by(recipe_revisions.c.revision.desc()).limit(1)).one_or_none()
    if row is not None:
        source = _("工作区里的配方 {key}（第 {revision} 版）", key=key, revision=row.revision)
        return StoredRecipe(from_stored(row.body, source), row.revision)
    if key not in built_in_recipes() or revision:
        raise RecipeError(_("没有配方“{key}”，有的是：{known}", key=key, known=_("、").join(keys(engine))))
    return StoredRecipe(built_in_recipe(key), 0)


def first(engine: Engine, key: str) -> Recipe:
    """Returns a recipe as it was at first: as it ships, or as it was begun, copied or imported.

    Raises:
        RecipeError: as :func:`at`.
    """
    return at(engine, key, 0 if key in built_in_recipes() else 1).recipe


def revision_when(engine: Engine, key: str, when: datetime) -> int:
    """Returns the revision of a recipe that was the newest at a time in UTC; 0 before the first one."""
    table = recipe_revisions
    query = select(func.max(table.c.revision)).where(table.c.recipe == key, table.c.created_at <= when)
    with reading(engine) as connection:
        return connection.execute(query).scalar() or 0


def from_stored(body: dict[str, Any], source: str) -> Recipe:
    """Returns a recipe from its stored form, also that of an older release; ``source`` names it in errors.

    Raises:
        RecipeError: it is not valid.
    """
    return validate_recipe(_completed(body), source)


def _completed(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the stored form of a recipe with the field that revisions of release 0.1.0 lack: a style whose
    name or examples are those of verse and letters may have several lines."""
    if all("several_lines" in style for style in body["styles"]):
        return body
    shipped = [style for key in built_in_recipes() for style in built_in_recipe(key).styles]
    verse = {style.text for style in shipped if style.several_lines}
    styles = [
        {
            "several_lines": style["text"] in verse or any("\n" in text for text in style["examples"]),
            **style,
        }
        for style in body["styles"]
    ]
    return {**body, "styles": styles}


def save(
    engine: Engine, recipe: Recipe, based_on: int, note: str, same_as: int | None = None
) -> StoredRecipe:
    """Stores ``recipe`` as the newest revision; ``based_on`` is the revision that the person was looking at.

    Raises:
        ConflictError: somebody saved another revision meanwhile.
    """
    with writing(engine) as connection:
        newest = _newest(connection, recipe.key)
        if newest != based_on:
            raise _conflict(connection, recipe.key, newest, based_on)
        values = {
            "recipe": recipe.key,
            "revision": newest + 1,
            "body": recipe.model_dump(mode="json"),
            "note": note,
            "same_as": same_as,
            "created_at": now(),
        }
        try:
            connection.execute(insert(recipe_revisions).values(**values))
        except IntegrityError as error:
            raise ConflictError(
                _("另一个页面刚刚保存了同一个配方；请刷新后再改，没有覆盖任何内容")
            ) from error
    return StoredRecipe(recipe, newest + 1)


def _conflict(connection: Connection, key: str, newest: int, based_on: int) -> ConflictError:
    """Returns the error for a save on an older revision, with who saved meanwhile and what."""
    c = recipe_revisions.c
    query = select(c.who, c.note).where(c.recipe == key, c.revision == newest)
    saved = connection.execute(query).one_or_none()
    if saved is None or not saved.who:
        said = _(
            "另一个页面已经保存了第 {newest} 版，而这里改的是第 {based_on} 版；请刷新后再改，没有覆盖任何内容",
            newest=newest,
            based_on=based_on,
        )
    else:
        said = _(
            "{who} 已经保存了第 {newest} 版（{note}），而这里改的是第 {based_on} 版；请刷新后再改，没有覆盖任何内容",
            who=saved.who,
            newest=newest,
            note=saved.note,
            based_on=based_on,
        )
    return ConflictError(said)


def _newest(connection: Connection, key: str) -> int:
    query = select(recipe_revisions.c.revision).where(recipe_revisions.c.recipe == key)
    return connection.execute(query.order_by(recipe_revisions.c.revision.desc()).limit(1)).scalar() or 0


def history(engine: Engine, key: str, limit: int = 20) -> list[RecipeRevision]:
    """Returns the latest revisions of a recipe, newest first."""
    table = recipe_revisions
    query = (
        select(table.c.revision, table.c.note, table.c.created_at, table.c.same_as, table.c.who)
        .where(table.c.recipe == key)
        .order_by(table.c.revision.desc())
        .limit(limit)
    )
    with reading(engine) as connection:
        return [RecipeRevision(*row) for row in connection.execute(query)]


def restore(engine: Engine, key: str, revision: int, based_on: int) -> StoredRecipe:
    """Stores an older revision as the newest one, as an edit that can be undone.

    Raises:
        RecipeError: no such revision. ConflictError: somebody saved meanwhile.
    """
    old = at(engine, key, revision)
    return save(engine, old.recipe, based_on, _("恢复到第 {revision} 版", revision=revision))


def undo_move(engine: Engine, key: str) -> Move | None:
    """Returns what :func:`undo` would do, None if there is no edit to undo."""
    return _moves(engine, key)[0]


def redo_move(engine: Engine, key: str) -> Move | None:
    """Returns what :func:`redo` would do, None if nothing was undone since the last edit."""
    return _moves(engine, key)[1]


def undo(engine: Engine, key: str, based_on: int) -> StoredRecipe | None:
    """Undoes the last edit; called again, the edit before it, and so on. None if no edit is left.

    Raises:
        ConflictError: somebody saved meanwhile.
    """
    move = undo_move(engine, key)
    if move is None:
        return None
    old = at(engine, key, move.revision)
    return save(engine, old.recipe, based_on, _("撤销：{what}", what=move.note), move.revision)


def redo(engine: Engine, key: str, based_on: int) -> StoredRecipe | None:
    """Redoes the last undone edit; None if there is none.

    Raises:
        ConflictError: somebody saved meanwhile.
    """
    move = redo_move(engine, key)
    if move is None:
        return None
    old = at(engine, key, move.revision)
    return save(engine, old.recipe, based_on, _("重做：{what}", what=move.note), move.revision)


def _moves(engine: Engine, key: str) -> tuple[Move | None, Move | None]:
    """Returns the possible undo and redo. Both walk the tree of edits; a redo restores the newest child of
    the current content."""
    notes, parents, present = _edits(engine, key)
    undoing = Move(parents[present], notes[present], present) if present in parents else None
    if undoing is not None and undoing.revision == 0 and key not in built_in_recipes():
        undoing = None  # the first revision of a recipe made here cannot be undone
    children = [edit for edit, parent in parents.items() if parent == present]
    redoing = Move(max(children), notes[max(children)], max(children)) if children else None
    return undoing, redoing


def stands(engine: Engine, key: str, edit: int) -> bool:
    """Returns whether the present content of a recipe came about by the edit saved as the revision ``edit``,
    so that this is not undone."""
    _notes, parents, present = _edits(engine, key)
    while present != edit and present in parents:
        present = parents[present]
    return present == edit


def edits_between(engine: Engine, key: str, revision: int) -> tuple[list[int], list[int]]:
    """Returns the edits that the present content of a recipe has and that of a revision has not, newest
    first, and those that only the latter has, oldest first."""
    _notes, parents, present = _edits(engine, key)
    with reading(engine) as connection:
        c = recipe_revisions.c
        query = select(c.same_as).where(c.recipe == key, c.revision == revision)
        same_as = connection.execute(query).scalar()

    def line(edit: int) -> list[int]:
        found = [edit]
        while found[-1] in parents:
            found.append(parents[found[-1]])
        return found

    ours, theirs = line(present), line(revision if same_as is None else same_as)
    return [edit for edit in ours if edit not in theirs], [edit for edit in theirs if edit not in ours][::-1]


def _edits(engine: Engine, key: str) -> tuple[dict[int, str], dict[int, int], int]:
    """Returns the tree of edits: edit → its note, edit → its parent, which is the content it was made on, and
    the edit whose content is the present one."""
    table = recipe_revisions
    query = select(table.c.revision, table.c.note, table.c.same_as).where(table.c.recipe == key)
    with reading(engine) as connection:
        revisions = connection.execute(query.order_by(table.c.revision)).all()
    notes: dict[int, str] = {}
    parents: dict[int, int] = {}
    present = 0
    for row in revisions:
        if row.same_as is None:
            notes[row.revision], parents[row.revision] = row.note, present
            present = row.revision
        else:
            present = row.same_as
    return notes, parents, present
