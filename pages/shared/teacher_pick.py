"""A short choice of teacher, provider and model, for every task beside the generation."""

import streamlit as st

from pages.shared.teacher_numbers import SIGNS
from tianji_core import teachers
from tianji_core.i18n import _, _c
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def pick_teacher(
    workspace: Workspace, key: str, why: str = "", last: TeacherChoice | None = None, label: str = ""
) -> TeacherChoice | None:
    """Draws the choice; returns the teacher, or None while it cannot answer. With ``why`` only a teacher
    that answers any prompt can be picked, and ``why`` is shown for the others. ``last`` is chosen at
    first; ``label`` names the field."""
    known = teachers.providers(workspace)
    if last is None or last.provider not in known:
        last = TeacherChoice(provider=next(iter(known)))
    row = st.columns(2)
    chosen = row[0].selectbox(
        label or _("造数模型"),
        list(known),
        index=list(known).index(last.provider),
        format_func=lambda name: _(known[name].title) if name in known else name,
        key=f"{key}_provider",
    )
    provider = known[chosen]
    if why and not provider.can_chat:
        st.info(why, icon="🧩")
        return None
    if provider.offline:
        return TeacherChoice(provider=chosen)
    names = [model.name for model in provider.models]
    before = last if last.provider == chosen else TeacherChoice(provider=chosen)
    if before.model and before.model not in names:
        names.append(before.model)
    model = row[1].selectbox(
        _c("field", "模型"),
        names,
        index=names.index(before.model) if before.model else 0 if names else None,
        key=f"{key}_model_{chosen}",
        accept_new_options=True,
        placeholder=_("选一个，或输入模型名"),
    )
    if teachers.key_state(workspace, provider).missing:
        st.warning(_("还没有密钥：请设置 {variable}", variable=provider.key_variable), icon="🔑")
        st.page_link("pages/settings/page.py", label=_("去设置"), icon="⚙️")
        return None
    base_url = ""
    if provider.editable_url:
        url = before.base_url or provider.base_url
        base_url = st.text_input(_("接口地址"), url, key=f"{key}_url_{chosen}").strip()
    return TeacherChoice(
        provider=chosen,
        model=(model or "").strip(),
        base_url=base_url if base_url != provider.base_url else "",
        timeout=180,
    )


def money(workspace: Workspace, choice: TeacherChoice, cost: float | None) -> str:
    """A cost in the currency of the teacher; None means that its prices are not known."""
    if cost is None:
        return _("价格未知")
    sign = SIGNS[teachers.provider(workspace, choice.provider).currency]
    return _("约 {sign}{cost}", sign=sign, cost=f"{cost:.4f}" if cost < 1 else f"{cost:.2f}")
