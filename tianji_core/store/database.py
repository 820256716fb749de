"""Opening the database: SQLite in WAL mode by default, PostgreSQL for a team; migrated when it is opened."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tianji_core.errors import DatabaseLostError, DiskFullError, SettingsError, StorageError, StudioError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.roles import bookkeeping, check_may_write
from tianji_core.store.address import check_address, parsed_address, shown_address, shown_error
from tianji_core.store.wal import use_wal

MIGRATIONS = Path(__file__).with_name("migrations")
MAPPED = 1024 * 1024 * 1024
"""Bytes of a SQLite file that are memory-mapped; this halves the time of a text search in 100,000 samples."""
CACHED = 32 * 1024 * 1024
"""Bytes of changed pages that a connection caches before writing them: enough for a step over 10,000
samples."""
WAIT = 30.0
"""Seconds that a statement waits for another connection's lock on a SQLite file."""
WRITER = 0x7469616E
"""Number of the PostgreSQL advisory lock that every writing transaction holds."""
SMALLEST_ROOM = 256 * 1024
"""Bytes of free disk below which an I/O error means that the disk is full."""
HEAD = "0017"
"""The schema revision that this code expects: the newest file under ``migrations/versions``."""


def sqlite_address(path: Path) -> str:
    """Returns the address of a SQLite file. Characters that mean something in an address (``?``, ``#``,
    ``%``) stand for themselves in ``path``."""
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def database_file(url: str) -> Path | None:
    """Returns the SQLite file at an address; None for a database on a server or in memory."""
    address = parsed_address(url)
    if address is None:
        return None
    name = address.database or ""
    if address.get_backend_name() != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
        return None
    return Path(name).absolute()


