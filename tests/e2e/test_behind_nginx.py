"""The studio behind nginx as ``docs/nginx.conf`` sets it up, and behind a proxy that cuts off its path, as
Jupyter's ``/proxy/6006/`` does: pages, WebSocket and the upload of a file, in real Chromium."""

import datetime
import json
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Page, Playwright, expect

from tests.e2e.driving import WATCH, press, settle, until
from tests.nginx import NGINX, needs_nginx, nginx
from tests.pages.visiting import ROOT, Served, served
from tests.processes import free_ports, listens
from tianji_core.access.sessions import Sessions
from tianji_core.access.users import Users
from tianji_core.roles import Role
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace, open_workspace

NAME, PASSWORD = "小王", "春风十里不如你呀"
HOST = "studio.example.com"
CONFIG = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
PADDING = 4_000_000
"""Bytes that make the upload larger than what nginx takes where nobody says otherwise."""

if NGINX is None:
    warnings.warn("nginx is not installed: the tests of the studio behind it are SKIPPED", stacklevel=1)
pytestmark = needs_nginx


def certificate(folder: Path) -> tuple[Path, Path]:
    """Writes a certificate for the name of the studio, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    shown, secret = folder / "studio.pem", folder / "studio.key"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return shown, secret


@contextmanager
def proxied(folder: Path, server: str, port: int) -> Iterator[None]:
    """Runs nginx with this server block until the end of the block; ``port`` is where it listens."""
    folder.mkdir()
    shown, secret = certificate(folder)
    server = server.replace("/etc/ssl/studio.pem", str(shown)).replace("/etc/ssl/studio.key", str(secret))
    with nginx(folder, server) as process:

        def ready() -> bool:
            assert process.poll() is None, "nginx did not start"
            return listens(port)

        until(ready, 30)
        yield


def on_ports(text: str, port: int, studio: int) -> str:
    """The server block with the ports of a test."""
    return text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("6006", str(studio))


def cutting(text: str) -> str:
    """The server block of a proxy that passes ``/proxy/6006/x`` on as ``/x`` and says nothing about it."""
    text = re.sub(r"\n *location /studio/share/ \{.*?\}", "", text, flags=re.S)
    text = text.replace("location /studio/", "location /user/me/proxy/6006/")
    text = re.sub(r"proxy_pass (http://127\.0\.0\.1:\d+);", r"proxy_pass \1/;", text)
    return re.sub(r".*X-Forwarded-.*\n", "", text)


@pytest.fixture
def page(playwright: Playwright) -> Iterator[Page]:
    """A page of a browser for which the name of the studio means this machine."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=["--no-sandbox", "--disable-dev-shm-usage", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"],
    )
    context = browser.new_context(ignore_https_errors=True, locale="zh-CN")
    context.add_init_script(WATCH)
    yield context.new_page()
    browser.close()


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = open_workspace(tmp_path / "workspace")
    Users(made).add(NAME, Role.OWNER, PASSWORD)
    return made


def logs_in_and_uploads(page: Page, address: str, space: Workspace, file: Path) -> None:
    """A visit from the first page to a file in the database."""
    turn = {"system": "", "input": "祝赵老师生日快乐", "output": "赵老师，祝您生日快乐，身体健康，万事如意！"}
    pairs = [{"conversation": [turn]}]
    file.write_text(json.dumps(pairs, ensure_ascii=False) + " " * PADDING, encoding="utf-8")
    page.goto(f"{address}/dataset?part=x")
    page.get_by_label("名字").fill(NAME)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    settle(page)
    assert page.url.startswith(f"{address}/dataset")
    page.get_by_text("导入", exact=True).first.click()
    settle(page)
    page.locator(".st-key-import_files input[type=file]").set_input_files(file)
    expect(page.get_by_text("可以导入 1 条")).to_be_visible(timeout=60_000)  # the preview
    press(page, "import")
    until(lambda: samples.count(space.engine, SampleFilter("wishes")) == 1, 120)


def test_below_a_path_of_nginx_with_tls(page: Page, space: Workspace, tmp_path: Path) -> None:
    port, inner = free_ports(2)
    options = ["--base-path", "/studio", "--allow-host", f"{HOST}:{port}", "--trusted-proxy", "127.0.0.1"]
    with (
        served(space.home, *options, base="/studio", port=inner),
        proxied(tmp_path / "nginx", on_ports(CONFIG, port, inner), port),
    ):
        logs_in_and_uploads(page, f"https://{HOST}:{port}/studio", space, tmp_path / "mine.json")
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
        session = cookies[f"tianji-session-{inner}"]
        assert session["secure"] and session["httpOnly"] and session["path"] == "/studio"


def test_behind_a_proxy_that_cuts_off_its_path(page: Page, space: Workspace, tmp_path: Path) -> None:
    port, inner = free_ports(2)
    with (
        served(space.home, "--allow-host", f"{HOST}:{port}", port=inner),
        proxied(tmp_path / "nginx", on_ports(cutting(CONFIG), port, inner), port),
    ):
        address = f"https://{HOST}:{port}/user/me/proxy/{inner}"
        logs_in_and_uploads(page, address, space, tmp_path / "mine.json")


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Served]]:
    made = open_workspace(tmp_path_factory.mktemp("trusting") / "workspace")
    Users(made).add(NAME, Role.OWNER, PASSWORD)
    with served(made.home, "--host", "0.0.0.0", "--trusted-proxy", "127.0.0.3") as studio:
        yield made, studio


@pytest.mark.parametrize(("sender", "known_as"), [("127.0.0.3", "192.0.2.9"), ("127.0.0.1", "127.0.0.1")])
def test_only_a_proxy_that_is_named_says_who_asks(
    trusting: tuple[Workspace, Served], sender: str, known_as: str
) -> None:
    space, studio = trusting
    transport = httpx.HTTPTransport(local_address=sender)
    told = {"X-Forwarded-For": "198.51.100.1, 192.0.2.9", "X-Forwarded-Proto": "https"}
    with httpx.Client(transport=transport, headers=told, timeout=60) as client:
        answer = client.post(f"{studio.url}/login", data={"name": NAME, "password": PASSWORD})
    assert answer.status_code == 303
    assert Sessions(space).listed()[0].address == known_as
    assert ("secure" in answer.headers["set-cookie"].lower()) == (sender == "127.0.0.3")
