"""Who reaches which page of a served studio, and whose presses write: over the WebSocket, as a hostile
browser would ask."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.comparison.boards import COPIED, GOOD, filled
from tests.pages.visiting import Served, Visit, logged_in, served, visiting
from tianji_core import jobs
from tianji_core.access.sessions import Sessions
from tianji_core.access.users import Users
from tianji_core.comparison.board import save_board
from tianji_core.roles import Role
from tianji_core.store import recipes, samples, steps, votes
from tianji_core.store.samples import ACCEPTED, PENDING, NewSample
from tianji_core.workspace import Workspace, open_workspace

PASSWORD = "春风十里不如你呀"
NAMES = {Role.VIEWER: "小看", Role.REVIEWER: "小审", Role.OWNER: "小王"}
TEXT = "姐姐，祝你生日快乐，天天开心，万事都顺心如意。"
REACHED = {
    "": Role.VIEWER,
    "heatmap": Role.VIEWER,
    "review": Role.VIEWER,
    "compare": Role.VIEWER,
    "account": Role.VIEWER,
    "lists": Role.OWNER,
    "generate": Role.OWNER,
    "dataset": Role.OWNER,
    "train": Role.OWNER,
    "models": Role.OWNER,
    "chat": Role.OWNER,
    "jobs": Role.OWNER,
    "settings": Role.OWNER,
}
"""The least role that reaches each page."""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with one user per role, one sample to review and one comparison to vote on."""
    made = open_workspace(tmp_path_factory.mktemp("studio") / "workspace")
    for role, name in NAMES.items():
        Users(made).add(name, role, PASSWORD)
    recipe = recipes.current(made.engine, "wishes").recipe
    samples.add(
        made.engine, NewSample("wishes", "", "祝姐姐生日快乐", TEXT, name="姐姐", scene="生日", style="正常")
    )
    save_board(made, filled(recipe, [[GOOD, COPIED]]))
    return made


@pytest.fixture(scope="module")
def studio(space: Workspace) -> Iterator[Served]:
    with served(space.home, "--host", "0.0.0.0") as running:
        yield running


