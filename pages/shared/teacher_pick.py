"""A short choice of teacher, provider and model, for every task beside the generation.

A task keeps the teacher that was picked for it. Until then it follows the default of the settings, or, where
none is set, the teacher that was picked last anywhere.
"""

from typing import NamedTuple

import streamlit as st
from pydantic import ValidationError

from pages.shared.frame import current_workspace, report_errors
from pages.shared.kept import held, store_value
from pages.shared.teacher_numbers import SIGNS
from tianji_core import teachers
from tianji_core.drafts import Typed, load_draft
from tianji_core.errors import SettingsError
from tianji_core.generation import Estimate
from tianji_core.i18n import _, _c
from tianji_core.jobs import duration_text
from tianji_core.recipe import explain
from tianji_core.teachers import Provider, TeacherChoice
from tianji_core.workspace import Workspace

FORM = "teachers"
"""The name of the draft that keeps the picks; a group for each task."""
DEFAULT, _LAST = "default", "last"
"""The task whose teacher is the default of the settings; the group of the teacher that was picked last."""


class TeacherPick(NamedTuple):
    """A teacher as it was picked; ``model`` '' is the provider's first, ``base_url`` '' its own address."""

    provider: str
    model: str = ""
    base_url: str = ""


def pick_teacher(
    workspace: Workspace, key: str, why: str = "", last: TeacherChoice | None = None, label: str = ""
) -> TeacherChoice | None:
    """Draws the choice for the task ``key``; returns the teacher, or None while it cannot answer. With
    ``why`` only a teacher that answers any prompt can be picked, and ``why`` is shown for the others.
    ``last`` is chosen where nothing was picked for the task; ``label`` names the field."""
    known = teachers.providers(workspace)
    earlier = TeacherPick(last.provider, last.model, last.base_url) if last is not None else None
    if earlier is not None and earlier.provider not in known:
        earlier = None
    before = _picked(workspace, key, known) or earlier or default_teacher(workspace)
    row = st.columns(2)
    widget = f"{key}_provider"
    st.session_state[widget] = before.provider
    chosen = row[0].selectbox(
        label or _("造数模型"),
        list(known),
        format_func=lambda name: _(known[name].title) if name in known else name,
        key=widget,
        on_change=_note_provider,
        args=(key, widget),
    )
    provider = known[chosen]
    if why and not provider.can_chat:
        st.info(why, icon="🧩")
        return None
    if provider.offline:
        return TeacherChoice(provider=chosen)
    with row[1]:
        model = _model_field(key, provider, before)
    if teachers.key_state(workspace, provider).missing:
        st.warning(_("还没有密钥：请设置 {variable}", variable=provider.key_variable), icon="🔑")
        st.page_link("pages/settings/page.py", label=_("去设置"), icon="⚙️")
        return None
    base_url = _address_field(key, provider, before) if provider.editable_url else ""
    with report_errors():
        return checked_choice(
            provider=chosen,
            model=model,
            base_url=base_url if base_url != provider.base_url else "",
            timeout=180,
        )
    return None


def _model_field(key: str, provider: Provider, before: TeacherPick) -> str:
    own = before.model if before.provider == provider.key else ""
    names = list(dict.fromkeys([*(model.name for model in provider.models), *[own] * bool(own)]))
    widget = f"{key}_model_{provider.key}"
    st.session_state[widget] = own or next(iter(names), None)
    model = st.selectbox(
        _c("field", "模型"),
        names,
        index=None,
        key=widget,
        accept_new_options=True,
        placeholder=_("选一个，或输入模型名"),
        on_change=_note,
        args=(key, widget, provider.key, _model(provider.key)),
    )
    return (model or "").strip()


def _address_field(key: str, provider: Provider, before: TeacherPick) -> str:
    widget = f"{key}_url_{provider.key}"
    st.session_state[widget] = before.base_url or provider.base_url
    arguments = (key, widget, provider.key, _url(provider.key))
    return st.text_input(_("接口地址"), key=widget, on_change=_note, args=arguments).strip()


def default_teacher(workspace: Workspace) -> TeacherPick:
    """The teacher of a task for which none was picked."""
    known = teachers.providers(workspace)
    set_or_last = _picked(workspace, DEFAULT, known) or _picked(workspace, _LAST, known)
    return set_or_last or TeacherPick(next(iter(known)))


def remember_teacher(provider: Provider, model: str, base_url: str = "") -> None:
    """Notes the teacher that was picked last, for the tasks that have none; the offline composer cannot do
    them."""
    if provider.offline:
        return
    for name, value in (
        ("provider", provider.key),
        (_model(provider.key), model),
        (_url(provider.key), base_url),
    ):
        store_value(FORM, name, value or None, _LAST)


def _picked(workspace: Workspace, key: str, known: dict[str, Provider]) -> TeacherPick | None:
    """The teacher that was picked for a task, with the model and address picked for this provider before."""
    part = load_draft(workspace, FORM).part(key)
    provider = _text(part.get("provider"))
    if provider not in known:
        return None
    return TeacherPick(provider, _text(part.get(_model(provider))), _text(part.get(_url(provider))))


def _note_provider(key: str, widget: str) -> None:
    """Callback: keeps the provider that was picked for the task ``key``."""
    if held(widget):
        _remember(key, st.session_state[widget])


def _note(key: str, widget: str, provider: str, name: str) -> None:
    """Callback: keeps the model or the address, as ``name`` says, that was picked for the task ``key`` and
    the provider on screen, which may come from elsewhere."""
    if held(widget):
        store_value(FORM, name, (st.session_state[widget] or "").strip(), key)
        _remember(key, provider)


def _remember(key: str, provider: str) -> None:
    store_value(FORM, "provider", provider, key)
    with report_errors():
        known = teachers.providers(current_workspace())
        if (picked := _picked(current_workspace(), key, known)) is not None:
            remember_teacher(known[picked.provider], picked.model, picked.base_url)


def _model(provider: str) -> str:
    return f"model_{provider}"


def _url(provider: str) -> str:
    return f"url_{provider}"


def _text(value: Typed | None) -> str:
    return value if isinstance(value, str) else ""


def money(workspace: Workspace, choice: TeacherChoice, cost: float | None) -> str:
    """A cost in the currency of the teacher; None means that its prices are not known."""
    if cost is None:
        return _("价格未知")
    sign = SIGNS[teachers.provider(workspace, choice.provider).currency]
    return _("约 {sign}{cost}", sign=sign, cost=f"{cost:.4f}" if cost < 1 else f"{cost:.2f}")


def use_text(workspace: Workspace, choice: TeacherChoice, expected: Estimate) -> str:
    """Returns tasks, cost and time of what is about to start, as Markdown."""
    offline = teachers.provider(workspace, choice.provider).offline
    return _(
        "**{n} 个任务 · {cost} · 约 {time}**",
        n=f"{expected.tasks:,}",
        cost=_("免费") if offline else money(workspace, choice, expected.cost),
        time=duration_text(max(1.0, expected.seconds)),
    )


def checked_choice(**fields: object) -> TeacherChoice:
    """Returns a choice of teacher made of these fields.

    Raises:
        SettingsError: a field is not valid, for example the address.
    """
    try:
        return TeacherChoice.model_validate(fields)
    except ValidationError as error:
        raise SettingsError(explain(error)) from error
