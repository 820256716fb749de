"""Choosing a teacher or several: provider, model, address, whether its key is there, sampling and speed."""

import asyncio
from dataclasses import dataclass

import streamlit as st
from pydantic import ValidationError

from pages.shared.frame import report_errors
from pages.shared.kept import kept, note
from pages.shared.teacher_numbers import FORM, price_inputs, sampling_inputs, speed_inputs
from pages.shared.text import plain
from pages.shared.usable import among, any_text, some_of, within
from tianji_core import teachers
from tianji_core.errors import SettingsError
from tianji_core.i18n import _, _c
from tianji_core.recipe import explain
from tianji_core.teachers import ModelEntry, Provider, SamplingPlan, TeacherChoice, WeightedTeacher
from tianji_core.workspace import Workspace

OPEN_NEXT = "_open_provider"
"""Where a form leaves the provider that should be chosen after the coming rerun."""


@dataclass(frozen=True)
class TeacherSetup:
    """What the form says; ``mix`` has the prices and limits as the person may have corrected them."""

    provider: Provider
    mix: tuple[WeightedTeacher, ...]
    sampling: SamplingPlan
    concurrency: int

    @property
    def offline(self) -> bool:
        """Whether nothing goes over the network."""
        return self.provider.offline and len(self.mix) == 1


def teacher_form(workspace: Workspace, several: bool = True) -> TeacherSetup:
    """Draw the form and return what it says; ``several`` offers to share the work among teachers.

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
    _key_line(workspace, provider)
    with st.expander(_("采样、并发和价格")):
        sampling, speed = sampling_inputs(provider), speed_inputs(provider)
        entry = price_inputs(provider, entry)
    choice = _choice(
        provider=provider.key,
        model=model,
        base_url=base_url,
        timeout=speed.timeout,
        requests_per_minute=speed.requests_per_minute,
        tokens_per_minute=speed.tokens_per_minute,
        input_price=entry.input_price,
        output_price=entry.output_price,
    )
    _connection(workspace, provider, choice)
    mix = _with_others(known, choice) if several else (WeightedTeacher(choice=choice),)
    return TeacherSetup(provider, mix, sampling, speed.concurrency)


def _with_others(known: dict[str, Provider], first: TeacherChoice) -> tuple[WeightedTeacher, ...]:
    """The chosen teacher, and those that share the work with it by weight."""
    offers = {
        f"{of.key} / {entry.name}": (of, entry)
        for of in known.values()
        if not of.offline
        for entry in of.models
        if (of.key, entry.name) != (first.provider, first.model)
    }
    picked = st.multiselect(
        _("还让这些模型一起写"),
        list(offers),
        **kept(FORM, "more_teachers", some_of(offers)),
        placeholder=_("可以不选；选了就按权重分任务"),
        help=_("每条任务按权重分给其中一个模型，同一个种子分法不变；写完可以比较各个模型。"),
    )
    if not picked:
        return (WeightedTeacher(choice=first),)
    mix = []
    for column, name in zip(
        st.columns(len(picked) + 1), [f"{first.provider} / {first.model}", *picked], strict=True
    ):
        weight = column.number_input(
            _("权重 {name}", name=name),
            0.1,
            1000.0,
            1.0,
            0.5,
            **kept(FORM, f"weight_{name}", within(0.1, 1000.0)),
        )
        if name in picked:
            of, entry = offers[name]
            choice = _choice(
                provider=of.key,
                model=entry.name,
                timeout=first.timeout,
                requests_per_minute=of.requests_per_minute,
                tokens_per_minute=of.tokens_per_minute,
            )
        else:
            choice = first
        mix.append(WeightedTeacher(choice=choice, weight=weight))
    return tuple(mix)


def _choice(**fields: object) -> TeacherChoice:
    try:
        return TeacherChoice.model_validate(fields)
    except ValidationError as error:
        raise SettingsError(explain(error)) from error


def _offline(provider: Provider) -> TeacherSetup:
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
    found = st.session_state.get(f"found_models_{provider.key}", [])
    mine = kept(FORM, f"model_{provider.key}", lambda value: any_text(value) or None)
    typed = st.session_state.get(mine["key"])
    names = list(dict.fromkeys([m.name for m in provider.models] + found + [typed] * bool(typed)))
    model = st.selectbox(
        _c("field", "模型"),
        names,
        index=0 if names else None,
        **mine,
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


def _key_line(workspace: Workspace, provider: Provider) -> None:
    """Whether the key is there, and where to set it."""
    state = teachers.key_state(workspace, provider)
    if state.variable is None:
        st.caption(_("🔓 这个接口不用密钥"))
    elif state.present:
        st.caption(_("🔑 密钥 {variable} 已设置", variable=state.variable))
    elif not state.required:
        st.caption(_("🔓 没有设置密钥 {variable}；接口不要求就不用填", variable=state.variable))
    else:
        left, right = st.columns([3, 1], vertical_alignment="center")
        left.warning(_("还没有密钥：请设置 {variable}", variable=state.variable), icon="🔑")
        right.page_link("pages/settings/page.py", label=_("去设置"), icon="⚙️")


def _connection(workspace: Workspace, provider: Provider, choice: TeacherChoice) -> None:
    if not st.button(_("测试连接"), key="test_connection", icon="🔌"):
        return
    with report_errors(), st.spinner(_("正在连接…")):
        report = asyncio.run(teachers.test_connection(workspace, choice))
        if report.ok:
            st.success(plain(report.message), icon="✅")
            st.session_state[f"found_models_{provider.key}"] = report.models
        else:
            st.error(plain(report.message), icon="⚠️")
        if report.models:
            shown = _("、").join(report.models[:30])
            st.caption(_("服务器上的模型：{models}", models=shown))
