"""Users, their passwords, their logins, and what wrong passwords cost."""

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tianji_core.access import sessions as sessions_module
from tianji_core.access.attempts import FREE, MOST, Attempts, address_key
from tianji_core.access.passwords import hash_password, password_fits
from tianji_core.access.sessions import Sessions
from tianji_core.access.users import Users
from tianji_core.errors import LoginError, SettingsError
from tianji_core.roles import Role
from tianji_core.store import samples, steps
from tianji_core.workspace import Workspace

PASSWORD = "春风十里不如你 2026"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_password_fits_its_own_hash_only() -> None:
    stored = hash_password(PASSWORD)
    assert PASSWORD not in stored and stored != hash_password(PASSWORD)
    assert password_fits(PASSWORD, stored)
    assert not password_fits(PASSWORD + " ", stored)
    assert not password_fits("\ud800", stored)
    assert not password_fits("", "") and not password_fits(PASSWORD, "")


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_short_or_endless_password_is_refused(password: str) -> None:
    with pytest.raises(LoginError, match="8 到 200"):
        hash_password(password)


def test_users_are_kept_for_the_owner_of_the_machine_only(workspace: Workspace) -> None:
    users = Users(workspace)
    users.add("小王", Role.OWNER, PASSWORD)
    users.add("reviewer@example.com", Role.REVIEWER)
    assert [(user.name, user.role) for user in Users(workspace).listed()] == [
        ("reviewer@example.com", Role.REVIEWER),
        ("小王", Role.OWNER),
    ]
    assert (mode(users.path), mode(users.path.parent)) == (0o600, 0o700)
    assert PASSWORD not in users.path.read_text(encoding="utf-8")


def test_only_the_right_password_of_the_right_user_is_accepted(workspace: Workspace) -> None:
    users = Users(workspace)
    users.add("Anna", Role.REVIEWER, PASSWORD)
    users.add("sso", Role.VIEWER)
    found = users.checked("ＡＮＮＡ", PASSWORD)
    assert found is not None and found.name == "Anna"
    for name, password in (("Anna", "wrong"), ("nobody", PASSWORD), ("sso", ""), ("sso", PASSWORD)):
        assert users.checked(name, password) is None


@pytest.mark.parametrize("name", ["", "  ", "a" * 255, "a\u202eb", "a\0b"])
def test_a_name_can_be_seen_and_recorded(workspace: Workspace, name: str) -> None:
    with pytest.raises(LoginError, match="看得见"):
        Users(workspace).add(name, Role.VIEWER)


def test_the_longest_email_address_is_a_name_and_is_recorded_whole(workspace: Workspace) -> None:
    address = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org"
    assert len(address) == 254
    assert Users(workspace).add(address, Role.REVIEWER).name == address
    new = samples.NewSample("wishes", "系统", "祝妹妹生日", "妹妹，生日快乐！")
    number = samples.add(workspace.engine, new)
    assert number is not None
    only = samples.SampleFilter("wishes", ids=(number,))
    step = steps.set_state(workspace.engine, only, samples.ACCEPTED, address)
    assert step is not None and step.who == address


def test_two_users_never_look_the_same(workspace: Workspace) -> None:
    users = Users(workspace)
    users.add("Anna", Role.VIEWER)
    with pytest.raises(LoginError, match="已经有"):
        users.add("ａｎｎａ", Role.OWNER)


def test_the_last_owner_stays(workspace: Workspace) -> None:
    users = Users(workspace)
    users.add("one", Role.OWNER, PASSWORD)
    with pytest.raises(LoginError, match="所有者"):
        users.remove("one")
    with pytest.raises(LoginError, match="所有者"):
        users.set_role("one", Role.VIEWER)
    users.add("two", Role.OWNER, PASSWORD)
    users.remove("one")
    assert [user.name for user in users.listed()] == ["two"]


