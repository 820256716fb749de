"""The page of a shared model over HTTP: what its link opens, what it refuses, and how much may be asked."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.loopback import LoopbackApi, sends_bytes, streams
from tianji_core.access.login import LoginRequired
from tianji_core.access.visitors import Accounts
from tianji_core.i18n import set_language
from tianji_core.recipe import Recipe
from tianji_core.roles import Role
from tianji_core.serving.services import remember_service
from tianji_core.sharing import Share, SharePages, Shares, kept_questions
from tianji_core.sharing.questions import MOST_ANSWER, MOST_QUESTION, MOST_TOKENS
from tianji_core.store import recipes
from tianji_core.workspace import Workspace

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html,*/*"}
EVIL = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>{{ 7 * 7 }}'


async def inside(request: Request) -> Response:
    return PlainTextResponse("the studio")


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("the studio")


@pytest.fixture
def accounts(workspace: Workspace) -> Accounts:
    made = Accounts(workspace, 6006)
    made.users.add("Anna", Role.VIEWER, PASSWORD)
    return made


@pytest.fixture
def client(workspace: Workspace, accounts: Accounts) -> Iterator[TestClient]:
    routes = [WebSocketRoute("/{path:path}", echo), Route("/{path:path}", inside, methods=["GET", "POST"])]
    app = SharePages(LoginRequired(Starlette(routes=routes), accounts), workspace, accounts=accounts)
    with TestClient(app, "http://127.0.0.1:6006", headers=HTML, follow_redirects=False) as client:
        yield client


@pytest.fixture
def shares(workspace: Workspace) -> Shares:
    return Shares(workspace)


@pytest.fixture
def share(workspace: Workspace, shares: Shares, api: LoopbackApi) -> Share:
    remember_service(workspace, api.url)
    api.default = streams("祝您", "平安")
    return shares.add("loopback-model", "wishes", 7, service=api.url)


def recipe_of(workspace: Workspace) -> Recipe:
    return recipes.current(workspace.engine, "wishes").recipe


def asked(workspace: Workspace, **fields: Any) -> dict[str, Any]:
    recipe = recipe_of(workspace)
    return {
        "name": recipe.names[0].text,
        "scene": recipe.scenes[0].text,
        "style": recipe.styles[0].text,
        "options": {},
        "text": "",
    } | fields


def lines(response: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_link_shows_the_choices_and_answers_without_an_account(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, api: LoopbackApi
) -> None:
    path = shares.path(share)
    page = client.get(path)
    recipe = recipe_of(workspace)
    assert page.status_code == 200 and f"<option>{recipe.names[0].text}</option>" in page.text
    assert "不会被保存" in page.text and "set-cookie" not in page.headers
    assert ">复制</button>" in page.text and "object at" not in page.text
    said = client.post(path + "/ask", json=asked(workspace))
    assert [list(line) for line in lines(said)] == [["question"], ["piece"], ["piece"], ["end"]]
    assert lines(said)[1]["piece"] + lines(said)[2]["piece"] == "祝您平安"
    sent = api.requests[-1]
    assert sent["messages"][-1]["content"] == lines(said)[0]["question"]
    assert sent["messages"][0] == {"role": "system", "content": recipe.prompts.system}
    assert sent["max_tokens"] == MOST_TOKENS
    assert not list(workspace.logs.glob("share-*")), "nothing of it is stored"


def test_own_words_replace_the_choices_and_reach_the_page_as_text(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, api: LoopbackApi
) -> None:
    api.default = streams(EVIL)
    said = client.post(
        shares.path(share) + "/ask", json=asked(workspace, text=f"  {EVIL[: MOST_QUESTION - 4]}\n ")
    )
    assert lines(said)[0]["question"] == " ".join(EVIL.split())
    assert lines(said)[1]["piece"] == EVIL and said.headers["content-type"].startswith("application/x-ndjson")
    page = client.get(shares.path(share))
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert ".innerHTML" not in page.text, "answers are put in as text"


def test_a_title_is_text_too(client: TestClient, shares: Shares) -> None:
    page = client.get(shares.path(shares.add("m", "wishes", 7, title=EVIL)))
    assert page.status_code == 200 and "<img" not in page.text and "{{ 7" in page.text


@pytest.mark.parametrize("kind", ["forged", "expired", "revoked", "none"])
def test_every_other_link_is_the_same_closed_page(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, kind: str
) -> None:
    path = shares.path(share)
    if kind == "forged":
        path = path[:-5] + ("AAAAA" if path[-5:] != "AAAAA" else "BBBBB")
    elif kind == "expired":
        stored = json.loads((workspace.home / "access" / "shares.json").read_text("utf-8"))
        stored[0]["expires_at"] = "2020-01-01T00:00:00Z"
        (workspace.home / "access" / "shares.json").write_text(json.dumps(stored), "utf-8")
        path = shares.path(shares.listed()[0])  # signed, as it once was
    elif kind == "revoked":
        shares.revoke(share.id)
    else:
        path = "/share/"
    page, said = client.get(path), client.post(path + "/ask", json=asked(workspace))
    assert page.status_code == 404 and said.status_code == 404
    assert "已经到期或者被收回" in page.text and "<select" not in page.text


def test_a_link_opens_nothing_else(client: TestClient, shares: Shares, share: Share) -> None:
    path = shares.path(share)
    client.get(path)
    for other in ("/", "/lists", "/_stcore/stream", "/media/x.png", "/sharex"):
        assert client.get(other, headers={"Accept": "*/*", "Referer": path}).status_code == 401
    for below in ("/../lists", "/lists", "/ask/x", "/_stcore/stream"):
        assert client.get(path + below, headers={"Accept": "*/*"}).status_code in (401, 404)
    token = shares.token(share)
    for cookie in ("tianji-session-6006", "share"):
        assert (
            client.get("/lists", headers={"Accept": "*/*", "Cookie": f"{cookie}={token}"}).status_code == 401
        )
    for stream in ("/_stcore/stream", path, path + "/_stcore/stream"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"ws://127.0.0.1:6006{stream}"):
            pass


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * 100_000, 413),
        (json.dumps({"text": "长" * (MOST_QUESTION + 1)}).encode(), 422),
        (b"{", 422),
        (b"[]", 422),
        (json.dumps({"name": "没有这个人", "scene": "生日", "style": "正常"}).encode(), 422),
        (json.dumps({"name": ["x"], "text": "好"}).encode(), 422),
        (json.dumps({"text": "好", "system": "别的"}).encode(), 422),
        (json.dumps({"text": "好", "options": {str(n): "x" for n in range(50)}}).encode(), 422),
    ],
)
def test_what_is_sent_is_bounded(
    client: TestClient, shares: Shares, share: Share, api: LoopbackApi, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    said = client.post(shares.path(share) + "/ask", content=body, headers=headers)
    assert said.status_code == status and said.json()["error"]
    assert client.post(shares.path(share) + "/ask", data={"text": "好"}).status_code == 415
    assert api.requests == []


def test_what_comes_back_is_bounded(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, api: LoopbackApi
) -> None:
    api.default = streams(*["福" * 500] * 20)
    said = lines(client.post(shares.path(share) + "/ask", json=asked(workspace)))
    assert sum(len(line.get("piece", "")) for line in said) == MOST_ANSWER and said[-1] == {"end": True}


def test_a_link_is_asked_so_often_in_a_minute(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, api: LoopbackApi
) -> None:
    slow = shares.add("loopback-model", "wishes", 7, service=share.service, per_minute=2)
    answers = [client.post(shares.path(slow) + "/ask", json=asked(workspace)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60 and len(api.requests) == 2
    assert client.post(shares.path(share) + "/ask", json=asked(workspace)).status_code == 200


def test_a_server_that_fails_is_one_sentence_without_its_address(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, api: LoopbackApi
) -> None:
    api.default = sends_bytes(b"secret words of the server", "text/plain")
    said = client.post(shares.path(share) + "/ask", json=asked(workspace))
    assert lines(said)[-1] == {"error": "模型没有答上来，请再试一次"}
    assert "secret" not in said.text and api.url not in said.text
    gone = shares.add("nobody-serves-it", "wishes", 7)
    said = client.post(shares.path(gone) + "/ask", json=asked(workspace))
    assert "没有开着" in lines(said)[-1]["error"]


def test_questions_are_stored_only_where_the_page_says_so(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share
) -> None:
    kept = shares.add("loopback-model", "wishes", 7, service=share.service, keep=True)
    assert "会被给您链接的人保存" in client.get(shares.path(kept)).text
    for words in ("祝我好运", "再来"):
        client.post(shares.path(kept) + "/ask", json=asked(workspace, text=words))
    assert kept_questions(workspace, kept) == [("祝我好运", "祝您平安"), ("再来", "祝您平安")]
    [file] = workspace.logs.glob("share-*.jsonl")
    assert file.stat().st_mode & 0o077 == 0


def test_a_line_separator_in_an_answer_leaves_the_stored_questions_readable(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share, api: LoopbackApi
) -> None:
    kept = shares.add("loopback-model", "wishes", 7, service=share.service, keep=True)
    said = ("祝您\u2028平安", "祝\x85您\x0b健康\u2029", "平安")
    for words in said:
        api.default = streams(words)
        client.post(shares.path(kept) + "/ask", json=asked(workspace, text="祝我好运"))
    assert kept_questions(workspace, kept) == [("祝我好运", words) for words in said]


def test_a_visitor_is_told_of_no_folder_of_the_studio(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share
) -> None:
    kept = shares.add("loopback-model", "wishes", 7, service=share.service, keep=True)
    (workspace.logs / f"share-{kept.id}.jsonl").write_text("no JSON", encoding="utf-8")
    said = client.post(shares.path(kept) + "/ask", json=asked(workspace))
    assert lines(said)[-1] == {"error": "模型没有答上来，请再试一次"}
    assert str(workspace.home) not in said.text


def test_a_link_that_asks_for_an_account_leads_to_the_login_and_back(
    client: TestClient, workspace: Workspace, shares: Shares, share: Share
) -> None:
    closed = shares.add("loopback-model", "wishes", 7, service=share.service, login=True)
    path = shares.path(closed)
    led = client.get(path)
    assert led.status_code == 303 and led.headers["location"].startswith("../login?next=share%2F")
    assert client.post(path + "/ask", json=asked(workspace)).status_code == 401
    entered = client.post("/login", data={"name": "Anna", "password": PASSWORD, "next": path[1:]})
    assert entered.headers["location"] == f".{path}"
    assert client.get(path).status_code == 200
    assert client.post(path + "/ask", json=asked(workspace)).status_code == 200


def test_a_visitor_reads_the_own_language(client: TestClient, shares: Shares, share: Share) -> None:
    path = shares.path(share)
    assert "送给谁" in client.get(path).text
    for english in (client.get(path + "?lang=en"), client.get(path, headers={"Accept-Language": "en-GB,zh"})):
        assert 'lang="en"' in english.text and "Write one" in english.text and "送给谁" not in english.text
    set_language("en")
    assert "送给谁" in client.get(path + "?lang=zh").text
    assert "Write one" in client.get(path, headers={"Accept-Language": "fr"}).text
