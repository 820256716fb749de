"""The studio's server process: what it answers, whom it refuses, and how it ends."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from pages.launch import GRACE_S
from tests.processes import free_port
from tianji_core.access.users import Users
from tianji_core.roles import Role
from tianji_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
STUDIO = [sys.executable, "-m", "pages.launch"]
STREAMLIT = [sys.executable, "-m", "streamlit", "run"]

Serve = Callable[..., tuple[subprocess.Popen[bytes], str]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server on a free port; returns its process and address."""
    monkeypatch.setenv("TIANJI_HOME", str(tmp_path / "workspace"))
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        options = ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
        started.append(subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL))
        address = f"127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://{address}/_stcore/health", timeout=2).close()
                return started[-1], address
            except OSError:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.1)

    yield start
    for process in started:
        process.kill()
        process.wait()


def first_messages(address: str, page: str) -> list[ForwardMsg]:
    """What a first visit to ``page`` brings, up to the end of the script."""
    asked = BackMsg()
    asked.rerun_script.page_name = page
    messages: list[ForwardMsg] = []
    with connect(
        f"ws://{address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None
    ) as stream:
        stream.send(asked.SerializeToString())
        while not messages or messages[-1].WhichOneof("type") != "script_finished":
            messages.append(ForwardMsg.FromString(bytes(stream.recv(timeout=60))))
    return messages


def kinds(messages: list[ForwardMsg]) -> set[str]:
    return {str(message.WhichOneof("type")) for message in messages}


def test_the_studio_prints_its_address_once_it_answers_there(tmp_path: Path) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "tianji_core",
        "studio",
        "--port",
        str(port),
        "--workspace",
        str(tmp_path),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://[\w.:]+", process.stdout.readline())
            assert address is not None
            assert httpx.get(address[0] + "/_stcore/health", timeout=30).text == "ok"
        finally:
            process.kill()


def test_a_fresh_studio_finds_the_page_of_its_first_request(serve: Serve) -> None:
    _process, address = serve(*STUDIO)
    assert "page_not_found" not in kinds(first_messages(address, "lists"))


def test_streamlit_alone_does_not_find_it(serve: Serve, tmp_path: Path) -> None:
    """Where this fails, Streamlit has mended the fault: remove ``uses_pages_directory`` from the launcher."""
    (tmp_path / "pages").mkdir()
    for name in ("first", "second"):
        (tmp_path / "pages" / f"{name}.py").write_text(f"import streamlit as st\nst.write({name!r})\n")
    (tmp_path / "app.py").write_text(
        "import streamlit as st\n"
        "first = st.Page('pages/first.py', default=True)\n"
        "st.navigation([first, st.Page('pages/second.py', url_path='other')]).run()\n"
    )
    _process, address = serve(*STREAMLIT, str(tmp_path / "app.py"))
    assert "page_not_found" in kinds(first_messages(address, "other"))


def test_a_browser_that_stopped_reading_does_not_keep_the_server_up(serve: Serve) -> None:
    process, address = serve(*STUDIO)
    page = urllib.request.urlopen(f"http://{address}/").read().decode("utf-8")
    script = re.findall(r'src="\.?([^"]+\.js)"', page)[0]
    host, port = address.split(":")
    with socket.socket() as asleep:
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asleep.connect((host, int(port)))
        asleep.sendall(f"GET {script} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode() * 20)
        assert asleep.recv(15) == b"HTTP/1.1 200 OK"
        time.sleep(2)  # until the data that nobody reads fills the buffers on the way
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=12 * GRACE_S) == 0


FOREIGN = {
    "a foreign name that points here": {"Host": "evil.test:{port}"},
    "a foreign name without a port": {"Host": "evil.test"},
    "the right name with another port": {"Host": "localhost:1"},
    "another site's page": {"Origin": "http://evil.test"},
    "a foreign name's page under that name": {
        "Host": "evil.test:{port}",
        "Origin": "http://evil.test:{port}",
    },
    "another server of this machine": {"Origin": "http://localhost:1"},
    "a page without an origin": {"Origin": "null"},
    "another site's picture or script": {"Sec-Fetch-Site": "cross-site"},
    "another machine, through a proxy that nobody named": {"X-Forwarded-For": "192.0.2.9"},
    "another machine, through a proxy of another kind": {"Forwarded": "for=192.0.2.9"},
}
PATHS = ["", "lists", "_stcore/health", "_stcore/host-config", "static/none.js", "media/none.png"]


def test_only_requests_for_its_own_names_from_its_own_pages_are_answered(serve: Serve) -> None:
    _process, address = serve(*STUDIO)
    port = address.split(":")[1]
    for kind, headers in FOREIGN.items():
        sent = {name: value.format(port=port) for name, value in headers.items()}
        for path in PATHS:
            request = urllib.request.Request(f"http://{address}/{path}", headers=sent)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=60)
            assert refused.value.code == 403, f"{kind}: /{path}"
        with pytest.raises(InvalidStatus) as closed, open_stream(address, sent):
            pass
        assert closed.value.response.status_code == 403, f"{kind}: WebSocket"
    for host in ("127.0.0.1", "localhost"):
        own = {"Host": f"{host}:{port}", "Origin": f"http://{host}:{port}", "Sec-Fetch-Site": "same-origin"}
        with open_stream(address, own):
            pass


def open_stream(address: str, headers: dict[str, str]):
    """A WebSocket to the studio whose Host header is the one in ``headers``, where there is one."""
    host = headers.get("Host", address)
    name, port = (host if ":" in host else f"{host}:80").split(":")
    stream = socket.create_connection(tuple(address.split(":")))
    rest = {name: value for name, value in headers.items() if name != "Host"}
    return connect(
        f"ws://{name}:{port}/_stcore/stream",
        sock=stream,
        additional_headers=rest,
        subprotocols=[Subprotocol("streamlit")],
    )


def test_a_link_from_another_site_opens_the_studio(serve: Serve) -> None:
    _process, address = serve(*STUDIO)
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    request = urllib.request.Request(f"http://{address}/lists", headers=followed)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
    framed = urllib.request.Request(
        f"http://{address}/lists", headers={**followed, "Sec-Fetch-Dest": "iframe"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(framed, timeout=60)
    assert refused.value.code == 403


def test_a_name_of_the_setting_is_answered(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    """A proxy passes on the name that the browser used, or its own with the browser's Origin."""
    Users(workspace).add("Anna", Role.OWNER, "correct horse battery")
    monkeypatch.setenv("TIANJI_ALLOWED_HOSTS", "studio.example.com, localhost:8022")
    _process, address = serve(*STUDIO)
    kept = {"Host": "studio.example.com", "Origin": "https://studio.example.com"}
    replaced = {"Host": address, "Origin": "https://studio.example.com"}
    tunnel = {"Host": "localhost:8022", "Origin": "http://localhost:8022"}
    form = {"name": "Anna", "password": "correct horse battery"}
    entered = httpx.post(f"http://{address}/login", data=form, headers=kept, timeout=60)
    cookie = entered.headers["set-cookie"].split(";")[0]
    for headers in (kept, replaced, tunnel):
        with open_stream(address, {**headers, "Cookie": cookie}):
            pass


def test_the_studio_is_not_drawn_by_a_server_that_checks_nothing(serve: Serve) -> None:
    _process, address = serve(*STREAMLIT, str(ROOT / "app.py"))
    messages = first_messages(address, "settings")
    drawn = [
        message.delta.new_element.WhichOneof("type") for message in messages if message.HasField("delta")
    ]
    assert drawn == ["alert"] and "tianji studio" in str(messages)
