"""The teacher of a run: provider, model, address, key, sampling, speed, and further teachers beside it."""

from dataclasses import dataclass

import streamlit as st

from pages.generate.connection import connection_test, key_line, model_to_choose_key, served_models_key
from pages.generate.teacher_mix import teacher_mix
from pages.shared.kept import kept, kept_at, note, stored_value
from pages.shared.teacher_numbers import FORM, price_inputs, sampling_inputs, speed_inputs
from pages.shared.teacher_pick import TeacherPick, checked_choice, default_teacher, remember_teacher
from pages.shared.usable import among, any_text, within
from tianji_core import teachers
from tianji_core.i18n import _, _c
from tianji_core.teachers import ModelEntry, Provider, SamplingPlan, TeacherChoice, WeightedTeacher
from tianji_core.workspace import Workspace

OPEN_NEXT = "_open_provider"
"""The key of the session state under which a form leaves the provider to be chosen in the next rerun."""

_DRAWN = "_teacher_drawn"
"""The key of the session state for the teacher that the form showed last; another one was picked since."""


@dataclass(frozen=True)
class TeacherSetup:
    """What the form says. ``mix`` holds the prices and limits as the person has corrected them."""

    provider: Provider
    mix: tuple[WeightedTeacher, ...]
    sampling: SamplingPlan
    concurrency: int

    @property
    def offline(self) -> bool:
        """Whether the run sends nothing over the network."""
        return self.provider.offline and len(self.mix) == 1


def teacher_form(workspace: Workspace, several: bool = True, refusal: str = "") -> TeacherSetup:
    """Draws the form and returns what it says; ``several`` offers to share the work among teachers. The
    offline composer has no settings where it is of no use, which ``refusal`` says.

    Raises:
        SettingsError: providers.yaml is not valid, or the address cannot be one.
    """
    known = teachers.providers(workspace)
    linked = st.query_params.get("provider", "")
    saved = st.session_state.pop(OPEN_NEXT, None)
    if saved in known or (linked in known and "provider" not in st.session_state):
        st.session_state["provider"] = linked = saved if saved in known else linked
        note(FORM, "provider")
    default = default_teacher(workspace)
    key = st.selectbox(
        _("造数模型"),
        list(known),
        format_func=lambda name: _(known[name].title) if name in known else name,
        **kept_at(FORM, "provider", among(known), default.provider),
    )
    if stored_value(FORM, "provider") is None:  # a refresh must not make the default a choice
        st.query_params.pop("provider", None)
    elif key != linked:
        st.query_params["provider"] = key
    provider = known.get(key, next(iter(known.values())))
    if provider.offline:
        st.session_state[_DRAWN] = TeacherPick(key)
        if refusal and not provider.can_chat:
            return _refused(provider, refusal)
        return _offline(provider)
    follows = stored_value(FORM, "provider") is None and default.provider == key
    model, base_url = _model_and_address(provider, default if follows else TeacherPick(key))
    drawn = TeacherPick(provider.key, model, base_url)
    if not follows and st.session_state.get(_DRAWN) not in (None, drawn):
        remember_teacher(provider, model, base_url)
    st.session_state[_DRAWN] = drawn
    entry = provider.model(model)
    key_line(workspace, provider)
    with st.expander(_("采样、并发和价格")):
        sampling, speed = sampling_inputs(provider), speed_inputs(provider)
        entry = price_inputs(provider, entry)
    choice = checked_choice(
        provider=provider.key,
        model=model,
        base_url=base_url,
        timeout=speed.timeout,
        requests_per_minute=speed.requests_per_minute,
        tokens_per_minute=speed.tokens_per_minute,
        input_price=entry.input_price,
        output_price=entry.output_price,
    )
    connection_test(workspace, provider, choice)
    mix: tuple[WeightedTeacher, ...] = (WeightedTeacher(choice=choice),)
    if several:
        with st.expander(_("几个模型一起写")):
            mix = teacher_mix(known, choice)
    return TeacherSetup(provider, mix, sampling, speed.concurrency)


def _refused(provider: Provider, refusal: str) -> TeacherSetup:
    st.info(refusal, icon="💡")
    st.page_link("pages/settings/page.py", label=_("还没有接口模型？去设置里填一个 Key"), icon="🔑")
    choice = TeacherChoice(provider=provider.key)
    return TeacherSetup(provider, (WeightedTeacher(choice=choice),), SamplingPlan(), 1)


def _offline(provider: Provider) -> TeacherSetup:
    """Draws the setting of the offline composer: the share of planted mistakes."""
    if provider.note:
        st.caption(_(provider.note))
    percent = st.slider(
        _("故意混入的错误"),
        0,
        20,
        3,
        format="%d%%",
        **kept(FORM, "mistakes", within(0, 20)),
        help=_("离线造句本来不出错；混入一点多余的引号、错用的“您”、跑题的内容，让后面的清洗有事可做。"),
    )
    entry = provider.models[0] if provider.models else ModelEntry(name="offline-composer")
    choice = TeacherChoice(provider=provider.key, model=entry.name, mistakes=percent / 100)
    return TeacherSetup(provider, (WeightedTeacher(choice=choice),), SamplingPlan(), 1)


def _model_and_address(provider: Provider, default: TeacherPick) -> tuple[str, str]:
    """Draws model and address; returns both, the address as '' where it is the provider's own."""
    served = st.session_state.get(served_models_key(provider), [])
    names = [entry.name for entry in provider.models] + served
    first = default.model or next(iter(names), "")
    keeping = kept_at(FORM, f"model_{provider.key}", lambda value: any_text(value) or None, first)
    if not st.session_state[keeping["key"]]:
        st.session_state[keeping["key"]] = None
    if (found := st.session_state.pop(model_to_choose_key(provider), None)) is not None:
        st.session_state[keeping["key"]] = found
        note(FORM, keeping["key"])
    typed = st.session_state.get(keeping["key"])
    names = list(dict.fromkeys(names + [typed] * bool(typed)))
    model = st.selectbox(
        _c("field", "模型"),
        names,
        index=None,
        **keeping,
        accept_new_options=True,
        placeholder=_("选一个，或输入模型名"),
    )
    base_url = ""
    if provider.editable_url:
        base_url = st.text_input(
            _("接口地址"),
            **kept_at(FORM, f"base_url_{provider.key}", any_text, default.base_url or provider.base_url),
            placeholder="http://127.0.0.1:8000/v1",
        ).strip()
    return (model or "").strip(), base_url if base_url != provider.base_url else ""
