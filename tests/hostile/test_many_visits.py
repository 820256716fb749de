"""A studio that many visits have come to gives back what they took: open files and memory."""

import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.pages.visiting import Served, served, visiting
from tests.processes import until

pytestmark = pytest.mark.hostile

LOADS, CONNECTS, DRAWN_EVERY = 1000, 300, 15
KEPT = 4
"""Seconds that a session without a connection is kept."""
WARM = 40
"""Loads, connects and pages before the first look: what is read once and kept."""
PLACES = ("", "_stcore/health", "_stcore/host-config", "lists", "none.js")
PAGES = ("", "review", "dataset", "compare")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio that keeps the session of a page that lost its connection for seconds, not for two minutes."""
    home = tmp_path_factory.mktemp("visits") / "workspace"
    with served(home, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(KEPT)) as running:
        yield running


def visit(studio: Served, loads: int, connects: int, drawn_every: int) -> None:
    with httpx.Client(base_url=studio.url, timeout=60) as client:
        for number in range(loads):
            client.get(f"/{PLACES[number % len(PLACES)]}")
    for number in range(connects):
        with visiting(studio) as page:
            if number % drawn_every == 0:
                page.open(PAGES[number // drawn_every % len(PAGES)])


def files_of(studio: Served, process: psutil.Process) -> int:
    """The open files after a visit, which ends the sessions that are too old: all of those before."""
    time.sleep(KEPT + 1)
    visit(studio, 0, 1, 2)
    return process.num_fds()


def test_open_files_and_memory_come_back(studio: Served) -> None:
    process = psutil.Process(studio.process.pid)
    visit(studio, WARM, WARM, 4)
    files, memory, threads = files_of(studio, process), process.memory_info().rss, process.num_threads()
    visit(studio, LOADS, CONNECTS, DRAWN_EVERY)
    assert process.num_fds() > files * 2, "the sessions were held open"
    until(lambda: files_of(studio, process) <= files * 1.1, 120)
    assert process.memory_info().rss <= memory * 1.1
    assert process.num_threads() <= threads + 2
