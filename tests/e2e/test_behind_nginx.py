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

from tests.e2e.driving import FAULT, WATCH, choose, end_jobs, first_name_typed, press, settle, until
from tests.nginx import NGINX, needs_nginx, nginx
from tests.pages.visiting import ROOT, Served, served
from tests.processes import free_ports, listens
from tianji_core import jobs, models
from tianji_core.access.sessions import Sessions
from tianji_core.access.users import Users
from tianji_core.roles import Role
from tianji_core.store import datasets, recipes, samples, training
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
def space(tmp_path: Path) -> Iterator[Workspace]:
    made = open_workspace(tmp_path / "workspace")
    Users(made).add(NAME, Role.OWNER, PASSWORD)
    yield made
    end_jobs(made)  # the chat has loaded a model


def without_upgrade(text: str) -> str:
    """The server block of a proxy whose author knew nothing of WebSockets."""
    return re.sub(r".*(proxy_set_header (Upgrade|Connection)|proxy_http_version).*\n", "", text)


def logs_in(page: Page, address: str) -> None:
    """Opens the page of datasets as somebody who was not there before."""
    page.goto(f"{address}/dataset?part=x")
    page.get_by_label("名字").fill(NAME)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def logs_in_and_uploads(page: Page, address: str, space: Workspace, file: Path) -> None:
    """A visit from the first page to a file in the database."""
    turn = {"system": "", "input": "祝赵老师生日快乐", "output": "赵老师，祝您生日快乐，身体健康，万事如意！"}
    pairs = [{"conversation": [turn]}]
    file.write_text(json.dumps(pairs, ensure_ascii=False) + " " * PADDING, encoding="utf-8")
    logs_in(page, address)
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
        walks_the_corridor(page, f"https://{HOST}:{port}/studio", space)


def walks_the_corridor(page: Page, address: str, space: Workspace) -> None:
    """From an edited name over samples, a dataset and a training to a chat and a comparison."""

    def visit(path: str) -> None:
        page.goto(f"{address}/{path}")
        settle(page)

    visit("lists")
    until(lambda: first_name_typed(page, "钱老师"), 180)
    press(page, "save_names")
    until(lambda: recipes.current(space.engine, "wishes").revision == 1, 60)

    visit("generate")
    limit = page.locator(".st-key-limit input")
    limit.fill("40")
    limit.press("Enter")
    settle(page)
    press(page, "start_run")
    wanted = SampleFilter("wishes")
    until(lambda: samples.count(space.engine, wanted) == 41, 120)
    until(lambda: not jobs.listed(space, kind="generate", active=True), 120)

    visit("review")
    press(page, "accept")
    until(lambda: samples.state_counts(space.engine, wanted).get("accepted") == 1, 60)
    page.locator(".st-key-view").get_by_text("批量").click()
    settle(page)
    press(page, "accept_clean")
    until(lambda: samples.state_counts(space.engine, wanted).get("accepted", 0) > 20, 120)

    visit("dataset")
    page.locator(".st-key-version_name input").fill("v1")
    page.locator(".st-key-version_name input").press("Tab")
    settle(page)
    press(page, "freeze")
    until(lambda: datasets.find(space.engine, "v1") is not None, 120)

    visit("")
    press(page, "next_step")
    press(page, "train_start")
    until(lambda: training.listed(space.engine), 120)
    job = training.listed(space.engine)[0].job_id
    assert job is not None
    ended = jobs.wait(space, job, timeout=420)
    assert ended.state == "succeeded", ended.note

    press(page, "train_open")  # convert, merge, load; the chat opens by itself
    page.wait_for_url(f"{address}/chat?model=*", timeout=300_000)
    assert "merged" in {made.kind for made in models.artefacts(space)}
    expect(page.locator(".st-key-chat_send button")).to_be_enabled(timeout=180_000)
    settle(page)
    press(page, "chat_send")
    expect(page.locator(".st-key-keep_0 button")).to_be_enabled(timeout=120_000)

    visit("compare")
    choose(page, "compare_models", "合并模型")
    press(page, "compare_start")
    expect(page.locator(FAULT)).to_have_count(0)
    expect(page.locator("[class*='st-key-vote_']").first).to_be_visible(timeout=120_000)


def test_a_proxy_without_websocket_is_named_in_one_sentence(
    page: Page, space: Workspace, tmp_path: Path
) -> None:
    port, inner = free_ports(2)
    options = ["--base-path", "/studio", "--allow-host", f"{HOST}:{port}", "--trusted-proxy", "127.0.0.1"]
    with (
        served(space.home, *options, base="/studio", port=inner),
        proxied(tmp_path / "nginx", on_ports(without_upgrade(CONFIG), port, inner), port),
    ):
        logs_in(page, f"https://{HOST}:{port}/studio")
        expect(page.get_by_text("前面的代理没有放行 WebSocket")).to_be_visible(timeout=60_000)


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
