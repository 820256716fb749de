"""A proxy that the environment names is used, SOCKS too, or one sentence says what is wrong with it."""

import contextlib
import socket
import threading

import pytest

from tests.teachers.asking import ask
from tianji_core.errors import SettingsError
from tianji_core.gate import bounded_client
from tianji_core.teachers import TeacherChoice


class SocksProxy:
    """A SOCKS5 proxy (RFC 1928) on loopback without authentication; every connection goes to ``target``, and
    ``asked`` are the hosts that clients named."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            _version, methods = client.recv(2)
            client.recv(methods)
            client.sendall(b"\x05\x00")
            _version, _command, _reserved, kind = client.recv(4)
            assert kind == 3  # a host name, so that it is the proxy that resolves it
            self.asked.append(client.recv(client.recv(1)[0]).decode())
            client.recv(2)
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                client.sendall(b"\x05\x00\x00\x01" + bytes(6))
                threading.Thread(target=_copy, args=(server, client), daemon=True).start()
                _copy(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("CUSTOM_API_KEY", "sk-abcdef0123456789secret")


def choice(url: str) -> TeacherChoice:
    return TeacherChoice(provider="custom", model="loopback-model", base_url=url, timeout=5)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_teacher_is_asked_through_a_socks_proxy(workspace, api, monkeypatch, scheme):
    with contextlib.closing(SocksProxy(int(api.url.split(":")[2].split("/")[0]))) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy.port}")
        answer = await ask(workspace, choice("http://teacher.invalid/v1"))
        assert answer.text and proxy.asked == ["teacher.invalid"]


async def test_a_server_on_this_machine_is_asked_without_the_proxy(workspace, api, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    assert (await ask(workspace, choice(api.url))).text


@pytest.mark.parametrize(
    "value", ["socks://name:secret@127.0.0.1:7891/", "socks4://127.0.0.1:1", "http://:x"]
)
async def test_a_proxy_that_no_client_can_use_is_named_without_its_password(workspace, monkeypatch, value):
    monkeypatch.setenv("ALL_PROXY", value)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(SettingsError, match=r"ALL_PROXY .*socks5://") as caught:
        await ask(workspace, choice("http://teacher.invalid/v1"))
    assert "secret" not in str(caught.value) and "HTTP_PROXY" not in str(caught.value)


def test_other_faults_of_a_client_stay_what_they_are(monkeypatch):
    import httpx

    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:1")
    with pytest.raises(TypeError):
        bounded_client(httpx)(trust_env=False, nonsense=1)
