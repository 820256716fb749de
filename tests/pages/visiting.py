"""Visiting a studio that is served, as a browser does: logging in over HTTP, pages over the WebSocket."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
HEALTH = "_stcore/health"


@dataclass(frozen=True)
class Served:
    """A studio process: its port and what it has printed."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"


@contextmanager
def served(home: Path, *options: str, base: str = "", port: int = 0, **environment: str) -> Iterator[Served]:
    """Runs ``tianji studio`` with the workspace ``home``, on a free port where none is given; the log lies
    beside it."""
    port, log = port or free_port(), home.parent / "studio.log"
    command = [sys.executable, "-m", "tianji_core", "studio", "--port", str(port), "--workspace", str(home)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, stdout=output, stderr=output, env={**os.environ, **environment}
        )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{base}/{HEALTH}", timeout=2).close()
                break
            except OSError:
                text = log.read_text(encoding="utf-8")
                assert process.poll() is None and time.monotonic() < deadline, text
                time.sleep(0.1)
        yield Served(port, process, log)
    finally:
        process.terminate()
        process.wait(60)


def logged_in(studio: Served, name: str, password: str) -> str:
    """Logs in; returns the Cookie header."""
    answer = httpx.post(f"{studio.url}/login", data={"name": name, "password": password}, timeout=60)
    assert answer.status_code == 303, answer.text
    return "; ".join(f"{key}={value}" for key, value in answer.cookies.items())


@dataclass
class Visit:
    """An open page: what it has drawn so far, and the state of its widgets."""

    stream: ClientConnection
    drawn: list[Any] = field(default_factory=list)
    messages: list[ForwardMsg] = field(default_factory=list)
    everything: list[ForwardMsg] = field(default_factory=list)
    """The messages since the stream was opened; ``messages`` are those of the page as it is now."""

    def open(self, page: str, query: str = "") -> "Visit":
        """Asks for a page, as a link does, and waits until it is drawn."""
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        return self._run(asked)

    def press(self, page: str, widget: str, query: str = "") -> "Visit":
        """Sends the press of a button with this id, whether it was drawn or not."""
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = query
        state = asked.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = widget, True
        return self._run(asked)

    def _run(self, asked: BackMsg) -> "Visit":
        self.drawn, self.messages = [], []
        self.stream.send(asked.SerializeToString())
        while not (self.messages and _ended(self.messages[-1])):
            message = ForwardMsg.FromString(bytes(self.stream.recv(timeout=120)))
            self.messages.append(message)
            self.everything.append(message)
            if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
                self.drawn.append(message.delta.new_element)
        return self

    def alerts(self) -> list[str]:
        """The error messages on the page."""
        return [element.alert.body for element in self.drawn if element.WhichOneof("type") == "alert"]

    def exceptions(self) -> list[str]:
        return [one.exception.message for one in self.drawn if one.WhichOneof("type") == "exception"]

    def buttons(self) -> dict[str, str]:
        """The ids of the buttons by the key that the page gave them."""
        ids = [one.button.id for one in self.drawn if one.WhichOneof("type") == "button"]
        return {button.rpartition("-")[2]: button for button in ids}

    def headings(self) -> list[str]:
        return [one.heading.body for one in self.drawn if one.WhichOneof("type") == "heading"]

    def navigation(self) -> list[str]:
        """The paths of the pages in the sidebar."""
        latest = [one.navigation for one in self.messages if one.WhichOneof("type") == "navigation"][-1]
        return [page.url_pathname for page in latest.app_pages if not page.is_hidden]


def _ended(message: ForwardMsg) -> bool:
    """Whether the page is drawn and is not drawn again at once."""
    ended = message.WhichOneof("type") == "script_finished"
    return ended and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


@contextmanager
def visiting(studio: Served, cookie: str = "", base: str = "") -> Iterator[Visit]:
    """Opens the WebSocket of a page."""
    headers = {"Origin": studio.url} | ({"Cookie": cookie} if cookie else {})
    with connect(
        f"ws://{studio.address}{base}/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        additional_headers=headers,
        max_size=None,
    ) as stream:
        yield Visit(stream)
