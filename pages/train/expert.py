"""专家视图: editing the config file of a preset, comparing it, checking it in a child process, saving it as an
own preset."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import held, kept_at, note, store_value
from pages.shared.text import plain
from pages.shared.usable import any_text
from pages.train.choice import FORM, NEXT
from tianji_core.drafts import changing_draft
from tianji_core.i18n import _
from tianji_core.training import Preset, TrainingSettings
from tianji_core.training.own_presets import (
    LARGEST,
    checked_source,
    delete_preset,
    deleted_presets,
    difference,
    differing,
    preset_source,
    restore_preset,
    save_preset,
)
from tianji_core.training.settings import field_title
from tianji_core.workspace import Workspace


def expert_view(workspace: Workspace, chosen: Preset, settings: TrainingSettings | None) -> None:
    """Draws the editor with its checks, and the button that deletes an own preset. ``settings`` are those
    of the form, None while one of them is not valid. The edited text is kept in the draft."""
    with st.expander(_("专家视图：改整个配置文件，另存为自己的预设"), icon="🛠️"):
        st.caption(
            _(
                "这是一份真正的 xtuner 配置。文件里的代码只在单独的进程里运行；上面的设置项对应的那几行请留着，其余随意改。"
            )
        )
        own = chosen.source if settings is None else preset_source(chosen, settings)
        key = f"train_expert_{chosen.key}"
        mine = kept_at(FORM, key, any_text, own, "expert_config", group=chosen.key)
        mine.update(on_change=_note_config, args=(key, own, chosen.key))
        st.button(
            _("换成上面的设置"), key="train_expert_reset", icon="↩️", on_click=_put, args=(chosen, key, own)
        )
        source = st.text_area(_("配置文件"), height=460, label_visibility="collapsed", **mine)
        fits = len(source) <= LARGEST
        if fits:
            _changes(chosen, settings, source, own)
        else:
            said = _(
                "配置文件有 {n} 个字符，最长 {most}；太长的没有记进草稿",
                n=f"{len(source):,}",
                most=f"{LARGEST:,}",
            )
            st.error(said, icon="⚠️")
        left, middle, right = st.columns([3, 1, 1], vertical_alignment="bottom")
        name = f"train_expert_title_{chosen.key}"
        mine = kept_at(FORM, name, any_text, "", "expert_title", group=chosen.key)
        title = left.text_input(_("自己的预设叫什么"), max_chars=60, **mine)
        if middle.button(_("检查"), key="train_expert_check", icon="🔍", width="stretch", disabled=not fits):
            with report_errors(), st.spinner(_("正在单独的进程里加载，要十来秒")):
                checked_source(workspace, source)
                st.success(_("语法没有问题，mmengine 也加载得了"), icon="✅")
        if right.button(
            _("检查并保存"),
            key="train_expert_save",
            type="primary",
            width="stretch",
            disabled=not fits or not title.strip(),
        ):
            with report_errors(), st.spinner(_("正在单独的进程里加载，要十来秒")):
                made = save_preset(workspace, title, source, chosen.key)
                _forget_expert(workspace, chosen.key, made.key)
                for widget in (key, name):
                    st.session_state.pop(widget)
                st.session_state[NEXT] = made.key
                remember_notice(_("已保存预设“{title}”", title=made.title))
                st.rerun()
        _own_presets(workspace, chosen)


def _changes(chosen: Preset, settings: TrainingSettings | None, source: str, own: str) -> None:
    """Draws how the text differs from the preset's file, and which of its values differ from the form."""
    changes = difference(chosen.source, source)
    if changes:
        st.markdown(_("**和预设的差别**"))
        st.code(changes, language="diff", height=260 if changes.count("\n") > 10 else None)
    else:
        st.caption(_("和预设完全一样"))
    if settings is None or source == own:
        return
    apart = differing(source, chosen, settings)
    if apart:
        said = _(
            "这几项文件里和上面的表单不一样：{names}。保存的是文件；按“开始训练”用的是表单。",
            names=_("、").join(field_title(name) for name in apart),
        )
        st.warning(said, icon="✏️")


def _put(chosen: Preset, key: str, text: str) -> None:
    st.session_state[key] = text
    store_value(FORM, "expert_config", None, chosen.key)


def _note_config(key: str, own: str, preset: str) -> None:
    """Keeps the edited text, unless it is too long for a config file."""
    if held(key) and len(st.session_state[key]) <= LARGEST:
        note(FORM, key, own, "expert_config", preset)


def _forget_expert(workspace: Workspace, edited: str, saved: str) -> None:
    """Removes from the draft the text and title that were ``saved`` as a preset, and the draft of a
    deleted preset with the same key."""
    with changing_draft(workspace, FORM) as draft:
        for name in ("expert_config", "expert_title"):
            draft.part(edited).pop(name, None)
        if saved != edited:
            draft.groups.pop(saved, None)


def _own_presets(workspace: Workspace, chosen: Preset) -> None:
    if chosen.own and st.button(
        _("删除预设“{title}”", title=plain(chosen.title)), key="train_preset_delete", icon="🗑️"
    ):
        with report_errors():
            delete_preset(workspace, chosen.key)
            remember_notice(_("已删除预设，可以在专家视图里恢复"))
            st.rerun()
    deleted = deleted_presets(workspace)
    if deleted and st.button(
        _("恢复删掉的预设“{name}”", name=plain(deleted[0].rpartition("~")[0])),
        key="train_preset_restore",
        icon="♻️",
    ):
        with report_errors():
            restored = restore_preset(workspace, deleted[0])
            st.session_state[NEXT] = restored.key
            st.rerun()
