"""Setting up a training: the settings with what was changed marked, and what the checks found."""

from typing import Any

import streamlit as st

from pages.components.text import plain
from tianji_core import models, training
from tianji_core.i18n import _
from tianji_core.training import TEMPLATES, Preset, TrainingSettings
from tianji_core.training.profiles import AS_WRITTEN, AUTO, PROFILES, profile_title
from tianji_core.training.settings import MAIN_FIELDS, field_help, field_title
from tianji_core.workspace import Workspace


def base_choice(workspace: Workspace, chosen: Preset, defaults: TrainingSettings) -> str:
    """A choice among the models that can be trained; returns the folder. The preset's own base comes first."""
    found = {str(each.path): each for each in models.artefacts(workspace) if each.kind != "adapter"}
    options = [defaults.base, *[path for path in found if path != defaults.base]]

    def shown(path: str) -> str:
        if path not in found:
            return _("{path}（还没有下载）", path=path.rpartition("/")[2])
        return f"{found[path].title} · {models.kind_title(found[path].kind)}"

    folder = st.selectbox(
        field_title("base"),
        options,
        format_func=shown,
        key=f"train_{chosen.key}_base",
        help=field_help("base"),
    )
    if folder not in found and chosen.model_id:
        st.page_link("pages/model/models.py", label=_("去模型页下载 {id}", id=chosen.model_id), icon="⬇️")
    return str(folder)


def settings_form(workspace: Workspace, chosen: Preset, recipe: str = "") -> TrainingSettings:
    """The widgets of every setting the preset has, each with its default below; the ones people change first, the rest
    folded away. The trial prompts come from the recipe with this key.

    Raises:
        TrainingError: a value is out of bounds; names the setting.
    """
    defaults = training.default_settings(chosen.key, workspace, recipe)
    values: dict[str, Any] = {"base": base_choice(workspace, chosen, defaults)}
    _fields(chosen, defaults, [name for name in MAIN_FIELDS if name in chosen.fields], values)
    rest = [name for name in (*chosen.fields, "profile") if name not in values]
    long = [name for name in rest if name in ("system", "eval_prompts")]
    with st.expander(_("更多设置")):
        _fields(chosen, defaults, [name for name in rest if name not in long], values)
        for name in long:
            values[name] = _field(chosen, name, getattr(defaults, name))
    settings = training.checked_settings(values)
    _show_changes(chosen, defaults, settings)
    return settings


def _fields(chosen: Preset, defaults: TrainingSettings, names: list[str], values: dict[str, Any]) -> None:
    """Three widgets in a row."""
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            with column:
                default = getattr(defaults, name)
                values[name] = _field(chosen, name, default)
                shown = _short(_option_title(default) if name in _OPTIONS else default)
                changed = values[name] != default
                st.caption(
                    _("✏️ 改过，默认 {value}", value=shown) if changed else _("默认 {value}", value=shown)
                )


_OPTIONS = {"template": tuple(TEMPLATES), "profile": (AS_WRITTEN, AUTO, *(each.key for each in PROFILES))}
"""The settings that are chosen from a list."""


def _option_title(value: str) -> str:
    titles = {each.key: profile_title(each) for each in PROFILES}
    return {AS_WRITTEN: _("照预设写的"), AUTO: _("按显卡自动选"), **titles}.get(value, value)


def _field(chosen: Preset, name: str, default: Any) -> Any:
    key = f"train_{chosen.key}_{name}"
    label, explained = field_title(name), field_help(name)
    if name in _OPTIONS:
        options = _OPTIONS[name]
        return st.selectbox(
            label,
            options,
            index=options.index(default),
            format_func=_option_title,
            key=key,
            help=explained,
        )
    if name == "eval_prompts":
        text = st.text_area(label, "\n".join(default), key=key, help=explained, height=110)
        return [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(default, str):
        return st.text_area(label, default, key=key, help=explained, height=80)
    if name == "learning_rate":
        return st.number_input(
            label, min_value=0.0, value=float(default), step=1e-5, format="%.6f", key=key, help=explained
        )
    if isinstance(default, float):
        return st.number_input(
            label, min_value=0.0, value=default, step=0.01, format="%.3f", key=key, help=explained
        )
    return st.number_input(label, min_value=0, value=int(default), step=1, key=key, help=explained)


def _show_changes(chosen: Preset, defaults: TrainingSettings, settings: TrainingSettings) -> None:
    changed = [
        name for name in TrainingSettings.model_fields if getattr(settings, name) != getattr(defaults, name)
    ]
    if not changed:
        st.caption(_("全部是预设的默认值"))
        return
    left, right = st.columns([5, 1], vertical_alignment="center")
    parts = [
        f"**{field_title(name)}** {plain(_short(getattr(defaults, name)))} → {plain(_short(getattr(settings, name)))}"
        for name in changed
    ]
    left.markdown(_("✏️ 改了 {n} 项：{list}", n=len(changed), list=_("；").join(parts)))
    right.button(_("恢复默认"), key="train_defaults", on_click=_reset, args=(chosen.key,), width="stretch")


def _short(value: object) -> str:
    if isinstance(value, str) and value.startswith("/"):
        value = value.rpartition("/")[2]
    text = _("、").join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= 24 else text[:23] + "…"


def _reset(key: str) -> None:
    for name in list(st.session_state):
        if str(name).startswith(f"train_{key}_"):
            del st.session_state[name]
