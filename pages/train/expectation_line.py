"""What to expect of a training before it starts, in one line, and the short trainings that measure it."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.text import plain
from tianji_core.evaluation.expectation import (
    Expectation,
    curve_points,
    expectation,
    sizes_to_measure,
)
from tianji_core.evaluation.experiment import short_trainings, start_experiment
from tianji_core.evaluation.learning_curve import CurvePoint
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import Preset, TrainingSettings
from tianji_core.training.part import samples_of
from tianji_core.workspace import Workspace


@st.cache_data(max_entries=32, show_spinner=False)
def _reckoned(
    _points: list[CurvePoint], known: tuple[tuple[int, int, int], ...], samples: int
) -> Expectation | None:
    """The expectation by ``known``, reckoned once: it takes a tenth of a second."""
    return expectation(_points, samples)


def expectation_line(
    workspace: Workspace, chosen: Preset, settings: TrainingSettings, version: DatasetVersion
) -> Expectation | None:
    """Draws what to expect of the samples by the trainings measured before, or the button that measures it
    with short trainings; returns the expectation, None where too little is known."""
    if settings.pairs:
        return None  # it learns from pairs, whose number is not that of the samples
    points = curve_points(workspace, chosen.key, settings, version)
    samples = samples_of(settings, version)
    known = tuple((point.samples, point.passed, point.count) for point in points)
    told = _reckoned(points, known, samples)
    if told is not None:
        st.caption("📈 " + plain(told.sentence))
        return told
    sizes = sizes_to_measure(samples)
    if len(sizes) < 2:
        return None
    shown = _("、").join(f"{size:,}" for size in sizes)
    pressed = st.button(
        _("先估一估 {samples} 条够不够", samples=f"{samples:,}"),
        key="train_expect",
        icon="📈",
        type="tertiary",
        help=_("用其中 {sizes} 条各训一次，按结果推算全部样本能到多少；共约一次训练的时间。", sizes=shown),
    )
    if pressed:
        with report_errors():
            plan = short_trainings(chosen.key, settings, version, sizes)
            made, _job = start_experiment(workspace, plan)
            remember_notice(_("已开始：{title}", title=made.title))
            st.query_params.from_dict({"experiment": str(made.number)})
            st.rerun()
    return None
