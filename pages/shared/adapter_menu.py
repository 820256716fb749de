"""The adapters of a running model server: loading and unloading them while it answers."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.text import plain
from tianji_core import models, serving
from tianji_core.i18n import _
from tianji_core.serving import ModelRef, RunningServer
from tianji_core.workspace import Workspace


def adapter_menu(workspace: Workspace, server: RunningServer) -> None:
    """Draws the adapters that fit this server's bases, with buttons that load and unload them."""
    known = {model.name: model for model in models.loadable(workspace)}
    bases = {known[name].path for name in server.models if name in known}
    fitting = [model for model in known.values() if model.kind == "adapter" and model.base in bases]
    loaded = [name for name in server.models if name not in server.subject.models]
    if not fitting and not loaded:
        return
    with st.popover(_("适配器：装上或卸下"), key=f"adapters_{server.job.id}"):
        for name in loaded:
            if st.button(_("卸下 {name}", name=plain(name)), key=f"unload_{server.job.id}_{name}", icon="➖"):
                _change(workspace, server, ModelRef(name, ""), load=False)
        for adapter in fitting:
            if adapter.name not in server.models and st.button(
                _("装上 {name}", name=plain(adapter.name)),
                key=f"load_{server.job.id}_{adapter.name}",
                icon="➕",
            ):
                _change(workspace, server, ModelRef(adapter.name, str(adapter.path)), load=True)


def _change(workspace: Workspace, server: RunningServer, adapter: ModelRef, load: bool) -> None:
    with report_errors():
        serving.change_adapter(workspace, server, adapter, load)
        done = _("{name} 已装上", name=adapter.name) if load else _("{name} 已卸下", name=adapter.name)
        remember_notice(done)
        st.rerun()
