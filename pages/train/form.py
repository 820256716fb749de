"""The settings of a new training, with those that differ from the preset marked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared.kept import forget, kept_at
from pages.shared.text import plain
from pages.shared.usable import among, any_text, within
from pages.train.choice import FORM
from tianji_core import models, training
from tianji_core.drafts import Typed
from tianji_core.i18n import _
from tianji_core.model_folders.built_in import base_here
from tianji_core.model_folders.template import CHOICES, OWN_TEMPLATE
from tianji_core.training import MixPart, Preset, TrainingSettings
from tianji_core.training.curve_writers import TITLES as CURVE_PROGRAMS
from tianji_core.training.profiles import AS_WRITTEN, AUTO, PROFILES, profile_title
from tianji_core.training.settings import MAIN_FIELDS, field_help, field_title
from tianji_core.workspace import Workspace

LARGEST = 2**32 - 1
"""The largest number of any setting: a seed's."""


def base_choice(workspace: Workspace, chosen: Preset, defaults: TrainingSettings) -> str:
    """Draws the choice among the models that can be trained; returns the folder. The preset's own base
    comes first. A chosen folder that no longer exists stays in the list, and the checks report it."""
    owned = {str(model.path): model for model in models.loadable(workspace) if model.kind != "adapter"}
    key = f"train_{chosen.key}_base"
    own = kept_at(FORM, key, any_text, defaults.base, "base", group=chosen.key)
    st.session_state[key] = str(base_here(Path(st.session_state[key])))
    options = list(dict.fromkeys((defaults.base, *owned, st.session_state[key])))

    def shown(path: str) -> str:
        name = path.rpartition("/")[2]
        if path not in owned:
            return (
                _("{path}（还没有下载）", path=name)
                if path == defaults.base
                else _("{path}（不在了）", path=name)
            )
        return f"{owned[path].title} · {models.kind_title(owned[path].kind)}"

    folder = str(
        st.selectbox(field_title("base"), options, format_func=shown, help=field_help("base"), **own)
    )
    if folder not in owned and chosen.model_id:
        st.page_link(
            "pages/models/page.py", label=_("去模型页下载 {id}", id=plain(chosen.model_id)), icon="⬇️"
        )
    return folder


def settings_form(
    workspace: Workspace, chosen: Preset, recipe: str, mix: Sequence[MixPart] = ()
) -> TrainingSettings:
    """Draws the widgets of every setting of the preset with their defaults, the most used ones first, the
    rest in an expander; returns the settings, with ``mix`` as it is. The default template is the one that
    fits the base, the trial prompts come from the recipe with this key. Values that differ from the defaults
    are kept in the draft, valid or not.

    Raises:
        TrainingError: a value is out of bounds; names the setting.
    """
    own = training.default_settings(chosen.key, workspace, recipe)
    values: dict[str, Any] = {"base": base_choice(workspace, chosen, own)}
    fitting = training.default_settings(chosen.key, workspace, recipe, values["base"])
    defaults = fitting.model_copy(update={"base": own.base})
    _fields(chosen, defaults, [name for name in MAIN_FIELDS if name in chosen.fields], values)
    rest = [name for name in (*chosen.fields, "profile", "curves") if name not in values]
    long = [name for name in rest if name in ("system", "eval_prompts")]
    with st.expander(_("更多设置")):
        _fields(chosen, defaults, [name for name in rest if name not in long], values)
        for name in long:
            values[name] = _field(chosen, name, getattr(defaults, name))
    _show_changes(chosen.key, defaults, values)
    return training.checked_settings({**values, "mix": list(mix)})


def _fields(chosen: Preset, defaults: TrainingSettings, names: list[str], values: dict[str, Any]) -> None:
    """Three widgets in a row."""
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            with column:
                default = getattr(defaults, name)
                values[name] = _field(chosen, name, default)
                if values[name] != default:
                    shown = _short(_option_title(name)(default) if name in _OPTIONS else default)
                    st.caption(_("✏️ 改过，默认 {value}", value=plain(shown)))


_OPTIONS = {
    "template": CHOICES,
    "curves": ("", *CURVE_PROGRAMS),
    "profile": (AS_WRITTEN, AUTO, *(profile.key for profile in PROFILES)),
}
"""The settings that are chosen from a list."""


def _option_title(name: str) -> Callable[[str], str]:
    """Returns the function that names the values of a setting which is chosen from a list."""
    if name == "curves":
        return lambda value: CURVE_PROGRAMS.get(value, _("不写给别的程序"))
    titles = {profile.key: profile_title(profile) for profile in PROFILES}
    titles |= {OWN_TEMPLATE: _("分词器自带的（tokenizer）")}
    titles |= {AS_WRITTEN: _("照预设写的"), AUTO: _("按显卡自动选")}
    return lambda value: titles.get(value, value)


def _field(chosen: Preset, name: str, default: Any) -> Any:
    """One widget; returns the setting's value."""
    key = f"train_{chosen.key}_{name}"
    label, explained = field_title(name), field_help(name)
    first: Typed = "\n".join(default) if name == "eval_prompts" else default
    value: Typed
    if name in _OPTIONS:
        options = _OPTIONS[name]
        own = kept_at(FORM, key, among(options), first, name, group=chosen.key)
        value = st.selectbox(label, options, format_func=_option_title(name), help=explained, **own)
    elif isinstance(first, str):
        own = kept_at(FORM, key, any_text, first, name, group=chosen.key)
        value = st.text_area(label, help=explained, height=110 if name == "eval_prompts" else 80, **own)
    elif isinstance(first, float):
        own = kept_at(FORM, key, within(0.0, LARGEST), first, name, group=chosen.key)
        step, form = (1e-5, "%.6f") if name == "learning_rate" else (0.01, "%.3f")
        value = st.number_input(
            label, min_value=0.0, value=first, step=step, format=form, help=explained, **own
        )
    else:
        own = kept_at(FORM, key, within(0, LARGEST), int(default), name, group=chosen.key)
        value = st.number_input(label, min_value=0, value=int(default), step=1, help=explained, **own)
    if name == "eval_prompts":
        return [line.strip() for line in str(value).splitlines() if line.strip()]
    return value


def _show_changes(key: str, defaults: TrainingSettings, values: dict[str, Any]) -> None:
    changed = {name: getattr(defaults, name) for name in values if values[name] != getattr(defaults, name)}
    if not changed:
        st.caption(_("全部是预设的默认值"))
        return
    left, right = st.columns([5, 1], vertical_alignment="center")
    parts = [
        f"**{field_title(name)}** {plain(_short(default))} → {plain(_short(values[name]))}"
        for name, default in changed.items()
    ]
    left.markdown(_("✏️ 改了 {n} 项：{list}", n=len(changed), list=_("；").join(parts)))
    right.button(_("恢复默认"), key="train_defaults", on_click=_reset, args=(key,), width="stretch")


def _short(value: object) -> str:
    if isinstance(value, str) and value.startswith("/"):
        value = value.rpartition("/")[2]
    text = _("、").join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= 24 else text[:23] + "…"


def _reset(key: str) -> None:
    forget(FORM, {name: f"train_{key}_{name}" for name in TrainingSettings.model_fields}, key)