def test_a_damaged_file_lets_nobody_in(workspace: Workspace) -> None:
    users = Users(workspace)
    for text in ("{", "[{}]", '{"a": 1}', '[{"name": "x", "role": "king", "created_at": 0}]', "\xff"):
        users.path.write_text(text, encoding="latin-1")
        with pytest.raises(SettingsError, match=r"users\.json"):
            users.checked("x", PASSWORD)


def test_a_login_survives_a_restart_and_its_token_is_not_stored(workspace: Workspace) -> None:
    token = Sessions(workspace).begin("Anna", "192.0.2.1", "Firefox")
    restarted = Sessions(workspace)
    found = restarted.find(token)
    assert found is not None and (found.user, found.address) == ("Anna", "192.0.2.1")
    assert token not in restarted.path.read_text(encoding="utf-8") and mode(restarted.path) == 0o600
    assert restarted.find(token[:-1]) is None and restarted.find("") is None


def test_a_login_that_was_ended_elsewhere_counts_no_more(workspace: Workspace) -> None:
    here, elsewhere = Sessions(workspace), Sessions(workspace)
    kept, lost, other = here.begin("Anna"), here.begin("anna"), here.begin("Bert")
    found = here.find(kept)
    assert found is not None
    elsewhere.end_all("Anna", but=found.id)
    assert here.find(kept) and here.find(other) and here.find(lost) is None
    elsewhere.end(found.id)
    assert here.find(kept) is None and [one.user for one in here.listed()] == ["Bert"]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[timedelta]]:
    """A clock that is ahead by the sum of the list."""
    ahead: list[timedelta] = []

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(UTC) + sum(ahead, timedelta())

    monkeypatch.setattr(sessions_module, "datetime", Clock)
    yield ahead


def test_an_unused_login_ends(workspace: Workspace, later: list[timedelta]) -> None:
    sessions = Sessions(workspace)
    token = sessions.begin("Anna")
    for _ in range(8):  # used every ten days it lasts 80 days
        later.append(timedelta(days=10))
        assert sessions.find(token)
    later.append(timedelta(days=11))
    assert sessions.find(token) is None, "90 days are the most"
    token = sessions.begin("Anna")
    later.append(timedelta(days=15))
    assert sessions.find(token) is None and sessions.listed() == []


def test_a_damaged_list_of_logins_means_logging_in_again(workspace: Workspace) -> None:
    sessions = Sessions(workspace)
    token = sessions.begin("Anna")
    sessions.path.write_text(json.dumps([{"token_hash": 1}]), encoding="utf-8")
    assert sessions.find(token) is None
    assert sessions.find(sessions.begin("Anna"))


def test_five_wrong_passwords_slow_down_and_the_wait_doubles() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    keys = [address_key("192.0.2.1"), "name anna"]
    waits = []
    for _ in range(FREE + 8):
        waits.append(attempts.wait(keys))
        now[0] += attempts.wait(keys)
        attempts.failed(keys)
    assert waits == [0] * FREE + [1, 2, 4, 8, 16, 32, 60, 60]
    assert attempts.wait(["name anna"]) == attempts.wait([address_key("192.0.2.1")]) == 60
    assert attempts.wait(["name bert", address_key("192.0.2.2")]) == 0
    attempts.succeeded(keys)
    assert attempts.wait(keys) == 0


def test_wrong_passwords_are_forgotten_after_an_hour() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(20):
        attempts.failed(["name anna"])
    now[0] += 3601
    attempts.failed(["name anna"])
    assert attempts.wait(["name anna"]) == 0


def test_an_attack_from_many_addresses_takes_bounded_memory() -> None:
    attempts = Attempts(lambda: 0.0)
    for number in range(MOST + 5000):
        attempts.failed([f"address {number}"])
    assert len(attempts._failures) == MOST
    assert address_key("2001:db8::1") == address_key("2001:db8::2") != address_key("2001:db8:1::1")
