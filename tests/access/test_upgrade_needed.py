"""A browser whose WebSocket arrives as a plain question is told so, and nobody else is."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from tianji_core.access.upgrade_needed import ASKED_BEFORE, STREAM, UpgradeNeeded

HEALTH = "/studio/_stcore/health"


async def _fine(_request: object) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def _stream(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@pytest.fixture
def browser() -> TestClient:
    routes = [
        Route(f"/studio{ASKED_BEFORE}", _fine),
        Route(HEALTH, _fine),
        WebSocketRoute(f"/studio{STREAM}", _stream),
    ]
    return TestClient(UpgradeNeeded(Starlette(routes=routes)), headers={"user-agent": "first"})


def test_the_next_question_of_the_same_browser_is_answered_with_the_reason(browser: TestClient) -> None:
    asked = f"/studio{ASKED_BEFORE}"
    assert browser.get(asked).status_code == 200
    assert browser.get(f"/studio{STREAM}").status_code == 426
    answer = browser.get(asked)
    assert answer.status_code == 426 and "WebSocket" in answer.json()
    assert browser.get(asked, headers={"user-agent": "second"}).status_code == 200
    assert browser.get(HEALTH).status_code == 200


def test_a_websocket_that_arrives_takes_it_back(browser: TestClient) -> None:
    assert browser.get(f"/studio{STREAM}").status_code == 426
    with browser.websocket_connect(f"/studio{STREAM}"):
        pass
    assert browser.get(f"/studio{ASKED_BEFORE}").status_code == 200
