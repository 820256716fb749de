"""One row for each provider: its name, its key (masked), a test, and the rest in a panel."""

import asyncio
import os

import streamlit as st

from pages.generate.connection import show_report
from pages.shared.frame import remember_notice, report_errors
from pages.shared.secret_field import forget_secret, secret_field
from pages.shared.text import badge, plain
from tianji_core import teachers
from tianji_core.i18n import _
from tianji_core.teachers import KeyState, Provider, TeacherChoice
from tianji_core.workspace import Workspace, masked

_NAMED = 3
"""Providers without a key that the title of their part names."""


def provider_rows(workspace: Workspace) -> None:
    """Draws the rows of the providers that have a key, and folded those that wait for one."""
    needing = [p for p in teachers.providers(workspace).values() if p.key_variable is not None]
    keyed = {p.key for p in needing if teachers.key_state(workspace, p).present}
    others = [plain(_(p.title)) for p in needing if p.key not in keyed]
    has_key = st.container()
    waits = st.expander(_waiting(others), icon=":material/key:", key="keyless") if others else None
    for number, provider in enumerate(needing):
        with has_key if waits is None or provider.key in keyed else waits:
            _row(workspace, provider, number)


def _waiting(names: list[str]) -> str:
    """The title of what waits for a key: the first names, and how many there are."""
    told = _("、").join(names[:_NAMED])
    if len(names) <= _NAMED:
        return _("填密钥：{names}", names=told)
    return _("填密钥：{names} 等 {n} 家", names=told, n=len(names))


def _row(workspace: Workspace, provider: Provider, number: int) -> None:
    """Draws one provider; the connection can be tested where a key is set or none is needed."""
    state = teachers.key_state(workspace, provider)
    with st.container(key=f"provider_{number}", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(_(provider.title))}**", width="stretch")
        _state(workspace, provider, state)
        tested = not state.missing and st.button(
            _("测试"), key=f"key_test_{number}", icon=":material/wifi_tethering:", type="tertiary"
        )
        with st.popover(_("密钥"), icon=":material/key:", key=f"key_panel_{number}"):
            _key_panel(workspace, provider, number, state)
    if tested:
        with report_errors(), st.spinner(_("正在连接…")):
            report = asyncio.run(teachers.test_connection(workspace, TeacherChoice(provider=provider.key)))
            show_report(report)


def _state(workspace: Workspace, provider: Provider, state: KeyState) -> None:
    if state.present:
        st.markdown(f"`{masked(workspace.key(provider.key_variable or ''))}`", width="content")
    elif not provider.key_required:
        st.markdown(badge(_("可不填"), "gray"), width="content")


def _key_panel(workspace: Workspace, provider: Provider, number: int, state: KeyState) -> None:
    """Draws the field of the key and what is done with it."""
    variable = provider.key_variable or ""
    entered = secret_field(
        st.container(), variable, f"key_{number}", placeholder=_("把密钥贴在这里"), autocomplete="off"
    )
    row = st.container(horizontal=True)
    keep = row.button(
        _("保存"), key=f"key_save_{number}", type="primary", help=_("写进工作区的 .env，只有你能读")
    )
    once = row.button(_("仅本次"), key=f"key_once_{number}", help=_("只在这个服务器进程里有效，重启就没有了"))
    if (keep or once) and not entered.strip():
        st.error(_("先把 {variable} 的值贴进框里", variable=variable), icon="⚠️")
    elif keep or once:
        if keep:
            workspace.save_key(variable, entered.strip())
        else:
            os.environ[variable] = entered.strip()
        forget_secret(f"key_{number}")
        remember_notice(_("{variable} 已设置", variable=variable))
        st.rerun()
    if row.button(_("清除"), key=f"key_clear_{number}", disabled=not state.present):
        workspace.save_key(variable, None)
        remember_notice(_("{variable} 已清除", variable=variable))
        st.rerun()
    if provider.note:
        st.caption(plain(_(provider.note)))
