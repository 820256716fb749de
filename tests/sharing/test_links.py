"""Links of shared models: signed, ending, revocable."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tianji_core.errors import ForbiddenError, InputError, SettingsError
from tianji_core.roles import Role, acting_as
from tianji_core.sharing import LONGEST_DAYS, Shares
from tianji_core.sharing.pace import AT_ONCE, LONGEST_S, SharePace
from tianji_core.workspace import Workspace


def test_a_link_opens_its_share_until_it_is_revoked(workspace: Workspace) -> None:
    shares = Shares(workspace)
    first = shares.add("送祝福", "wishes", 7, title=" 给\n同学 ")
    second = shares.add("送祝福", "wishes", 1 / 24)
    assert first.title == "给 同学" and shares.find(shares.token(first)) == first
    shares.revoke(first.id)
    assert shares.find(shares.token(first)) is None
    assert Shares(workspace).find(shares.token(second)) == second, "another process reads the same file"
    with pytest.raises(InputError, match="没有编号"):
        shares.revoke("0" * 16)


def test_an_expired_link_opens_nothing(workspace: Workspace) -> None:
    shares = Shares(workspace)
    share = shares.add("m", "wishes", 1)
    path = workspace.home / "access" / "shares.json"
    stored = json.loads(path.read_text("utf-8"))
    past = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    stored[0]["expires_at"] = past.isoformat()
    path.write_text(json.dumps(stored), "utf-8")
    ended = shares.listed()[0]
    assert not ended.open() and shares.find(shares.token(ended)) is None
    assert shares.find(shares.token(share)) is None, "a longer end in the token does not help"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_changed_token_opens_nothing(workspace: Workspace, data: st.DataObject) -> None:
    shares = Shares(workspace)
    share = (shares.listed() or [shares.add("m", "wishes", 7)])[0]
    token = shares.token(share)
    at = data.draw(st.integers(0, len(token) - 1))
    put = data.draw(st.characters(codec="utf-8"))
    changed = token[:at] + put + token[at + 1 :]
    found = shares.find(changed)
    # The last of 43 characters holds four bits of the signature and two that say nothing.
    assert found is None or changed == token
    for wrong in (token[:-1], token + "A", token * 2, "", ".", f"{share.id}..", "٠" * 16 + token[16:]):
        assert shares.find(wrong) is None


def test_a_token_of_another_workspace_opens_nothing(workspace: Workspace, tmp_path) -> None:
    from tianji_core.workspace import open_workspace

    mine, other = Shares(workspace), Shares(open_workspace(tmp_path / "other"))
    share = mine.add("m", "wishes", 7)
    assert other.find(mine.token(share)) is None, "nothing was ever shared there"
    other.add("m", "wishes", 7)
    assert other.find(mine.token(share)) is None


@pytest.mark.parametrize("days", [0, -1, LONGEST_DAYS + 1, float("nan"), float("inf")])
def test_a_link_has_an_end(workspace: Workspace, days: float) -> None:
    with pytest.raises(InputError):
        Shares(workspace).add("m", "wishes", days)


def test_only_an_owner_makes_and_revokes_links(workspace: Workspace) -> None:
    share = Shares(workspace).add("m", "wishes", 7)
    acting_as(lambda: Role.REVIEWER)
    try:
        with pytest.raises(ForbiddenError):
            Shares(workspace).add("m", "wishes", 7)
        with pytest.raises(ForbiddenError):
            Shares(workspace).revoke(share.id)
    finally:
        acting_as(lambda: Role.OWNER)
    assert Shares(workspace).listed() == [share]


def test_keys_and_links_are_the_owners_files(workspace: Workspace) -> None:
    Shares(workspace).token(Shares(workspace).add("m", "wishes", 7))
    for name in ("share.key", "shares.json"):
        assert (workspace.home / "access" / name).stat().st_mode & 0o077 == 0
    (workspace.home / "access" / "shares.json").write_text("{", "utf-8")
    with pytest.raises(SettingsError, match=r"shares\.json"):
        Shares(workspace).listed()


def test_questions_are_bounded_for_a_link_and_for_all() -> None:
    now = 0.0
    pace = SharePace(lambda: now)
    tickets = [pace.begin("a", 3)[0] for _ in range(3)]
    assert all(tickets) and pace.begin("a", 3) == (0, 60.0)
    now = 59.0
    assert pace.begin("a", 3) == (0, 1.0)
    assert pace.begin("b", 9)[0], "another link has its own number"
    assert AT_ONCE == 4 and pace.begin("c", 9) == (0, 2.0), "but all share the places"
    pace.end(tickets[0])
    assert pace.begin("c", 9)[0]
    now = 59.0 + LONGEST_S
    assert all(pace.begin("d", 9)[0] for _ in range(AT_ONCE)), "a lost answer frees its place"
