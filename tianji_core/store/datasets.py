"""Stored dataset versions and imports; :mod:`tianji_core.dataset` reads and writes their files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from tianji_core.errors import DatasetError
from tianji_core.i18n import _
from tianji_core.store.database import now, reading
from tianji_core.store.schema import dataset_versions, imports, removed_recipes


@dataclass(frozen=True)
class DatasetVersion:
    """数据集版本: an immutable training file. ``folder`` is relative to the workspace; ``sha256`` is that of
    ``train.json``; ``manifest`` is the content of ``manifest.json``; ``who`` is the account of the
    person who froze it, '' where nobody had logged in."""

    id: int
    recipe: str
    name: str
    folder: str
    sha256: str
    count: int
    manifest: dict[str, Any]
    created_at: datetime
    who: str = ""

    @property
    def conversations(self) -> bool:
        """Whether it holds imported conversations as they are, not samples of its recipe."""
        return "imported" in self.manifest

    @property
    def note(self) -> str:
        """The note of the person who froze it."""
        return str(self.manifest.get("note", ""))


@dataclass(frozen=True)
class Import:
    """One imported file. ``bad`` lists the items left out as (number from 1, reason); ``known`` counts the
    items that were in the recipe already; ``who`` is the account of the person who imported it."""

    id: int
    recipe: str
    file: str
    sha256: str
    form: str
    added: int
    known: int
    bad: tuple[tuple[int, str], ...]
    created_at: datetime
    who: str = ""


def get(engine: Engine, version_id: int) -> DatasetVersion:
    """Returns one dataset version.

    Raises:
        DatasetError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(
            select(dataset_versions).where(dataset_versions.c.id == version_id)
        ).one_or_none()
    if row is None:
        raise DatasetError(_("没有编号为 {id} 的数据集版本，请到数据集页看有哪些", id=version_id))
    return DatasetVersion(**row._mapping)


def find(engine: Engine, name: str) -> DatasetVersion | None:
    """Returns the dataset version called ``name``, or None."""
    with reading(engine) as connection:
        row = connection.execute(
            select(dataset_versions).where(dataset_versions.c.name == name)
        ).one_or_none()
    return None if row is None else DatasetVersion(**row._mapping)


def by_name(engine: Engine, name: str) -> DatasetVersion:
    """Returns the dataset version called ``name``.

    Raises:
        DatasetError: there is none; the message lists what there is.
    """
    stored = find(engine, name)
    if stored is None:
        known = _("、").join(version.name for version in listed(engine, limit=10)) or _("（一个也没有）")
        raise DatasetError(_("没有名叫“{name}”的数据集版本，有的是：{known}", name=name, known=known))
    return stored


def listed(engine: Engine, recipe: str | None = None, limit: int = 200) -> list[DatasetVersion]:
    """Returns dataset versions, newest first: those of one recipe, or of every recipe that is not removed."""
    query = select(dataset_versions).order_by(dataset_versions.c.id.desc()).limit(limit)
    if recipe is not None:
        query = query.where(dataset_versions.c.recipe == recipe)
    else:
        query = query.where(dataset_versions.c.recipe.not_in(select(removed_recipes.c.recipe)))
    with reading(engine) as connection:
        return [DatasetVersion(**row._mapping) for row in connection.execute(query)]


def insert_version(
    connection: Connection, recipe: str, name: str, folder: str, sha256: str, count: int, manifest: dict
) -> int:
    """Stores a version inside the caller's transaction and returns its id.

    Raises:
        DatasetError: the name is taken.
    """
    values = {
        "recipe": recipe,
        "name": name,
        "folder": folder,
        "sha256": sha256,
        "count": count,
        "manifest": manifest,
        "created_at": now(),
    }
    try:
        row = connection.execute(insert(dataset_versions).values(**values).returning(dataset_versions.c.id))
    except IntegrityError as error:
        raise DatasetError(_("已经有名叫“{name}”的数据集版本了，请换一个名字", name=name)) from error
    return row.scalar_one()


def insert_import(connection: Connection, recipe: str, file: str, sha256: str, form: str) -> int:
    """Stores the start of an import inside the caller's transaction and returns its id."""
    values = {
        "recipe": recipe,
        "file": file,
        "sha256": sha256,
        "form": form,
        "added": 0,
        "known": 0,
        "bad": [],
        "created_at": now(),
    }
    return connection.execute(insert(imports).values(**values).returning(imports.c.id)).scalar_one()


def finish_import(
    connection: Connection,
    import_id: int,
    form: str,
    added: int,
    known: int,
    bad: Sequence[tuple[int, str]],
) -> None:
    """Stores the result of an import; ``bad`` holds (number from 1, reason)."""
    kept = [[number - 1, reason] for number, reason in bad]  # the table counts from 0
    values = {"form": form, "added": added, "known": known, "bad": kept}
    connection.execute(update(imports).where(imports.c.id == import_id).values(**values))


def _import(row: Row[Any]) -> Import:
    values = dict(row._mapping)
    values["bad"] = tuple((index + 1, reason) for index, reason in values["bad"])
    return Import(**values)


def get_import(engine: Engine, import_id: int) -> Import:
    """Returns one import.

    Raises:
        DatasetError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(imports).where(imports.c.id == import_id)).one_or_none()
    if row is None:
        raise DatasetError(_("没有编号为 {id} 的导入记录", id=import_id))
    return _import(row)


def listed_imports(engine: Engine, recipe: str, limit: int = 50) -> list[Import]:
    """Returns imports of a recipe, newest first."""
    query = select(imports).where(imports.c.recipe == recipe).order_by(imports.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [_import(row) for row in connection.execute(query)]
