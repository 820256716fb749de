"""The catalogue of base models: what each needs, and a button that downloads it."""

import streamlit as st

from pages.models.cards import code_help, code_label
from pages.models.starting import start
from pages.shared.text import plain
from tianji_core import models
from tianji_core.i18n import _
from tianji_core.models import Artefact, KnownBase
from tianji_core.workspace import Workspace

_WIDTHS = [3, 1.1, 1.9, 2.6, 2.2, 1.7]


def known_bases(workspace: Workspace, artefacts: list[Artefact]) -> None:
    """Draws the catalogue as a table; ``artefacts`` are the models that are there already."""
    st.subheader(_("认识的基座"))
    st.caption(
        _(
            "显存按教程的参数估算（微批 1、2048 个 token、LoRA 秩 64、激活重算）；全参数一栏是不拆分时的用量，用 ZeRO-3 可分到几块卡上。"
        )
    )
    titles = (_("模型"), _("下载"), _("对话模板"), _("显存：QLoRA / LoRA / 全参数"), _("许可"), "")
    for column, title in zip(st.columns(_WIDTHS, vertical_alignment="bottom"), titles, strict=True):
        column.caption(f"**{title}**" if title else " ")
    owned = {artefact.title for artefact in artefacts if artefact.kind == "base"}
    for base in models.known_bases():
        _row(workspace, base, base.modelscope in owned)
    st.caption(
        _(
            "别的模型也可以下载或登记：认得的架构用它的对话模板，不认得的用分词器自带的（tokenizer），训练时会自己填好。"
        )
    )


def _row(workspace: Workspace, base: KnownBase, owned: bool) -> None:
    columns = st.columns(_WIDTHS, vertical_alignment="center")
    places = f"ModelScope `{base.modelscope}` · Hugging Face `{base.huggingface}`"
    columns[0].markdown(f"**{plain(base.title)}**  \n{base.billions:.1f} B", help=places)
    columns[1].markdown(f"{base.size_gb:g} GB")
    columns[2].markdown(f"`{base.template}`")
    need = " / ".join(str(base.memory_gb(method)) for method in ("qlora", "lora", "full"))
    columns[3].markdown(f"{need} GB")
    columns[4].caption(plain(base.licence) + (_("（权重商用需申请）") if base.apply else ""))
    key = base.modelscope.rpartition("/")[2]
    if owned:
        columns[5].markdown(_("✅ 已有"))
        return
    with columns[5].popover(_("下载"), width="stretch"):
        st.markdown(f"`{base.modelscope}`")
        trusted = base.code and st.checkbox(code_label(), key=f"known_trust_{key}", help=code_help())
        if base.code:
            st.caption(_("它自带 Python 代码；现在不勾，下载完也可以在卡片上允许。"))
        if st.button(_("开始下载"), key=f"known_download_{key}", type="primary"):
            start(lambda: models.start_download(workspace, base.modelscope, trust_remote_code=bool(trusted)))
