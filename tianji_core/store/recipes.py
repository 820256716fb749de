"""Recipes as a person edited them: each save is a new revision, nothing is overwritten."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from tianji_core.errors import ConflictError, RecipeError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe
from tianji_core.recipe.loading import validate_recipe
from tianji_core.store.database import now, reading, writing
from tianji_core.store.schema import recipe_revisions


@dataclass(frozen=True)
class StoredRecipe:
    """A recipe and which revision it is; 0 is the built-in file, never edited."""

    recipe: Recipe
    revision: int


@dataclass(frozen=True)
class Revision:
    """One line of a recipe's history."""

    revision: int
    note: str
    created_at: datetime


def keys(engine: Engine) -> list[str]:
    """Every recipe there is, built in or made here."""
    with reading(engine) as connection:
        made = connection.execute(select(recipe_revisions.c.recipe).distinct()).scalars().all()
    return sorted({*built_in_recipes(), *made}, key=lambda key: (key != "wishes", key))


def current(engine: Engine, key: str) -> StoredRecipe:
    """The newest revision of a recipe.

    Raises:
        RecipeError: no such recipe, or a stored or built-in one that is not valid.
    """
    return at(engine, key, None)


def at(engine: Engine, key: str, revision: int | None) -> StoredRecipe:
    """A recipe at a revision (None: the newest; 0: the built-in file).

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
        return StoredRecipe(validate_recipe(row.body, source), row.revision)
    path = built_in_recipes().get(key)
    if path is None or revision:
        raise RecipeError(_("没有配方“{key}”，有的是：{known}", key=key, known=_("、").join(keys(engine))))
    return StoredRecipe(load_recipe(path), 0)


def save(engine: Engine, recipe: Recipe, based_on: int, note: str) -> StoredRecipe:
    """Make ``recipe`` the newest revision; ``based_on`` is the revision that the person was looking at.

    Raises:
        ConflictError: somebody saved another revision meanwhile.
    """
    with writing(engine) as connection:
        newest = _newest(connection, recipe.key)
        if newest != based_on:
            raise ConflictError(
                _(
                    "另一个页面已经保存了第 {newest} 版，而这里改的是第 {based_on} 版；请刷新后再改，没有覆盖任何内容",
                    newest=newest,
                    based_on=based_on,
                )
            )
        values = {
            "recipe": recipe.key,
            "revision": newest + 1,
            "body": recipe.model_dump(mode="json"),
            "note": note,
            "created_at": now(),
        }
        try:
            connection.execute(insert(recipe_revisions).values(**values))
        except IntegrityError as error:
            raise ConflictError(
                _("另一个页面刚刚保存了同一个配方；请刷新后再改，没有覆盖任何内容")
            ) from error
    return StoredRecipe(recipe, newest + 1)


def _newest(connection: Connection, key: str) -> int:
    query = select(recipe_revisions.c.revision).where(recipe_revisions.c.recipe == key)
    return connection.execute(query.order_by(recipe_revisions.c.revision.desc()).limit(1)).scalar() or 0


def history(engine: Engine, key: str, limit: int = 20) -> list[Revision]:
    """The newest revisions of a recipe, newest first."""
    table = recipe_revisions
    query = (
        select(table.c.revision, table.c.note, table.c.created_at)
        .where(table.c.recipe == key)
        .order_by(table.c.revision.desc())
        .limit(limit)
    )
    with reading(engine) as connection:
        return [Revision(*row) for row in connection.execute(query)]


def restore(engine: Engine, key: str, revision: int, based_on: int) -> StoredRecipe:
    """Make an older revision the newest one again (the way to undo; nothing is lost).

    Raises:
        RecipeError: no such revision. ConflictError: somebody saved meanwhile.
    """
    old = at(engine, key, revision)
    return save(engine, old.recipe, based_on, _("恢复到第 {revision} 版", revision=revision))
