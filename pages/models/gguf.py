"""The form that exports a merged model to a GGUF file, and the command that opens such a file."""

import shlex

import streamlit as st

from pages.models.starting import start
from tianji_core import models
from tianji_core.i18n import _
from tianji_core.models import Artefact
from tianji_core.workspace import Workspace


def gguf_form(workspace: Workspace, merged: Artefact) -> None:
    """Draws the format of the file and the button that starts the export."""
    st.caption(
        _(
            "得到一个 GGUF 文件和 Ollama 的 Modelfile，可以在 Ollama、llama.cpp、LM Studio 里用；写好后会和合并模型对照。"
        )
    )
    chosen = st.radio(
        _("格式"),
        models.GGUF_FORMATS,
        key=f"gguf_format_{merged.name}",
        format_func=_format_title,
    )
    if st.button(_("导出 GGUF"), key=f"gguf_{merged.name}", type="primary"):
        start(lambda: models.start_export_gguf(workspace, merged, chosen))


def _format_title(name: str) -> str:
    return {
        "f16": _("f16（和合并模型逐字相同）"),
        "q8_0": _("q8_0（约一半大小）"),
        "q4_k_m": _("q4_k_m（约三成大小，措辞会有些出入）"),
    }[name]


def ollama_command(made: Artefact) -> str:
    """Returns the shell command that gives a GGUF file to Ollama."""
    return f"cd {shlex.quote(str(made.path))} && ollama create {shlex.quote(made.name)} -f Modelfile"
