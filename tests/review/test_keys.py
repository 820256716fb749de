"""Everybody's own keys: kept, checked before they are kept, and given back."""

import pytest

from tianji_core.errors import InputError, SettingsError
from tianji_core.review import (
    ACTIONS,
    checked_keys,
    default_keys,
    load_keys,
    normal_key,
    reset_keys,
    save_keys,
)
from tianji_core.workspace import Workspace


def test_the_keys_everybody_has_at_first_do_not_clash() -> None:
    assert checked_keys({}) == default_keys() and set(default_keys()) == set(ACTIONS)


def test_one_persons_keys_are_kept_and_given_back(workspace: Workspace) -> None:
    save_keys(workspace, "小王", default_keys() | {"accept": "J", "reject": "Shift + K"})
    assert load_keys(workspace, "小王")["accept"] == "j"
    assert load_keys(workspace, "小王")["reject"] == "shift+k"
    assert load_keys(workspace, "小李") == default_keys()
    reset_keys(workspace, "小王")
    assert load_keys(workspace, "小王") == default_keys()


def test_two_actions_with_one_key_are_refused_by_name(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"采用.*弃用.*x"):
        save_keys(workspace, "我", {"accept": "x"})
    save_keys(workspace, "我", {"accept": "x", "reject": "a"})
    assert load_keys(workspace, "我")["accept"] == "x"


@pytest.mark.parametrize(
    "key", ["", "r", "ctrl+c", "enter", "ctrl+w", "aa", "ß", "super+a", "ctrl+ctrl+a", "f5", "空格"]
)
def test_keys_that_cannot_work_are_refused(key: str) -> None:
    with pytest.raises(InputError):
        normal_key(key)


def test_what_is_pressed_while_typing_needs_a_key_that_is_no_text() -> None:
    with pytest.raises(InputError, match="打字"):
        checked_keys({"save_edit": "k"})
    assert checked_keys({"save_edit": "Alt+K"})["save_edit"] == "alt+k"


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"我": {"accept": 3}}', '{"我": {"fly": "j"}}', '{"我": {"accept": "x"}}']
)
def test_a_broken_file_is_named(workspace: Workspace, content: str) -> None:
    (workspace.home / "review_keys.json").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"review_keys\.json"):
        load_keys(workspace, "我")
