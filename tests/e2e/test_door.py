"""Who gets in, in real Chromium: a page under a foreign name, a stranger, and people with an account."""

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.e2e.driving import WATCH, Studio, settle, visit
from tests.identity_provider import identity_provider
from tests.pages.test_single_sign_on import configured
from tests.pages.visiting import Served, served
from tests.processes import free_port
from tianji_core.access.users import Users
from tianji_core.roles import Role
from tianji_core.workspace import open_workspace

PASSWORD = "春风十里不如你呀"
ATTACK = """<!doctype html><title>cats</title><script>
async function tried(url, how) {
  try { return await how(url); } catch (error) { return 'refused'; }
}
const read = async url => (await (await fetch(url)).text()).length ? 'read' : 'empty';
const open = url => new Promise((done, refused) => {
  const stream = new WebSocket(url, ['streamlit']);
  stream.onopen = () => done('open');
  stream.onerror = () => refused();
});
const picture = url => new Promise((done, refused) => {
  const image = new Image(); image.onload = () => done('shown'); image.onerror = () => refused(); image.src =
  url;
});
async function all(port) {
  const seen = {};
  for (const host of ['evil.test', '127.0.0.1', 'localhost']) {
    seen[host] = [
      await tried(`http://${host}:${port}/`, read),
      await tried(`http://${host}:${port}/_stcore/host-config`, read),
      await tried(`ws://${host}:${port}/_stcore/stream`, open),
      await tried(`http://${host}:${port}/favicon.png`, picture),
    ];
  }
  return seen;
}
</script>"""


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(ATTACK.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def evil(playwright: Playwright) -> Iterator[tuple[Browser, str]]:
    """A browser for which evil.test has come to mean this machine, and the address of a page there."""
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP evil.test 127.0.0.1"],
    )
    yield browser, f"http://evil.test:{site.server_address[1]}/"
    browser.close()
    site.shutdown()


def test_a_page_under_a_foreign_name_cannot_open_the_studio(
    evil: tuple[Browser, str], shared: Studio
) -> None:
    browser, address = evil
    page = browser.new_page()
    page.goto(address)
    seen = page.evaluate("port => all(port)", shared.port)
    assert seen["127.0.0.1"] == seen["localhost"] == ["refused"] * 4
    # Answers of another port cannot be read anyway; the attack is a page at the studio's own port.
    page.goto(f"http://evil.test:{shared.port}/")
    assert "不用 evil.test" in page.content() and page.locator("script").count() == 0
    opened = page.evaluate(
        """port => new Promise(done => {
            const stream = new WebSocket(`ws://evil.test:${port}/_stcore/stream`, ['streamlit']);
            stream.onopen = () => done('open'); stream.onerror = () => done('refused');
        })""",
        shared.port,
    )
    assert opened == "refused"
    page.goto(shared.url)  # the same browser under the studio's own name
    settle(page)
    expect(page.get_by_role("heading", name="天机工坊")).to_be_visible()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    """A studio on every address of the machine, with a user of each role."""
    users = Users(open_workspace(tmp_path / "workspace"))
    for name, role in (("小王", Role.OWNER), ("小审", Role.REVIEWER), ("小看", Role.VIEWER)):
        users.add(name, role, PASSWORD)
    with served(tmp_path / "workspace", "--host", "0.0.0.0") as studio:
        yield studio


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("名字").fill(name)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()


def test_a_stranger_sees_the_login_and_comes_back_to_the_page_asked_for(page: Page, guarded: Served) -> None:
    for path in ("", "settings", "review?state=全部", "media/x.png", "static/x.js"):
        page.goto(f"{guarded.url}/{path}")
        expect(page.get_by_label("密码")).to_be_visible()
        assert page.locator("script").count() == 0
    page.goto(f"{guarded.url}/review?state=全部")
    log_in(page, "小审", "falsch")
    expect(page.get_by_role("alert")).to_contain_text("名字或密码不对")
    log_in(page, "小审")
    settle(page)
    expect(page.get_by_role("heading", name="审核")).to_be_visible()
    assert "state=" in page.url
    page.reload()
    settle(page)
    expect(page.get_by_role("heading", name="审核")).to_be_visible()


def test_a_viewer_looks_and_logs_out(page: Page, guarded: Served) -> None:
    page.goto(guarded.url)
    log_in(page, "小看")
    settle(page)
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    assert [link.inner_text().split("\n")[-1] for link in links.all()] == [
        "总览",
        "适配度",
        "审核",
        "对比",
        "账号",
    ]
    page.goto(f"{guarded.url}/settings")
    settle(page)
    expect(page.get_by_text("“设置”这一页只给所有者")).to_be_visible()
    page.goto(f"{guarded.url}/account")
    settle(page)
    page.get_by_role("link", name="退出登录").click()
    expect(page.get_by_text("现在以“小看”的身份登录")).to_be_visible()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("密码")).to_be_visible()
    page.goto(f"{guarded.url}/review")
    expect(page.get_by_label("密码")).to_be_visible()


def test_a_login_that_is_ended_by_the_owner_is_out_at_once(
    browser: Browser, page: Page, guarded: Served
) -> None:
    page.goto(f"{guarded.url}/review")
    log_in(page, "小审")
    settle(page)
    other = browser.new_context(locale="zh-CN")
    other.add_init_script(WATCH)
    owner = other.new_page()
    owner.goto(f"{guarded.url}/settings")
    log_in(owner, "小王")
    settle(owner)
    owner.locator(".st-key-settings_people summary").click()
    owner.locator("[class*=st-key-end_] button").first.click()
    settle(owner)
    expect(page.get_by_label("密码")).to_be_visible()  # and no dialog of Streamlit
    assert "next=review" in page.url
    page.goto(f"{guarded.url}/review")
    expect(page.get_by_label("密码")).to_be_visible()


def test_a_listed_person_comes_through_the_single_sign_on(page: Page, tmp_path: Path) -> None:
    space, port = open_workspace(tmp_path / "workspace"), free_port()
    Users(space).add("anna@example.com", Role.REVIEWER)
    people = [{"email": f"{name}@example.com", "email_verified": True} for name in ("bert", "anna")]
    with identity_provider(*people) as provider:
        configured(space, provider.url, port)
        with served(space.home, port=port) as studio:
            page.goto(f"{studio.url}/review")
            page.get_by_role("link", name="单点登录").click()
            page.get_by_role("link", name="bert@example.com").click()
            expect(page.get_by_role("alert")).to_contain_text("bert@example.com 不在工坊的用户名单里")
            page.get_by_role("link", name="单点登录").click()
            page.get_by_role("link", name="anna@example.com").click()
            settle(page)
            expect(page.get_by_role("heading", name="审核")).to_be_visible()
            assert {cookie["name"] for cookie in page.context.cookies()} & {"_streamlit_user"} == set()


def test_one_person_at_this_machine_sees_no_login(page: Page, shared: Studio) -> None:
    visit(page, shared, "settings")
    expect(page.get_by_role("heading", name="设置")).to_be_visible()
    assert page.get_by_test_id("stSidebarNav").get_by_text("账号").count() == 0