@pytest.fixture
def visit(studio: Served, space: Workspace, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page of a person with the role in the test's parameter."""
    with visiting(studio, logged_in(studio, NAMES[request.param], PASSWORD)) as opened:
        yield opened


def state_of(space: Workspace) -> str:
    return samples.page(space.engine, samples.SampleFilter("wishes"), limit=1)[0].state


def every(role: Role) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("visit", [role], indirect=True, ids=lambda role: role.key)


@pytest.mark.parametrize("visit", list(Role), indirect=True, ids=lambda role: role.key)
def test_each_role_reaches_exactly_its_pages(visit: Visit, request: pytest.FixtureRequest) -> None:
    role: Role = request.node.callspec.params["visit"]
    for page, least in REACHED.items():
        visit.open(page)
        assert visit.exceptions() == []
        refused = [text for text in visit.alerts() if "这一页只给" in text]
        if role >= least:
            assert refused == [] and len(visit.headings()) >= 1, page
        else:
            assert len(refused) == 1 and visit.headings() == [] and visit.buttons() == {}, page
    assert set(visit.navigation()) == {page for page, least in REACHED.items() if role >= least}


def test_a_stranger_reaches_nothing(studio: Served) -> None:
    for path in (
        "",
        "lists",
        "static/",
        "media/x.png",
        "component/x",
        "_stcore/host-config",
        "_stcore/metrics",
    ):
        for address in (studio.url, f"http://localhost:{studio.port}"):
            answer = httpx.get(f"{address}/{path}", headers={"Accept": "text/html"})
            assert (answer.status_code, answer.headers["location"].split("?")[0][-5:]) == (303, "login"), path
            assert httpx.get(f"{address}/{path}").status_code == 401
    uploaded = httpx.put(f"{studio.url}/_stcore/upload_file/session/file", files={"file": b"x"})
    assert uploaded.status_code == 401
    with pytest.raises(InvalidStatus), visiting(studio):
        pass
    with pytest.raises(InvalidStatus), visiting(studio, f"tianji-session-{studio.port}={'A' * 43}"):
        pass


@every(Role.VIEWER)
def test_what_a_viewer_presses_writes_nothing(visit: Visit, studio: Served, space: Workspace) -> None:
    with visiting(studio, logged_in(studio, NAMES[Role.OWNER], PASSWORD)) as owner:
        ballot = owner.open("compare", "view=blind").buttons()
        card = owner.open("review").buttons()
        home = owner.open("").buttons()
        settings = owner.open("settings").buttons()
        heatmap = owner.open("heatmap").buttons()
    presses = [("compare", ballot[key]) for key in ("blind_1", "blind_tie")]
    presses += [("review", card[key]) for key in ("accept", "reject", "rate_5", "check_again")]
    presses += [
        ("", home["start_demo"]),
        ("settings", settings["save_settings"]),
        ("heatmap", heatmap["cell_apply"]),
    ]
    for page, button in presses:
        query = "view=blind" if page == "compare" else ""
        visit.open(page, query)
        visit.press(page, button, query)
        assert visit.exceptions() == [], (page, button)
    assert state_of(space) == PENDING and votes.listed(space.engine, "wishes") == []
    assert jobs.listed(space) == [] and not (space.home / "settings.json").exists()
    assert recipes.current(space.engine, "wishes").revision == 0


@every(Role.VIEWER)
def test_a_viewer_is_told_why_a_press_does_nothing(visit: Visit) -> None:
    accept = visit.open("review").buttons()["accept"]
    visit.press("review", accept)
    assert any("您的角色是查看者" in text for text in visit.alerts())


@every(Role.REVIEWER)
def test_a_reviewer_reviews_and_votes_under_the_own_name(visit: Visit, space: Workspace) -> None:
    visit.press("compare", visit.open("compare", "view=blind").buttons()["blind_1"], "view=blind")
    assert len(votes.between(space.engine, "wishes", {GOOD, COPIED}, who="小审")) == 1
    visit.press("compare", visit.open("compare", "view=blind").buttons()["blind_undo"], "view=blind")
    assert votes.listed(space.engine, "wishes") == []
    visit.press("review", visit.open("review", "who=别人").buttons()["accept"], "who=别人")
    assert state_of(space) == ACCEPTED and steps.people(space.engine, "wishes") == ["小审"]
    visit.press("review", visit.open("review").buttons()["undo"])
    assert state_of(space) == PENDING


def test_a_page_that_was_open_before_writes_nothing_with_a_lower_role(
    studio: Served, space: Workspace
) -> None:
    """The widgets of the page are still known to the session, their callbacks too."""
    users = Users(space)
    users.add("曾经的主人", Role.OWNER, PASSWORD)
    with visiting(studio, logged_in(studio, "曾经的主人", PASSWORD)) as visit:
        home = visit.open("").buttons()
        card = visit.open("review").buttons()
        users.set_role("曾经的主人", Role.VIEWER)
        visit.press("review", card["accept"])
        visit.press("", home["start_demo"])
        assert state_of(space) == PENDING and jobs.listed(space) == []


def test_the_page_of_a_login_that_ended_is_closed(studio: Served, space: Workspace) -> None:
    cookie = logged_in(studio, NAMES[Role.VIEWER], PASSWORD)
    with visiting(studio, cookie) as visit:
        visit.open("review")
        Sessions(space).end_all(NAMES[Role.VIEWER])
        with pytest.raises(ConnectionClosed):
            visit.open("review")
    with pytest.raises(InvalidStatus), visiting(studio, cookie):
        pass


def test_five_wrong_passwords_slow_down(studio: Served, space: Workspace) -> None:
    Users(space).add("常忘", Role.VIEWER, PASSWORD)
    wrong = {"name": "常忘", "password": "wrong"}
    answers = [httpx.post(f"{studio.url}/login", data=wrong, timeout=60).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_beyond_loopback_a_one_time_link_is_printed_where_there_is_no_password(tmp_path: Path) -> None:
    with served(tmp_path / "workspace", "--host", "0.0.0.0") as studio:
        text = studio.log.read_text(encoding="utf-8")
        links = [word for word in text.split() if "/login?token=" in word]
        assert len(links) == 2 and links[0].split("：")[-1].startswith(studio.url)
        link = links[0].split("：")[-1]
        assert httpx.get(studio.url, headers={"Accept": "text/html"}).status_code == 303
        entered = httpx.get(link)
        assert entered.status_code == 303
        with visiting(studio, "; ".join(f"{k}={v}" for k, v in entered.cookies.items())) as visit:
            assert "settings" in visit.open("settings").navigation() and visit.headings()[0] == "设置"
        assert httpx.get(link).status_code == 200, "the login page: the link is used up"


def test_one_person_at_this_machine_needs_no_login(tmp_path: Path) -> None:
    with served(tmp_path / "workspace") as studio, visiting(studio) as visit:
        visit.open("settings")
        assert visit.headings()[0] == "设置" and "account" not in visit.navigation()
        assert httpx.get(studio.url).status_code == 200


@pytest.mark.parametrize("hosts", ["studio.example.com", "studio.example.com:443"])
def test_behind_a_proxy_a_login_is_needed_too(tmp_path: Path, hosts: str) -> None:
    with served(tmp_path / "workspace", TIANJI_ALLOWED_HOSTS=hosts) as studio:
        assert "/login?token=" in studio.log.read_text(encoding="utf-8")
        assert httpx.get(studio.url).status_code == 401
