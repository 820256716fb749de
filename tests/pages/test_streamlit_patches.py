"""What the studio changes in Streamlit: each fault is still there without the patch, and gone with it.

Where a test of an unpatched server fails, Streamlit has mended the fault: remove that patch.
"""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from pages.streamlit_patches import GRACE

ROOT = Path(__file__).resolve().parents[2]
RUN = "import sys; from streamlit.web import cli; sys.exit(cli.main())"
PATCHES = {"patched": "from pages.streamlit_patches import apply_patches; apply_patches(); ", "as it is": ""}

Serve = Callable[[str], tuple[subprocess.Popen[bytes], str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a small app of two pages, patched or not; returns its process and address."""
    (tmp_path / "pages").mkdir()
    for name in ("first", "second"):
        (tmp_path / "pages" / f"{name}.py").write_text(f"import streamlit as st\nst.write({name!r})\n")
    (tmp_path / "app.py").write_text(
        "import streamlit as st\n"
        "first = st.Page('pages/first.py', default=True)\n"
        "st.navigation([first, st.Page('pages/second.py', url_path='other')]).run()\n"
    )
    started: list[subprocess.Popen[bytes]] = []

    def start(kind: str) -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        options = ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
        command = [sys.executable, "-c", PATCHES[kind] + RUN, "run", str(tmp_path / "app.py"), *options]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))
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


@pytest.mark.parametrize(("kind", "not_found"), [("patched", False), ("as it is", True)])
def test_a_fresh_server_finds_the_page_of_its_first_request(serve: Serve, kind: str, not_found: bool) -> None:
    _process, address = serve(kind)
    asked = BackMsg()
    kinds: list[str] = []
    asked.rerun_script.page_name = "other"
    with connect(
        f"ws://{address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None
    ) as socket:
        socket.send(asked.SerializeToString())
        while not kinds or kinds[-1] != "script_finished":
            message = ForwardMsg.FromString(bytes(socket.recv(timeout=60)))
            kinds.append(str(message.WhichOneof("type")))
    assert ("page_not_found" in kinds) == not_found


@pytest.mark.parametrize(("kind", "ends"), [("patched", True), ("as it is", False)])
def test_a_browser_that_stopped_reading_does_not_keep_the_server_up(
    serve: Serve, kind: str, ends: bool
) -> None:
    process, address = serve(kind)
    page = urllib.request.urlopen(f"http://{address}/").read().decode("utf-8")
    script = re.findall(r'src="\.?([^"]+\.js)"', page)[0]
    host, port = address.split(":")
    with socket.socket() as asleep:
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asleep.connect((host, int(port)))
        asleep.sendall(f"GET {script} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() * 20)
        assert asleep.recv(15) == b"HTTP/1.1 200 OK"
        time.sleep(2)  # until the data that nobody reads fills the buffers on the way
        process.send_signal(signal.SIGTERM)
        if ends:
            process.wait(timeout=60)
            return
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2 * GRACE)
