"""The keyboard shortcuts of the review: each person's own, kept in the workspace."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from tianji_core.errors import InputError, SettingsError
from tianji_core.files import write_json
from tianji_core.gate import first_line
from tianji_core.i18n import N_, _
from tianji_core.workspace import Workspace

ACTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "accept": (N_("采用"), "a"),
        "reject": (N_("弃用"), "x"),
        "fix": (N_("修正"), "f"),
        "edit": (N_("修改"), "e"),
        "save_edit": (N_("保存修改"), "ctrl+enter"),
        "save_accept": (N_("保存修改并采用"), "alt+enter"),
        "cancel": (N_("不改了、收起来"), "escape"),
        "next": (N_("后一条"), "n"),
        "previous": (N_("前一条"), "p"),
        "undo": (N_("撤销"), "z"),
        "redo": (N_("重做"), "y"),
        "rate_1": (N_("打 1 星"), "1"),
        "rate_2": (N_("打 2 星"), "2"),
        "rate_3": (N_("打 3 星"), "3"),
        "rate_4": (N_("打 4 星"), "4"),
        "rate_5": (N_("打 5 星"), "5"),
        "rewrite": (N_("请模型改写"), "w"),
        "split": (N_("拆成几条"), "s"),
        "copy": (N_("复制给别人"), "g"),
        "note": (N_("写理由"), "m"),
        "help": (N_("按键"), "h"),
    }
)
"""Action → its title and its default key."""
WHILE_TYPING = ("save_edit", "save_accept", "cancel")
"""Actions that must work inside a text field, where plain letters are text."""
_MODIFIERS = ("ctrl", "alt", "shift")
_NAMED = ("left", "right", "up", "down", "home", "end", "pageup", "pagedown", "delete", "backspace", "escape")
_FUNCTION = ("f2", "f4", "f6", "f7", "f8", "f9", "f10")
_TAKEN = ("c", "r")
"""Keys that the page itself uses, with or without modifiers."""
_BROWSER = (
    "ctrl+t",
    "ctrl+w",
    "ctrl+n",
    "ctrl+l",
    "ctrl+p",
    "ctrl+f",
    "ctrl+a",
    "ctrl+x",
    "ctrl+v",
    "ctrl+z",
    "alt+f4",
)


def default_keys() -> dict[str, str]:
    """Returns action → default key."""
    return {action: key for action, (_title, key) in ACTIONS.items()}


def normal_key(text: str) -> str:
    """Returns a key in its stored form: 'Ctrl + Enter' → 'ctrl+enter'.

    Raises:
        InputError: there is no such key, or the page or the browser needs it.
    """
    parts = [part.strip().lower() for part in text.split("+")]
    modifiers, key = parts[:-1], parts[-1]
    if any(modifier not in _MODIFIERS for modifier in modifiers) or len(set(modifiers)) != len(modifiers):
        raise InputError(_("“{key}”不是能用的按键：前面只能是 ctrl、alt 或 shift", key=text))
    normal = "+".join([*(modifier for modifier in _MODIFIERS if modifier in modifiers), key])
    letter = len(key) == 1 and key.isascii() and key.isalnum()
    entered = key == "enter" and ("ctrl" in modifiers or "alt" in modifiers)
    if not (letter or entered or key in _NAMED or key in _FUNCTION):
        raise InputError(
            _(
                "“{key}”不是能用的按键；可以用字母、数字、方向键（left、right…）、f2 或 ctrl+enter 这样的组合",
                key=text,
            )
        )
    if key in _TAKEN or normal in _BROWSER:
        raise InputError(_("“{key}”已经被页面或浏览器占用，请换一个", key=text))
    return normal


def checked_keys(keys_by_action: Mapping[str, str]) -> dict[str, str]:
    """Returns action → key for every action; those not in ``keys_by_action`` get their default.

    Raises:
        InputError: an unknown action, a key that cannot be used, or two actions with the same one.
    """
    if unknown := [action for action in keys_by_action if action not in ACTIONS]:
        raise InputError(_("没有“{action}”这个动作", action=unknown[0]))
    keys = {action: normal_key(keys_by_action.get(action, key)) for action, key in default_keys().items()}
    owners: dict[str, str] = {}
    for action, key in keys.items():
        if action in WHILE_TYPING and not (key == "escape" or key.startswith(("ctrl+", "alt+"))):
            raise InputError(
                _(
                    "“{title}”在打字时也要能用，请用 escape，或带 ctrl、alt 的组合",
                    title=_(ACTIONS[action][0]),
                )
            )
        if key in owners:
            raise InputError(
                _(
                    "“{one}”和“{other}”都用了 {key}，请改一个",
                    one=_(ACTIONS[owners[key]][0]),
                    other=_(ACTIONS[action][0]),
                    key=key,
                )
            )
        owners[key] = action
    return keys


def load_keys(workspace: Workspace, who: str) -> dict[str, str]:
    """Returns action → key of one person.

    Raises:
        SettingsError: the file is broken.
    """
    try:
        return checked_keys(_read(workspace).get(who, {}))
    except InputError as error:
        raise _broken(workspace, str(error)) from error


def save_keys(workspace: Workspace, who: str, keys_by_action: Mapping[str, str]) -> None:
    """Stores one person's keys. Raises as :func:`checked_keys`."""
    keys = checked_keys(keys_by_action)
    kept = _read(workspace)
    kept[who] = {action: key for action, key in keys.items() if key != ACTIONS[action][1]}
    write_json(workspace.home / "review_keys.json", kept)


def reset_keys(workspace: Workspace, who: str) -> None:
    """Resets one person's keys to the defaults."""
    kept = _read(workspace)
    kept.pop(who, None)
    write_json(workspace.home / "review_keys.json", kept)


def _read(workspace: Workspace) -> dict[str, dict[str, str]]:
    path = workspace.home / "review_keys.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _broken(workspace, first_line(error)) from error
    if not isinstance(kept, dict) or not all(
        isinstance(keys, dict) and all(isinstance(key, str) for key in keys.values())
        for keys in kept.values()
    ):
        raise _broken(workspace, _("应当是一个对象"))
    return kept


def _broken(workspace: Workspace, reason: str) -> SettingsError:
    path = workspace.home / "review_keys.json"
    return SettingsError(_("按键文件 {file} 坏了，请修好或删掉它：{detail}", file=path, detail=reason))
