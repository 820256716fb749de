"""The login in front of a server, over a small application that says who asks for what."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from tianji_core.access.login import LoginRequired
from tianji_core.access.visitors import Accounts
from tianji_core.roles import Role
from tianji_core.workspace import Workspace

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html,*/*"}


async def page(request: Request) -> Response:
    return PlainTextResponse(f"page {request.url.path}")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


@pytest.fixture
def accounts(workspace: Workspace) -> Accounts:
    made = Accounts(workspace, 6006)
    made.users.add("Anna", Role.REVIEWER, PASSWORD)
    return made


@pytest.fixture
def client(accounts: Accounts) -> Iterator[TestClient]:
    routes = [WebSocketRoute("/stream", echo), Route("/{path:path}", page, methods=["GET", "POST", "PUT"])]
    app = LoginRequired(Starlette(routes=routes), accounts, ["/health"])
    with TestClient(app, "http://127.0.0.1:6006", headers=HTML, follow_redirects=False) as client:
        yield client


def log_in(client: TestClient, **fields: str) -> Any:
    return client.post("/login", data={"name": "Anna", "password": PASSWORD, **fields})


def test_a_stranger_is_led_to_the_login_and_back(client: TestClient) -> None:
    asked = client.get("/review/cards?id=7&who=%E7%8E%8B")
    assert (asked.status_code, asked.headers["location"]) == (
        303,
        "../login?next=review%2Fcards%3Fid%3D7%26who%3D%25E7%258E%258B",
    )
    form = client.get(str(asked.next_request.url))
    assert form.status_code == 200 and 'name="password"' in form.text
    back = re.search('name="next" value="([^"]*)"', form.text).group(1).replace("&amp;", "&")
    entered = log_in(client, next=back)
    assert (entered.status_code, entered.headers["location"]) == (
        303,
        "./review/cards?id=7&who=%E7%8E%8B",
    )
    assert client.get(str(entered.next_request.url)).text == "page /review/cards"


@pytest.mark.parametrize(
    "path", ["/", "/static/app.js", "/media/x.png", "/component/x", "/_stcore/host-config"]
)
def test_a_stranger_gets_nothing_else(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"Accept": "*/*"}).status_code == 401
    assert "page" not in client.get(path).text
    for method in ("POST", "PUT"):
        assert client.request(method, path).status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://127.0.0.1:6006/stream"):
        pass
    assert client.get("/health").text == "page /health"


def test_a_login_opens_pages_and_streams_until_it_is_ended(client: TestClient, accounts: Accounts) -> None:
    assert log_in(client).headers["location"] == "./"
    assert client.get("/lists").text == "page /lists"
    assert client.get("/login").status_code == 303, "there is nothing to log in to"
    with client.websocket_connect("ws://127.0.0.1:6006/stream") as stream:
        stream.send_text("hello")
        assert stream.receive_text() == "hello"
        accounts.sessions.end(accounts.sessions.listed()[0].id)
        stream.send_text("still there?")
        with pytest.raises(WebSocketDisconnect):
            stream.receive_text()
    assert client.get("/lists").status_code == 303


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: TestClient) -> None:
    attributes = {part.strip().lower() for part in log_in(client).headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= attributes and "secure" not in attributes
    client.cookies.clear()
    answer = client.post(
        "/login",
        data={"name": "Anna", "password": PASSWORD},
        headers={"Origin": "https://studio.example.com"},
    )
    assert "secure" in answer.headers["set-cookie"].lower()


def test_logging_out_takes_a_press_and_ends_the_login(client: TestClient, accounts: Accounts) -> None:
    log_in(client)
    assert "Anna" in client.get("/logout").text and accounts.sessions.listed()
    cookies = dict(client.cookies)
    assert client.post("/logout").headers["location"] == "./login"
    assert accounts.sessions.listed() == []
    client.cookies.update(cookies)
    assert client.get("/lists").status_code == 303, "an old cookie is worth nothing"


@pytest.mark.parametrize(
    "fields",
    [{"password": "wrong"}, {"name": "nobody"}, {"password": ""}, {"name": ""}, {"password": "x" * 9000}],
)
def test_a_wrong_login_says_no_more_than_that(client: TestClient, fields: dict[str, str]) -> None:
    answer = log_in(client, **fields)
    assert answer.status_code == 401 and "名字或密码不对" in answer.text
    assert "set-cookie" not in answer.headers


def test_what_was_typed_as_a_name_is_shown_as_text(client: TestClient) -> None:
    answer = log_in(client, name='"><script>x</script>')
    assert "<script>" not in answer.text and "&lt;script&gt;" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_sixth_attempt_has_to_wait_even_with_the_right_password(client: TestClient) -> None:
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 401
    answer = log_in(client)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "请等 1 秒" in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        "//evil.test",
        "http://evil.test",
        "/\\evil.test",
        "javascript:alert(1)",
        "a\r\nSet-Cookie: x=1",
        "../../x",
    ],
)
def test_the_way_back_stays_on_this_server(client: TestClient, asked: str) -> None:
    answer = log_in(client, next=asked)
    assert answer.status_code == 303 and answer.headers["location"].startswith("./")
    assert str(answer.next_request.url).startswith("http://127.0.0.1:6006/")


def test_the_one_time_link_lets_its_owner_in_once(client: TestClient, accounts: Accounts) -> None:
    assert client.get("/login?token=guess").status_code == 200
    link = accounts.one_time_path()
    entered = client.get(link + "&next=lists")
    assert (entered.status_code, entered.headers["location"]) == (303, "./lists")
    assert accounts.visitor(dict(client.cookies)).role is Role.OWNER
    client.cookies.clear()
    again = client.get(link)
    assert again.status_code == 200 and "已经用过" in again.text
    assert client.get("/lists").status_code == 303


def test_a_changed_role_counts_at_once(client: TestClient, accounts: Accounts) -> None:
    log_in(client)
    assert accounts.visitor(dict(client.cookies)).role is Role.REVIEWER
    accounts.users.set_role("Anna", Role.VIEWER)
    assert accounts.visitor(dict(client.cookies)).role is Role.VIEWER
    accounts.users.remove("Anna")
    assert accounts.visitor(dict(client.cookies)) is None
    assert client.get("/lists").status_code == 303


def test_behind_a_base_path_only_that_path_is_served(workspace: Workspace) -> None:
    accounts = Accounts(workspace, 6006, "/studio")
    accounts.users.add("Anna", Role.OWNER, PASSWORD)
    app = LoginRequired(Starlette(routes=[Route("/{path:path}", page)]), accounts, ["/health"])
    with TestClient(app, "http://127.0.0.1:6006", headers=HTML, follow_redirects=False) as client:
        assert client.get("/studio/lists").headers["location"] == "./login?next=lists"
        assert client.get("/studio/health").text == "page /studio/health"
        assert client.get("/health").status_code == 303
        answer = client.post("/studio/login", data={"name": "Anna", "password": PASSWORD})
        assert answer.headers["location"] == "./" and "path=/studio;" in answer.headers["set-cookie"].lower()
        assert client.get("/studio/lists").text == "page /studio/lists"
