"""What opening a database with this program will change in it; looks only, and writes nothing."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from tianji_core import ownership
from tianji_core.errors import SettingsError
from tianji_core.i18n import _
from tianji_core.store.address import check_address, shown_address, shown_error
from tianji_core.store.database import HEAD, database_file, schema_revision
from tianji_core.store.schema import recipe_revisions

RELEASED = {"0.1.0": "0003"}
"""The schema revision of each release."""


@dataclass(frozen=True)
class DatabaseState:
    """A database as it lies there. ``revision`` is None where there is none yet; ``size`` is that of the
    SQLite file with its log, in bytes, None on a server; ``recipes`` holds the stored form of the newest
    revision of each edited recipe."""

    revision: str | None
    size: int | None
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)


def revision_sentences() -> dict[str, str]:
    """Returns what each revision of the schema brought, the oldest first, in a sentence for people."""
    return {
        "0001": _("建立全部的表"),
        "0002": _("复审：记下第二个人的裁定和每一步的原因，样本可以按造数模型筛选"),
        "0003": _("投票可以是平手，也可以由模型来投，并记下投的是谁、什么场合、为什么"),
        "0004": _("资料造数记下回答里没有用上的条数"),
        "0005": _("问题说得出是多轮对话里的哪一轮"),
        "0006": _("人名最长 254 个字符，放得下邮箱"),
        "0007": _("配方可以删除，也可以恢复"),
        "0008": _("一次选择里的几票算作一次，并记下两边的采样设置；旧的票按投的时间归在一起"),
        "0009": _("每一步记下是不是成批做的；旧的步骤按条数认定"),
        "0010": _("任务和样本带上配方里其他条件的选项"),
        "0011": _("几个进程可以一起写同一个批次，并记下各自写了多少；批次可以暂停"),
        "0012": _("记下配方的每一版是谁存的、每个后台任务是谁开始的"),
        "0013": _("照着写：记下范文、照着写出的每一条和它们有多像"),
        "0014": _("任务和样本带上要写进去的细节，样本还记下请求里用了哪些示例"),
        "0015": _("记下生成批次、导入、数据集版本和训练是谁做的"),
        "0016": _("没有问题的样本记下有多拿不准"),
        "0017": _("资料问答和追问的样本记下请求出自配方的哪一版"),
    }


def waiting_revisions(revision: str | None) -> dict[str, str]:
    """Returns the sentences of the revisions that a database at ``revision`` lacks; none for a new one."""
    if revision is None:
        return {}
    return {number: said for number, said in revision_sentences().items() if number > revision}


def outdated_releases(revision: str | None) -> list[str]:
    """Returns the releases that can open a database at ``revision`` and not one of this program."""
    if revision is None or revision >= HEAD:
        return []
    return [release for release, last in RELEASED.items() if revision <= last < HEAD]


def database_state(url: str) -> DatabaseState:
    """Returns the state of a database.

    Raises:
        SettingsError: it cannot be opened, or a newer program made it.
    """
    check_address(url)
    file = database_file(url)
    if file is not None and not (file.exists() and file.stat().st_size):
        return DatabaseState(None, None)
    try:
        with _looking(url, file) as connection:
            revision = schema_revision(connection)
            if revision is not None and revision > HEAD:
                raise SettingsError(
                    _(
                        "数据库 {url} 是更新版本的天机工坊建的（第 {revision} 号结构，这个程序到 {head}）；请升级程序",
                        url=shown_address(url),
                        revision=revision,
                        head=HEAD,
                    )
                )
            recipes = _recipes(connection) if revision is not None else {}
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        raise SettingsError(
            _("打不开数据库 {url}：{detail}", url=shown_address(url), detail=shown_error(error, url))
        ) from error
    return DatabaseState(revision, _size(file) if file else None, recipes)


@contextlib.contextmanager
def _looking(url: str, file: Path | None) -> Iterator[Connection]:
    """Yields a connection that cannot write, and that leaves no file beside a SQLite file."""
    with contextlib.ExitStack() as held:
        if file is not None:
            log, shared = (file.with_name(file.name + end) for end in ("-wal", "-shm"))
            used = log.exists() and log.stat().st_size > 0
            if used and not shared.exists():  # reading the log would make the file that is missing
                file = _copy(file, Path(held.enter_context(tempfile.TemporaryDirectory())))
            options = "mode=ro" if used else "mode=ro&immutable=1"
            address = f"{file.as_uri()}?{options}"
            engine = create_engine(
                "sqlite://", creator=lambda: sqlite3.connect(address, uri=True, timeout=30)
            )
        else:
            engine = create_engine(url).execution_options(postgresql_readonly=True)
        held.callback(engine.dispose)
        yield held.enter_context(engine.connect())


def _copy(file: Path, folder: Path) -> Path:
    """A copy of a database together with its log, as they lie there."""
    for path in (file, file.with_name(file.name + "-wal")):
        ownership.copy(path, folder / path.name)
    return folder / file.name


def _recipes(connection: Connection) -> dict[str, dict[str, Any]]:
    if not inspect(connection).has_table(recipe_revisions.name):
        return {}
    c = recipe_revisions.c
    newest = select(c.recipe, func.max(c.revision).label("revision")).group_by(c.recipe).subquery()
    query = select(c.recipe, c.body).join(
        newest, (newest.c.recipe == c.recipe) & (newest.c.revision == c.revision)
    )
    return {row.recipe: row.body for row in connection.execute(query.order_by(c.recipe))}


def _size(file: Path) -> int:
    log = file.with_name(file.name + "-wal")
    return file.stat().st_size + (log.stat().st_size if log.exists() else 0)
