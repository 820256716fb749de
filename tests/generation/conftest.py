"""Runs are tested against a real HTTP server on loopback."""

from collections.abc import Iterator

import pytest

from tests.loopback import LoopbackApi, loopback_api


@pytest.fixture
def api() -> Iterator[LoopbackApi]:
    """A server that speaks OpenAI's chat API."""
    with loopback_api() as server:
        yield server
