"""The single sign-on against a provider on loopback: who is listed gets in with the own role, nobody else."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from tests.pages.visiting import Served, served, visiting
from tests.processes import free_port
from tianji_core.access.hosts import allowed_hosts
from tianji_core.access.sessions import Sessions
from tianji_core.access.single_sign_on import sign_on_settings, verified_email
from tianji_core.access.users import Users, access_folder
from tianji_core.errors import SettingsError
from tianji_core.roles import Role
from tianji_core.workspace import Workspace, open_workspace

ANNA, STRANGER, UNVERIFIED, DENIED = 0, 1, 2, -1
PEOPLE = (
    {"email": "Anna@example.com", "email_verified": True},
    {"email": "stranger@example.com", "email_verified": True},
    {"email": "anna@example.com"},
)
HTML = {"Accept": "text/html"}


def configured(space: Workspace, provider: str, port: int, **changed: str) -> Path:
    """Writes the settings of the single sign-on into a workspace."""
    values = {
        "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback",
        "client_id": CLIENT,
        "client_secret": SECRET,
        "server_metadata_url": f"{provider}/.well-known/openid-configuration",
        **changed,
    }
    path = access_folder(space) / "oidc.toml"
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    path.write_text("\n".join(["[auth]", *lines, ""]), encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider(*PEOPLE) as running:
        yield running


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = open_workspace(tmp_path_factory.mktemp("sso") / "workspace")
    Users(made).add("anna@example.com", Role.REVIEWER)
    return made


@pytest.fixture(scope="module")
def studio(space: Workspace, provider: IdentityProvider) -> Iterator[Served]:
    port = free_port()
    configured(space, provider.url, port)
    with served(space.home, "--host", "0.0.0.0", port=port) as running:
        yield running


@pytest.fixture
def client(studio: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=studio.url, headers=HTML, follow_redirects=True, timeout=60) as opened:
        yield opened


def signed_on(
    client: httpx.Client, provider: IdentityProvider, person: int, page: str = ""
) -> httpx.Response:
    """Asks for a page, follows the link of the login page, and comes back as this person."""
    provider.as_next = person
    form = client.get(f"/{page}")
    link = re.search(r'href="\.(/login/single-sign-on[^"]*)"', form.text)
    assert link is not None, form.text
    return client.get(link[1].replace("&amp;", "&"))


def test_a_listed_person_gets_in_with_the_own_role_and_to_the_page_asked_for(
    client: httpx.Client, provider: IdentityProvider, studio: Served, space: Workspace
) -> None:
    answer = signed_on(client, provider, ANNA, "review?state=x")
    assert answer.status_code == 200 and str(answer.url) == f"{studio.url}/review?state=x"
    assert set(client.cookies) == {f"tianji-session-{studio.port}"}, "no proof stays in the browser"
    cookie = f"tianji-session-{studio.port}={client.cookies[f'tianji-session-{studio.port}']}"
    with visiting(studio, cookie) as visit:
        pages = visit.open("account").navigation()
        assert "review" in pages and "settings" not in pages
        assert any("anna@example.com" in str(element) for element in visit.drawn)
    assert [one.user for one in Sessions(space).listed()] == ["anna@example.com"]
    Sessions(space).end_all("anna@example.com")
    assert client.get("/review").url.path == "/login", "the owner has ended the login"


@pytest.mark.parametrize(
    ("person", "status", "said"),
    [(STRANGER, 403, "stranger@example.com 不在"), (UNVERIFIED, 401, "没有确认"), (DENIED, 401, "没有成功")],
)
def test_nobody_else_gets_in_and_is_told_why(
    client: httpx.Client,
    provider: IdentityProvider,
    space: Workspace,
    person: int,
    status: int,
    said: str,
) -> None:
    answer = signed_on(client, provider, person)
    assert answer.status_code == status and said in answer.text
    assert Sessions(space).listed() == [] and client.get("/review").url.path == "/login"
    assert [name for name in client.cookies if "user" in name or "tianji" in name] == []


def test_an_answer_that_nobody_asked_for_is_worth_nothing(
    client: httpx.Client, provider: IdentityProvider, studio: Served, space: Workspace
) -> None:
    """A code of another person's login, a state of another client, and cookies made up."""
    victim = {
        "redirect_uri": f"{studio.url}/oauth2callback",
        "state": "x",
        "nonce": "n",
        "code_challenge": "c",
    }
    address = provider.address_back(victim, ANNA)
    assert client.get(address).status_code == 401
    for forged in ("eyJlbWFpbCI6ImFubmFAZXhhbXBsZS5jb20ifQ.aaaa.bbbb", "chunks-99999999"):
        client.cookies.set("_streamlit_user", forged)
        assert client.get("/login?signed-on=1").status_code == 401
    assert Sessions(space).listed() == []


def test_the_secret_is_in_no_page_and_no_log(
    client: httpx.Client, provider: IdentityProvider, studio: Served
) -> None:
    pages = "".join(signed_on(client, provider, person).text for person in (STRANGER, DENIED))
    assert SECRET not in pages + studio.log.read_text(encoding="utf-8")
    names = Path(f"/proc/{studio.process.pid}/environ").read_bytes()
    command = Path(f"/proc/{studio.process.pid}/cmdline").read_bytes()
    assert SECRET.encode() not in names + command


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"client_secret": ""}, "auth.client_secret"),
        ({"redirect_uri": "https://other.example.com/oauth2callback"}, "--allow-host other.example.com"),
        ({"redirect_uri": "http://127.0.0.1:6006/"}, "auth.redirect_uri"),
        ({"server_metadata_url": "http://login.example.com/x"}, "https://"),
        ({"cookie_secret": "short"}, "auth.cookie_secret"),
        ({"spelt_wrong": "x"}, "auth.spelt_wrong"),
    ],
)
def test_wrong_settings_are_one_sentence(workspace: Workspace, changed: dict[str, str], said: str) -> None:
    configured(workspace, "https://login.example.com", 6006, **changed)
    with pytest.raises(SettingsError) as refused:
        sign_on_settings(workspace, allowed_hosts("127.0.0.1", 6006))
    assert said in str(refused.value) and SECRET not in str(refused.value)


def test_a_file_that_others_may_read_is_refused(workspace: Workspace) -> None:
    hosts = allowed_hosts("127.0.0.1", 6006)
    assert sign_on_settings(workspace, hosts) is None
    path = configured(workspace, "https://login.example.com", 6006)
    assert sign_on_settings(workspace, hosts) is not None
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        sign_on_settings(workspace, hosts)
    path.chmod(0o600)
    path.write_bytes(b"\xff[auth")
    with pytest.raises(SettingsError, match=r"oidc\.toml"):
        sign_on_settings(workspace, hosts)


@pytest.mark.parametrize(
    ("claims", "trusted", "email"),
    [
        ({"email": "A@b.c", "email_verified": True}, False, "a@b.c"),
        ({"email": "a@b.c", "email_verified": "true"}, False, "a@b.c"),
        ({"email": "a@b.c"}, True, "a@b.c"),
        ({"email": "a@b.c"}, False, ""),
        ({"email": "a@b.c", "email_verified": False}, True, ""),
        ({"email": "ａ@b.c", "email_verified": True}, False, ""),
        ({"email": "anna", "email_verified": True}, False, ""),
        ({"email": ["a@b.c"], "email_verified": True}, False, ""),
        ({}, True, ""),
    ],
)
def test_only_an_address_that_the_provider_vouches_for_counts(
    claims: dict[str, object], trusted: bool, email: str
) -> None:
    assert verified_email(claims, trusted) == email
