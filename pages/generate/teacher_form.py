"""The teacher of a run: provider, model, address, key, sampling, speed, and further teachers beside it."""

from dataclasses import dataclass

import streamlit as st

from pages.generate.connection import connection_test, key_line, model_to_choose_key, served_models_key
from pages.generate.teacher_mix import checked_choice, teacher_mix
from pages.shared.kept import kept, note
from pages.shared.teacher_numbers import FORM, price_inputs, sampling_inputs, speed_inputs
from pages.shared.usable import among, any_text, within
from tianji_core import teachers
from tianji_core.i18n import _, _c
from tianji_core.teachers import ModelEntry, Provider, SamplingPlan, TeacherChoice, WeightedTeacher
from tianji_core.workspace import Workspace

OPEN_NEXT = "_open_provider"
"""The key of the session state under which a form leaves the provider to be chosen in the next rerun."""


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


def teacher_form(workspace: Workspace, several: bool = True) -> TeacherSetup:
    """Draws the form and returns what it says; ``several`` offers to share the work among teachers.

    Raises:
        SettingsError: providers.yaml is not valid, or the address cannot be one.
    """
    known = teachers.providers(workspace)
    linked = st.query_params.get("provider", "")
    saved = st.session_state.pop(OPEN_NEXT, None)
    if saved in known or (linked in known and "provider" not in st.session_state):
        st.session_state["provider"] = linked = saved if saved in known else linked
        note(FORM, "provider")
    key = st.selectbox(
        _("造数模型"),
        list(known),
        format_func=lambda name: _(known[name].title) if name in known else name,
        **kept(FORM, "provider", among(known)),
    )
    if key != linked:
        st.query_params["provider"] = key
    provider = known.get(key, next(iter(known.values())))
    if provider.offline:
        return _offline(provider)
    model, base_url = _model_and_address(provider)
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
    mix = teacher_mix(known, choice) if several else (WeightedTeacher(choice=choice),)
    return TeacherSetup(provider, mix, sampling, speed.concurrency)


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
        help=_("离线造句本来不出错；混入一点多余的引号、错用的“您”、跑题的场景，让后面的清洗有事可做。"),
    )
    entry = provider.models[0] if provider.models else ModelEntry(name="offline-composer")
    choice = TeacherChoice(provider=provider.key, model=entry.name, mistakes=percent / 100)
    return TeacherSetup(provider, (WeightedTeacher(choice=choice),), SamplingPlan(), 1)


def _model_and_address(provider: Provider) -> tuple[str, str]:
    """Draws model and address; returns both, the address as '' where it is the provider's own."""
    served = st.session_state.get(served_models_key(provider), [])
    keeping = kept(FORM, f"model_{provider.key}", lambda value: any_text(value) or None)
    if (found := st.session_state.pop(model_to_choose_key(provider), None)) is not None:
        st.session_state[keeping["key"]] = found
        note(FORM, keeping["key"])
    typed = st.session_state.get(keeping["key"])
    names = list(dict.fromkeys([entry.name for entry in provider.models] + served + [typed] * bool(typed)))
    model = st.selectbox(
        _c("field", "模型"),
        names,
        index=0 if names else None,
        **keeping,
        accept_new_options=True,
        placeholder=_("选一个，或输入模型名"),
    )
    base_url = ""
    if provider.editable_url:
        base_url = st.text_input(
            _("接口地址"),
            provider.base_url,
            **kept(FORM, f"base_url_{provider.key}", any_text, provider.base_url),
            placeholder="http://127.0.0.1:8000/v1",
        ).strip()
    return (model or "").strip(), base_url if base_url != provider.base_url else ""
