"""PostgreSQL for tests: databases that live as long as a test, and a private server where none is given."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from tests.processes import free_port

VARIABLE = "TIANJI_TEST_DATABASE_URL"
"""Address of a PostgreSQL server on which tests may make and drop databases; with it every test uses
PostgreSQL."""


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """The address of an empty database on ``server``; it is dropped afterwards, whoever is still
    connected."""
    name = f"tianji_test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def server_programs() -> Path | None:
    """The folder of PostgreSQL's server programs, the newest where there are several; None where there are
    none."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    return installed[-1].parent if installed else None


@contextmanager
def private_server(programs: Path) -> Iterator[str]:
    """The address of a server of our own on a free port of the loopback, with its data in a folder that goes
    away. As root it runs as the user ``postgres``, because the server refuses root."""
    user = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="tianji-postgres-"))
    port = free_port()

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=home, stdout=subprocess.DEVNULL, timeout=120)

    try:
        if user is not None:
            shutil.chown(home, user)
        data, options = str(home / "data"), f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(str(programs / "initdb"), "-D", data, "-U", "tianji", "-A", "trust", "-E", "UTF8", "--no-sync")
        control = (str(programs / "pg_ctl"), "-D", data, "-w")
        run(*control, "-o", options, "-l", str(home / "log"), "start")
        try:
            yield f"postgresql+psycopg://tianji@127.0.0.1:{port}/postgres"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
