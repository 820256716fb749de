"""Several teachers that share the tasks of a run by weight."""

from collections.abc import Mapping

import streamlit as st

from pages.shared.kept import kept
from pages.shared.teacher_numbers import FORM
from pages.shared.teacher_pick import checked_choice
from pages.shared.text import plain
from pages.shared.usable import some_of, within
from tianji_core.i18n import _
from tianji_core.teachers import Provider, TeacherChoice, WeightedTeacher


def teacher_mix(providers: Mapping[str, Provider], first: TeacherChoice) -> tuple[WeightedTeacher, ...]:
    """Draws the choice of further teachers and their weights; returns the chosen teacher and these."""
    offers = {
        f"{provider.key} / {entry.name}": (provider, entry)
        for provider in providers.values()
        if not provider.offline
        for entry in provider.models
        if (provider.key, entry.name) != (first.provider, first.model)
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
            _("权重 {name}", name=plain(name)),
            0.1,
            1000.0,
            1.0,
            0.5,
            **kept(FORM, f"weight_{name}", within(0.1, 1000.0)),
        )
        if name in picked:
            provider, entry = offers[name]
            choice = checked_choice(
                provider=provider.key,
                model=entry.name,
                timeout=first.timeout,
                requests_per_minute=provider.requests_per_minute,
                tokens_per_minute=provider.tokens_per_minute,
            )
        else:
            choice = first
        mix.append(WeightedTeacher(choice=choice, weight=weight))
    return tuple(mix)
