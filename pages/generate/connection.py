"""The connection to a teacher: whether its key is set, and a test that lists the models of its server."""

import asyncio

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.text import plain
from tianji_core import teachers
from tianji_core.i18n import _
from tianji_core.teachers import ConnectionReport, Provider, TeacherChoice
from tianji_core.workspace import Workspace


def served_models_key(provider: Provider) -> str:
    """Returns the key of the session state that holds the models which the provider's server listed."""
    return f"found_models_{provider.key}"


def model_to_choose_key(provider: Provider) -> str:
    """Returns the key of the session state under which a test leaves the model for the empty field."""
    return f"_found_model_{provider.key}"


_REPORT = "_connection_report"
"""The key of the session state that holds a report over the rerun which fills the field."""


def key_line(workspace: Workspace, provider: Provider) -> None:
    """Draws whether the key is set, and the link to where it is set."""
    state = teachers.key_state(workspace, provider)
    if state.variable is None:
        st.caption(_("🔓 这个接口不用密钥"))
    elif state.present:
        st.caption(_("🔑 密钥 {variable} 已设置", variable=state.variable))
    elif not state.required:
        st.caption(_("🔓 没有设置密钥 {variable}；接口不要求就不用填", variable=state.variable))
    else:
        st.warning(_("还没有密钥：请设置 {variable}", variable=state.variable), icon="🔑")
        st.page_link("pages/settings/page.py", label=_("去设置"), icon="⚙️")


def connection_test(workspace: Workspace, provider: Provider, choice: TeacherChoice) -> None:
    """Draws the button that tests the connection, and the result of the test. The models that the server
    lists can be chosen afterwards, also where it lacks the one that was asked for; where no model is chosen
    yet, the first of them is."""
    pressed = st.button(
        _("测试连接，取模型列表"),
        key="test_connection",
        icon="🔌",
        width="stretch",
        help=_("问一次服务器：密钥对不对，有哪些模型；列出的模型可以在上面直接选。"),
    )
    if pressed:
        with report_errors(), st.spinner(_("正在连接…")):
            report = asyncio.run(teachers.test_connection(workspace, choice))
            if report.models:
                st.session_state[served_models_key(provider)] = report.models
                if not choice.model:
                    st.session_state[model_to_choose_key(provider)] = report.models[0]
                st.session_state[_REPORT] = report
                st.rerun()  # the field above offers them
            show_report(report)
    elif (report := st.session_state.pop(_REPORT, None)) is not None:
        show_report(report)


def show_report(report: ConnectionReport) -> None:
    """Draws what a test of the connection found."""
    if report.ok:
        st.success(plain(report.message), icon="✅")
    else:
        st.error(plain(report.message), icon="⚠️")
    if report.ok and report.models:
        shown = _("、").join(report.models[:30])
        st.caption(_("服务器上的模型：{models}", models=plain(shown)))