def open_engine(url: str, before_migration: Callable[[], object] = lambda: None) -> Engine:
    """Returns an engine on ``url`` whose schema is current. ``before_migration`` is called before an older
    schema is changed.

    Raises:
        SettingsError: the address is wrong, the server is away, or the database is newer than this program.
    """
    check_address(url)
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        if engine.dialect.name == "sqlite":
            _configure_sqlite(engine)
        with engine.connect() as connection:
            current = schema_revision(connection)
    except (SQLAlchemyError, ImportError, ValueError, TypeError) as error:
        shown = shown_error(error, url)
        if _is_full(url, shown):
            raise _unusable(url, shown) from error
        raise SettingsError(
            _("打不开数据库 {url}：{detail}", url=shown_address(url), detail=shown)
        ) from error
    if current != HEAD:
        if current is not None:
            before_migration()
        _migrate(engine, url)
    return engine


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # SQLAlchemy's begin event below opens transactions
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={WAIT * 1000:.0f}")
        use_wal(connection, WAIT)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA mmap_size={MAPPED}")
        cursor.execute(f"PRAGMA cache_size=-{CACHED // 1024}")
        cursor.close()

    file = database_file(engine.url.render_as_string(hide_password=False))
    if file is not None:
        _watch_file(engine, file)

    @event.listens_for(engine, "begin")
    def on_begin(connection):  # type: ignore[no-untyped-def]
        # A transaction that reads before it writes must hold the write lock from its start, or a second
        # writer turns it into 'database is locked' without waiting.
        writing = connection.get_execution_options().get("tianji_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _watch_file(engine: Engine, file: Path) -> None:
    """Opens connections anew where the file was replaced, as by restoring a backup, and makes no new file
    where it was deleted while the studio runs."""
    opened = False

    @event.listens_for(engine, "do_connect")
    def on_opening(_dialect, _record, _arguments, _options):  # type: ignore[no-untyped-def]
        if opened and not file.exists():
            raise DatabaseLostError(
                _("数据库 {file} 不见了；把它放回原处，或重新打开工坊来恢复备份", file=file)
            )

    @event.listens_for(engine, "connect")
    def on_connect(_connection, record):  # type: ignore[no-untyped-def]
        nonlocal opened
        opened = True
        record.info["file"] = file.stat().st_ino

    @event.listens_for(engine, "checkout")
    def on_checkout(_connection, record, _proxy):  # type: ignore[no-untyped-def]
        try:
            same = file.stat().st_ino == record.info["file"]
        except FileNotFoundError:
            same = False
        if not same:
            raise DisconnectionError


def schema_revision(connection: Connection) -> str | None:
    """Returns the revision of the schema of a database, None for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@bookkeeping()
def _migrate(engine: Engine, url: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    # One writing transaction: a second process that opens the same database waits until it is migrated.
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise SettingsError(
                _(
                    "数据库 {url} 是更新版本的天机工坊建的，请升级程序：{detail}",
                    url=shown_address(url),
                    detail=first_line(error),
                )
            ) from error


def next_number(connection: Connection, table: Table, above: int) -> dict[str, int]:
    """Returns {"id": N} for the next row of ``table`` where the number that the database would give is not
    above ``above``, else {}. Folders are named after the numbers of rows, and outlive the rows where an older
    database was restored. Call it in a writing transaction."""
    last = connection.execute(select(func.max(table.c.id))).scalar() or 0
    if above <= last:
        return {}
    if connection.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(table.name, "id")
        connection.execute(select(func.setval(sequence, above + 1)))
    return {"id": above + 1}


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Opens a connection whose statements see one state of the database.

    Raises:
        StudioError: the database cannot be used any more: away, full, read-only, broken.
    """
    with _explained(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Opens a transaction that commits at the end of the block and rolls back on an exception. Only one runs
    at a time, so what the block has read stays true until it commits.

    Raises:
        ForbiddenError: the person who acts may not write. Others as :func:`reading`.
    """
    check_may_write()
    with (
        _explained(engine),
        engine.connect().execution_options(tianji_write=True) as connection,
        connection.begin(),
    ):
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(WRITER)))
        yield connection


@contextlib.contextmanager
def claiming(engine: Engine) -> Iterator[Connection]:
    """Opens a transaction on PostgreSQL that runs beside others and locks only the rows that it names. For
    rows that many processes share; all other writes use :func:`writing`.

    Raises:
        As :func:`writing`.
    """
    check_may_write()
    with _explained(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turns a fault outside this program into a :class:`StudioError` of one sentence, and a value that no
    column takes into a :class:`StorageError`; a wrong statement stays as it is."""
    try:
        yield
    except (StatementError, OverflowError, UnicodeEncodeError) as error:
        # A damaged file is the class itself; wrong statements and values are subclasses of it.
        if isinstance(error, OperationalError) or type(error) is DatabaseError:
            said = first_line(error.orig or error)
            if said.startswith(("no such", "near ")):
                raise
            raise _unusable(_address(engine), said) from error
        cause = error.orig if isinstance(error, StatementError) else error
        known = isinstance(error, DataError | InterfaceError) or isinstance(cause, ValueError | OverflowError)
        if not known:
            raise
        detail = first_line(cause or error)
        raise StorageError(_("数据库存不下这一条（{detail}）", detail=detail)) from error
    except PoolTimeoutError as error:
        raise _unusable(_address(engine), first_line(error)) from error


def _address(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def _unusable(url: str, said: str) -> StudioError:
    kind = DiskFullError if _is_full(url, said) else StudioError
    return kind(
        _(
            "数据库 {url} 用不了（{detail}）；请检查磁盘空间、权限和数据库服务，已经保存的内容没有动",
            url=shown_address(url),
            detail=said,
        )
    )


def _is_full(url: str, said: str) -> bool:
    """Returns whether a fault comes from a full disk. SQLite names it where it writes to the database, and
    calls it an I/O error where it writes to a file beside it."""
    if "is full" in said or "No space left" in said:
        return True
    file = database_file(url)
    if file is None or not said.startswith(("disk I/O error", "unable to open")):
        return False
    try:
        return shutil.disk_usage(file.parent).free < SMALLEST_ROOM
    except OSError:  # the folder itself is gone
        return False


def now() -> datetime:
    """Returns the current time in UTC, without a zone, as the database stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


def beginning_of(day: str) -> datetime:
    """The first moment (UTC) of a day: YYYY-MM-DD as UTC has it, or the day's first moment elsewhere, in ISO
    form with its offset."""
    moment = datetime.fromisoformat(day)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
