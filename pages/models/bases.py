"""The catalogue of base models: what each needs, and a button that downloads it."""

import streamlit as st

from pages.models.cards import code_help, code_label
from pages.models.starting import start
from pages.shared.text import badge, plain
from tianji_core import models
from tianji_core.i18n import _
from tianji_core.models import Artefact, KnownBase
from tianji_core.training.machine_checks import gpus
from tianji_core.workspace import Workspace

_SHOWN = 5
"""Bases in sight; the others are folded."""


def known_bases(workspace: Workspace, artefacts: list[Artefact]) -> None:
    """Draws the catalogue, a line for each base; ``artefacts`` are the models that are there already."""
    st.subheader(_("认识的基座"))
    room = max((card.total for card in gpus()), default=0.0) / 1e9
    if room:
        st.caption(_("显存是用 QLoRA 训练的用量，按教程的参数估算。"))
    else:
        st.caption(
            _(
                "显存是用 QLoRA 训练的用量。这台机器没有显卡：先用内置纳米模型练手，或者在“训练 → 高级 → 在哪里训练”里选别的机器。"
            )
        )
    owned = {artefact.title for artefact in artefacts if artefact.kind == "base"}
    bases = models.known_bases()
    for base in bases[:_SHOWN]:
        _row(workspace, base, base.modelscope in owned, room)
    with st.expander(_("另外 {n} 个基座", n=len(bases[_SHOWN:])), icon="🧱", key="more_bases"):
        for base in bases[_SHOWN:]:
            _row(workspace, base, base.modelscope in owned, room)


def _row(workspace: Workspace, base: KnownBase, owned: bool, room: float) -> None:
    """Draws one base; ``room`` is the memory of this machine's largest card in GB."""
    key = base.modelscope.rpartition("/")[2]
    need = base.memory_gb("qlora")
    with st.container(key=f"base_{key}", horizontal=True, vertical_alignment="center", wrap=False):
        title = f"**{plain(base.title)}**"
        if need <= room:
            title += " " + badge(_("这台机器训得了"), "green")
        facts = [_("下载 {n} GB", n=f"{base.size_gb:g}"), _("显存 {n} GB", n=need), _licence(base)]
        with st.container(gap=None):
            st.markdown(title)
            st.caption(plain(" · ".join(facts)))
        if owned:
            st.markdown(_("✅ 已有"), width="content")
            return
        with st.popover(_("下载"), icon="⬇️"):
            _download(workspace, base, key)


def _licence(base: KnownBase) -> str:
    return base.licence + (_("（权重商用需申请）") if base.apply else "")


def _download(workspace: Workspace, base: KnownBase, key: str) -> None:
    """Draws what is good to know before a download, and the button that starts it."""
    need = " / ".join(str(base.memory_gb(method)) for method in ("qlora", "lora", "full"))
    st.markdown(
        _(
            "ModelScope `{modelscope}`  \nHugging Face `{huggingface}`  \n{n} B 参数，对话模板 `{template}`  \n显存：QLoRA / LoRA / 全参数 {need} GB",
            modelscope=base.modelscope,
            huggingface=base.huggingface,
            n=f"{base.billions:.1f}",
            template=base.template,
            need=need,
        )
    )
    st.caption(_("全参数是不拆分时的用量，用 ZeRO-3 可分到几块卡上。"))
    trusted = base.code and st.checkbox(code_label(), key=f"known_trust_{key}", help=code_help())
    if base.code:
        st.caption(_("它自带 Python 代码；现在不勾，下载完也可以在卡片上允许。"))
    if st.button(_("开始下载"), key=f"known_download_{key}", type="primary"):
        start(lambda: models.start_download(workspace, base.modelscope, trust_remote_code=bool(trusted)))
