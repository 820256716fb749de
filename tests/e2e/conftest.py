"""A real studio server and a real Chromium for the journeys."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.e2e.driving import WATCH, Studio

NO_BROWSER = (
    "BROWSER TESTS SKIPPED: Debian's chromium is not installed (apt-get install chromium fonts-noto-cjk)"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = shutil.which("chromium") is None
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason=NO_BROWSER))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    return {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox", "--disable-dev-shm-usage"]}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, object]:
    return {"viewport": {"width": 1440, "height": 1000}, "locale": "zh-CN"}


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    context.add_init_script(WATCH)
    return context


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for the journeys that leave each other's work alone."""
    server = Studio(tmp_path_factory.mktemp("shared") / "workspace")
    server.start()
    yield server
    server.end_jobs()
    server.stop()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    server = Studio(tmp_path / "workspace")
    server.start()
    yield server
    server.end_jobs()
    server.stop()
