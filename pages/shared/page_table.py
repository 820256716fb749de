"""The pages of the studio and who reaches each of them."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.shared.visitors import role, visitor
from tianji_core.errors import ForbiddenError
from tianji_core.i18n import N_, _
from tianji_core.roles import Role


class Entry(NamedTuple):
    """A page: its folder under ``pages/`` and path in the address, its title, its icon, and the least role
    that reaches it."""

    name: str
    title: str
    icon: str
    least: Role


PAGES: Mapping[str, Sequence[Entry]] = {
    "": [Entry("home", N_("总览"), "🏮", Role.VIEWER)],
    N_("数据"): [
        Entry("lists", N_("列表"), "📋", Role.OWNER),
        Entry("heatmap", N_("适配度"), "🗺️", Role.VIEWER),
        Entry("generate", N_("造数"), "✨", Role.OWNER),
        Entry("review", N_("审核"), "🔎", Role.VIEWER),
        Entry("dataset", N_("数据集"), "📦", Role.OWNER),
    ],
    N_("模型"): [
        Entry("train", N_("训练"), "🏋️", Role.OWNER),
        Entry("models", N_("模型"), "🧩", Role.OWNER),
        Entry("chat", N_("对话"), "💬", Role.OWNER),
        Entry("compare", N_("对比"), "⚖️", Role.VIEWER),
    ],
    N_("系统"): [
        Entry("jobs", N_("任务"), "⏱️", Role.OWNER),
        Entry("settings", N_("设置"), "⚙️", Role.OWNER),
        Entry("account", N_("账号"), "👤", Role.VIEWER),
    ],
}


def navigation_of() -> dict[str, list[StreamlitPage]]:
    """Returns the pages for ``st.navigation``. Those that the person does not reach are hidden, but known, so
    that a link to one is refused with a sentence."""
    return {
        _(group) if group else "": [_page(entry) for entry in entries] for group, entries in PAGES.items()
    }


def reaches(name: str) -> bool:
    """Whether the person may open the page in the folder ``name``."""
    entries = (entry for group in PAGES.values() for entry in group if entry.name == name)
    return all(role() >= entry.least for entry in entries)


def refuse_page(page: StreamlitPage) -> None:
    """Checks that the person may open the page.

    Raises:
        ForbiddenError: the role is too low.
    """
    entries = {entry.name: entry for entries in PAGES.values() for entry in entries}
    entry = entries[page.url_path or "home"]
    if role() < entry.least:
        raise ForbiddenError(
            _(
                "“{page}”这一页只给{role}；您的角色是{own}",
                page=_(entry.title),
                role=entry.least.title,
                own=role().title,
            )
        )


def _page(entry: Entry) -> StreamlitPage:
    shown = role() >= entry.least and (entry.name != "account" or visitor() is not None)
    visibility: Literal["visible", "hidden"] = "visible" if shown else "hidden"
    path = f"pages/{entry.name}/page.py"
    if entry.name == "home":
        return st.Page(path, title=_(entry.title), icon=entry.icon, default=True)
    return st.Page(path, title=_(entry.title), icon=entry.icon, url_path=entry.name, visibility=visibility)
