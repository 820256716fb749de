"""The fields that say which accepted samples a version is made of."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.kept import kept
from pages.shared.usable import among, between, some_of, switch
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import runs, samples, steps
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.workspace import Workspace

FORM = "freeze"
"""The name of the form's draft."""
_RUNS = 50
"""The number of generation runs that can be chosen, the newest first."""
_SCORES = (0.0, 5.0)


def filter_fields(workspace: Workspace, recipe: Recipe) -> SampleFilter:
    """Draws the fields, folded, and returns the filter of the accepted samples that they select."""
    engine, key = workspace.engine, recipe.key
    with st.expander(_("只要一部分样本"), icon="🔍"):
        left, right = st.columns(2)
        words = recipe.words.shown()
        styles = _several(left, key, "styles", words.style, [style.text for style in recipe.styles])
        names = _several(right, key, "names", words.name, [name.text for name in recipe.names])
        scenes = _several(left, key, "scenes", words.scene, [scene.text for scene in recipe.scenes])
        models = _several(right, key, "teachers", _("造数模型"), samples.models(engine, key))
        titles = {run.id: run.title for run in runs.listed(engine, key, limit=_RUNS)}
        run = _one(left, key, "run", _("生成批次"), list(titles), lambda one: f"{one} · {titles[one]}")
        sources = samples.SOURCE_TITLES
        source = _one(right, key, "source", _("来源"), list(sources), lambda one: _(sources[one]))
        reviewer = _one(left, key, "reviewer", _("谁动过"), steps.people(engine, key), str)
        low, high = _score(right, key)
        clean = st.checkbox(
            _("只要没有问题、也没有拿不准的"), **kept(FORM, "freeze_clean", switch, False, f"clean_{key}")
        )
    return SampleFilter(
        key,
        states=(ACCEPTED,),
        styles=styles,
        names=names,
        scenes=scenes,
        models=models,
        run_id=run,
        source=source or "",
        reviewer=reviewer or "",
        score=None if (low, high) == _SCORES else (low, high),
        sure=True if clean else None,
    )


def _several(
    column: DeltaGenerator, recipe: str, name: str, label: str, options: Sequence[str]
) -> tuple[str, ...]:
    own = kept(FORM, f"freeze_{name}", some_of(options), [], f"{name}_{recipe}")
    return tuple(column.multiselect(label, options, placeholder=_("全部"), **own))


def _one(
    column: DeltaGenerator,
    recipe: str,
    name: str,
    label: str,
    options: Sequence[Any],
    title: Callable[[Any], str],
) -> Any:
    own = kept(FORM, f"freeze_{name}", among(options), None, f"{name}_{recipe}")
    return column.selectbox(label, options, index=None, format_func=title, placeholder=_("全部"), **own)


def _score(column: DeltaGenerator, recipe: str) -> tuple[float, float]:
    own = kept(FORM, "freeze_score", between(*_SCORES), _SCORES, f"score_{recipe}")
    low, high = column.slider(
        _("模型评分"), *_SCORES, _SCORES, step=0.5, help=_("收窄以后，没有评分的样本不要"), **own
    )
    return low, high
