"""What a teacher is sent for one cell, and the training inputs that go with it, as a recipe has them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.kept import kept_number
from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Task, brief, wordings
from tianji_core.recipe.prompts import TOKENS_PER_CHARACTER, estimated_tokens


def style_preview(edited: Recipe, style: str) -> None:
    """Draws the choice of a cell and of a draw, and what they give in the ``style``."""
    head, choices = _head()
    with choices:
        name, scene = _cell(edited)
        draw = st.number_input(
            _("抽样"), 0, 999, 0, help=_("换一次随机注入和示例"), **kept_number("preview_draw", 0, 999, 0)
        )
    _sent(edited, Task(0, name, scene, style, int(draw)), head)


def prompt_preview(edited: Recipe) -> None:
    """Draws the choice of a cell and of a style, and what they give."""
    head, choices = _head()
    with choices:
        name, scene = _cell(edited)
        style = st.selectbox(edited.words.shown().style, [s.text for s in edited.styles], key="preview_style")
    _sent(edited, Task(0, name, scene, str(style), 0), head)


def _head() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draws the line above the preview: the place for its title, and the button behind which one chooses for
    whom and what it is."""
    row = st.container(key="preview_head", horizontal=True, vertical_alignment="center", gap="small")
    head = row.container(width="stretch")
    return head, row.popover(_("换一格看"), icon="🎯")


def _cell(edited: Recipe) -> tuple[str, str]:
    name = st.selectbox(_("给谁"), [n.text for n in edited.names], key="preview_name")
    scene = st.selectbox(_("为了什么"), [s.text for s in edited.scenes], key="preview_scene")
    return str(name), str(scene)


def _sent(edited: Recipe, task: Task, head: DeltaGenerator) -> None:
    preview = brief(edited, task, 0)
    gap = edited.gap(task.style, preview.name.text, preview.scene.text)
    if gap is not None:
        st.warning(
            _("这个格子不写“{style}”：{reason}", style=plain(task.style), reason=plain(gap.reason)), icon="⊘"
        )
    elif edited.matrix().value(preview.name.text, preview.scene.text) < edited.threshold:
        st.warning(_("这个格子低于适配度阈值，不会造数"), icon="⊘")
    cell = [preview.name.text] if edited.receivers else []
    shown = " × ".join(map(plain, (*cell, preview.scene.text, task.style)))
    head.markdown(_("**发给造数模型的原文**") + f"  \n:gray[{shown}]")
    if preview.system:
        st.caption(_("系统消息：{text}", text=plain(preview.system)))
    st.code(preview.prompt, language=None, wrap_lines=True)
    st.caption(
        _(
            "{chars} 字，约 {tokens} tokens（按每字 {rate} 个估算，各家分词不同）",
            chars=len(preview.prompt),
            tokens=estimated_tokens(preview.prompt),
            rate=TOKENS_PER_CHARACTER,
        )
    )
    inputs = wordings(edited, preview.name, preview.scene, preview.style)
    st.markdown(_("**它会配的训练输入**（{n} 种，第一种最常用）", n=len(inputs)))
    st.code("\n".join(inputs), language=None, wrap_lines=True)
