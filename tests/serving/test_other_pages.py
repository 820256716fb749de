"""A page of another address, such as Open WebUI with a direct connection, asks the server from a browser once
its address is among the allowed hosts; any other page cannot."""

import os
from collections.abc import Iterator
from unittest import mock

import httpx
import pytest

from tests.serving.conftest import Folders, Server, run_server

PAGE, STRANGER = "http://localhost:3000", "http://localhost:3001"
ASKS = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture(scope="module")
def reachable(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is started with a page among the allowed hosts."""
    with mock.patch.dict(os.environ, {"TIANJI_ALLOWED_HOSTS": "localhost:3000"}):
        yield from run_server(["--model", f"base={folders.base}"], tmp_path_factory.mktemp("pages") / "log")


def test_an_allowed_page_may_list_ask_and_read_the_answers(reachable: Server) -> None:
    with httpx.Client(base_url=reachable.url, headers={"Origin": PAGE}, timeout=60) as http:
        for address in ("/models", "/chat/completions"):
            asked = http.options(address, headers=ASKS)
            assert asked.status_code == 200
            assert asked.headers["access-control-allow-origin"] == PAGE
            assert "authorization" in asked.headers["access-control-allow-headers"]
        listed = http.get("/models")
        assert listed.headers["access-control-allow-origin"] == PAGE
        body = {"model": "base", "messages": [{"role": "user", "content": "祝"}], "max_tokens": 2}
        for stream in (False, True):
            answer = http.post("/chat/completions", json={**body, "stream": stream})
            assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == PAGE
        refused = http.post("/chat/completions", json={**body, "model": "nobody"})
        assert refused.status_code == 404 and refused.headers["access-control-allow-origin"] == PAGE


def test_any_other_page_is_refused_and_told_how_to_be_allowed(reachable: Server) -> None:
    with httpx.Client(base_url=reachable.url, headers={"Origin": STRANGER}, timeout=60) as http:
        for answer in (http.options("/models", headers=ASKS), http.get("/models")):
            assert answer.status_code == 400 and "access-control-allow-origin" not in answer.headers
            assert "TIANJI_ALLOWED_HOSTS=localhost:3001" in answer.json()["error"]["message"]
