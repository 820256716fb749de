"""The placeholders of a template: below it those in it, and those that a click adds; and those that fit while
one is typed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from pages.shared.text import plain
from tianji_core.i18n import N_, _

MEANINGS = {
    "name": N_("写给谁"),
    "relation": N_("对方是什么人"),
    "pronoun": N_("您或你"),
    "scene": N_("写什么"),
    "greeting": N_("写的事说成一句话"),
    "style": N_("写法"),
    "suffix": N_("写法的触发后缀"),
    "instruction": N_("写法的要求"),
    "example": N_("抽到的示例"),
    "min_chars": N_("最少字数"),
    "max_chars": N_("最多字数"),
    "line_form": N_("写成一行还是可以分行"),
    "clause": N_("抽到的随机注入"),
    "task": N_("写作任务"),
    "form": N_("回答的格式，读回答要用它"),
    "pairs": N_("几组问答"),
    "file": N_("文件名"),
    "text": N_("那一段文字"),
    "first": N_("甲写的"),
    "second": N_("乙写的"),
    "asked": N_("原来的要求"),
    "problems": N_("清洗查出的毛病；没有就空着"),
    "wish": N_("人另外提的要求；没有就空着"),
    "title": N_("配方名"),
    "receiver": N_("写给谁、怎么称呼，一句话；不写给谁就空着"),
    "scene_title": N_("写的事在这个配方里叫什么"),
    "scenes": N_("要打分的那些"),
    "low": N_("最少字数"),
    "high": N_("最多字数"),
    "others": N_("已经用过的开头；没有就空着"),
    "fault": N_("哪里太像"),
    "orders": N_("要怎么改"),
    "request": N_("人说的那句追问"),
    "meaning": N_("追问的意思，换成字数等；没有就空着"),
    "fact": N_("关于对方的细节，照“细节怎么交代”写；没有就空着"),
}
"""What stands in the place of each placeholder."""


def placeholder_row(key: str, template: str, fields: Sequence[str], noted: Callable[[], None]) -> None:
    """Says which placeholders the template in the widget ``key`` has and draws a button for each further one
    that it can have; a click adds it at the end. ``noted`` is called after that."""
    used = [field for field in fields if f"{{{field}}}" in template]
    if used:
        meanings = "  \n".join(f"`{{{field}}}` {_(MEANINGS[field])}" for field in used)
        st.caption(_("已经用了：{list}", list=" ".join(f"`{{{field}}}`" for field in used)), help=meanings)
    further = [field for field in fields if field not in used]
    if not further:
        return
    with st.container(key=f"places_{key}", horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(_("还可以加："), width="content")
        for field in further:
            st.button(
                plain(f"{{{field}}}"),
                key=f"place_{key}_{field}",
                help=_(MEANINGS[field]),
                on_click=_add,
                args=(key, field, noted),
            )


def offer_placeholders(key: str, fields: Mapping[str, Sequence[str]]) -> None:
    """Offers placeholders while a template is typed, after its "{"; ``fields`` are those of each field, by
    its CSS selector."""
    component = st.components.v2.component(
        "studio_offered_placeholders",
        html="<i hidden></i>",
        js=Path(__file__).with_name("offering.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )
    targets = [
        {"selector": selector, "fields": [{"name": name, "meaning": _(MEANINGS[name])} for name in names]}
        for selector, names in fields.items()
    ]
    component(key=key, data={"targets": targets, "label": _("可以用的占位")}, height=0)


def placeholder_help(fields: Sequence[str]) -> str:
    """Returns the placeholders with their meanings in one line of Markdown."""
    return " · ".join(f"`{{{field}}}` {_(MEANINGS[field])}" for field in fields)


def _add(key: str, field: str, noted: Callable[[], None]) -> None:
    """Callback: adds the placeholder at the end of the template."""
    st.session_state[key] = f"{st.session_state.get(key, '')}{{{field}}}"
    noted()
