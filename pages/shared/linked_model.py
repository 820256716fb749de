"""Chatting with one certain model: it is loaded first, and nothing else answers in its place."""

from typing import Literal

import streamlit as st

from pages.shared.chat_choice import ChatEndpoint
from pages.shared.chat_servers import loading_text
from pages.shared.frame import remember_notice, report_errors
from pages.shared.text import plain
from tianji_core import models, serving
from tianji_core.i18n import _
from tianji_core.serving.opening import loaded_form
from tianji_core.serving.running import RunningServer
from tianji_core.workspace import Workspace


def chat_button(
    workspace: Workspace,
    name: str,
    label: str,
    key: str,
    kind: Literal["primary", "secondary"] = "secondary",
    any_form: bool = False,
) -> None:
    """Draws a button that opens the chat with the model ``name``; a server is started where none has it. With
    ``any_form`` the same checkpoint in another form, merged or as an adapter, answers where it is loaded."""
    if st.button(label, key=key, type=kind, icon="💬", width="stretch"):
        with report_errors():
            name = loaded_form(workspace, name) if any_form else name
            _load(workspace, name)
            st.switch_page("pages/chat/page.py", query_params={"model": name})


def missing_model(workspace: Workspace, known: list[ChatEndpoint]) -> str:
    """Returns the model that the page's address names and no server has ready, '' where there is none. Draws
    how far its loading is, a button that loads it, or that there is no such model."""
    name = st.query_params.get("model", "")
    if not name or any(endpoint.model == name for endpoint in known):
        return ""
    if _serving(workspace, name) is not None:
        _progress(workspace, name)
    elif name not in {model.name for model in models.loadable(workspace)}:
        st.warning(_("没有叫“{name}”的模型；另选一个来回答", name=plain(name)), icon="❓")
    else:
        said = plain(_title(workspace, name))
        st.warning(_("“{name}”还没有加载，不会由别的模型代答", name=said), icon="💤")
        if st.button(
            _("加载“{name}”", name=said), key="load_linked", icon="🚀", type="primary", width="stretch"
        ):
            with report_errors():
                _load(workspace, name)
                st.rerun()
    return name


def nothing_to_ask(workspace: Workspace, then: str, several: bool = False) -> None:
    """Draws what brings a model that can be asked: how far loading one is, the button that loads the one that
    answers surest (``then`` says what for), or the way to the models page. Where ``several`` are wanted an
    adapter is loaded, which brings its base."""
    loading = next((server for server in serving.servers(workspace) if not server.ready), None)
    if loading is not None and loading.models:
        _progress(workspace, loading.models[-1])
        return
    known = models.loadable(workspace)
    adapters = [model.name for model in known if model.kind == "adapter"]
    offered = (adapters if several else [])[:1] or models.ready_first(known)[:1]
    if not offered:
        st.info(_("还没有模型。先下载一个基座，或者训练出一个适配器。"))
        st.page_link("pages/models/page.py", label=_("去模型页"), icon="🧩")
        return
    name = plain(_title(workspace, offered[0]))
    label = _("加载“{name}”{then}", name=name, then=then)
    if st.button(label, key="start_usual", icon="🚀", type="primary"):
        with report_errors():
            _load(workspace, offered[0])
            st.rerun()


def _title(workspace: Workspace, name: str) -> str:
    return models.titles(workspace).get(name, name)


def _serving(workspace: Workspace, name: str) -> RunningServer | None:
    return next((server for server in serving.servers(workspace) if name in server.models), None)


def _load(workspace: Workspace, name: str) -> None:
    if _serving(workspace, name) is None:
        serving.start_default(workspace, [name])
        remember_notice(_("正在加载“{name}”，加载好就可以用", name=_title(workspace, name)))


@st.fragment(run_every=1.0)
@report_errors()
def _progress(workspace: Workspace, name: str) -> None:
    """How far the loading of the model is; draws the page again when it is ready or has failed."""
    server = _serving(workspace, name)
    if server is None or server.ready:
        st.rerun()
    st.info(f"**{plain(_title(workspace, name))}** · {loading_text(workspace, server)}", icon="⏳")
