"""Fixtures shared by all tests: every test works in a workspace of its own and never sees the person's
keys."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.loopback import LoopbackApi, loopback_api
from tests.postgres import VARIABLE, fresh_database, private_server, server_programs
from tianji_core.i18n import set_language
from tianji_core.workspace import Workspace, open_workspace

ROOT = Path(__file__).resolve().parents[1]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the processes of the tests would each compile torch again
sys.dont_write_bytecode = False
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # the models are tiny: several threads would wait for each other
for name, derandomize in (("same examples", True), ("searching", False)):  # a busy machine is no failure
    settings.register_profile(
        name, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=derandomize
    )
settings.load_profile("same examples")  # new ones: pytest --hypothesis-profile searching


@pytest.fixture(autouse=True)
def _own_surroundings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for variable in (
        "OPENAI_API_KEY",
        "DEEPSEEK_API_KEY",
        "DASHSCOPE_API_KEY",
        "ZHIPUAI_API_KEY",
        "TIANJI_DATABASE_URL",
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TIANJI_HOME", str(tmp_path / "workspace"))
    monkeypatch.chdir(ROOT)
    set_language("zh")
    server = None if request.node.get_closest_marker("sqlite") else os.environ.get(VARIABLE)
    with fresh_database(server) if server else contextlib.nullcontext() as url:
        if url is not None:
            monkeypatch.setenv("TIANJI_DATABASE_URL", url)
        yield


@pytest.fixture(scope="session")
def new_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace as the studio makes it; a copy is made ten times faster."""
    home = tmp_path_factory.mktemp("new") / "workspace"
    with pytest.MonkeyPatch.context() as variables:
        variables.delenv("TIANJI_DATABASE_URL", raising=False)
        open_workspace(home).engine.dispose()
    return home


@pytest.fixture
def workspace(tmp_path: Path, new_workspace: Path) -> Workspace:
    """A fresh, migrated workspace; the same that TIANJI_HOME points to."""
    if "TIANJI_DATABASE_URL" not in os.environ:
        shutil.copytree(new_workspace, tmp_path / "workspace", dirs_exist_ok=True)
    return open_workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server: the given one, or a private one."""
    if given := os.environ.get(VARIABLE):
        yield given
        return
    programs = server_programs()
    if programs is None:
        pytest.skip(
            f"PostgreSQL IS NOT TESTED: no server programs here; install postgresql or set {VARIABLE}"
        )
    with private_server(programs) as address:
        yield address


@pytest.fixture
def team(postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace whose database is on a PostgreSQL server."""
    with fresh_database(postgres_server) as address:
        monkeypatch.setenv("TIANJI_DATABASE_URL", address)
        opened = open_workspace(tmp_path / "shared")
        yield opened
        opened.engine.dispose()


@pytest.fixture
def api() -> Iterator[LoopbackApi]:
    """A real server on loopback that speaks OpenAI's chat API."""
    with loopback_api() as server:
        yield server


LONGEST_IN_BROWSER = (
    "test_looks",
    "test_unsaved",
    "test_corridor",
    "test_behind_nginx",
    "test_interruptions",
    "test_markup",
    "test_compare",
    "test_another_task",
    "test_chat",
)
"""The browser's files that take more than 40 s, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright leaves an event loop running in this thread, in which nothing that
    calls ``asyncio.run`` works any more. Trainings come first, and of the browser's the longest files, the
    longest before all, so that none of them is what everything waits for at the end.
    """

    def place(item: pytest.Item) -> tuple[bool, int, bool]:
        in_browser = "e2e" in item.path.parts
        long = in_browser and item.path.stem in LONGEST_IN_BROWSER
        turn = LONGEST_IN_BROWSER.index(item.path.stem) if long else len(LONGEST_IN_BROWSER) * in_browser
        return in_browser, turn, item.get_closest_marker("training") is None

    items.sort(key=place)
