"""细节: how often facts are used, and how often each has been."""

from collections.abc import Callable

import streamlit as st

from pages.shared.frame import report_errors
from pages.shared.kept import forget, kept, save_bar
from pages.shared.usable import switch, within
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.recipe.editing import changed
from tianji_core.store import samples
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.workspace import Workspace

Save = Callable[[Recipe, str, Callable[[], None] | None], None]
RULE = "fact_unused"


def facts_settings(recipe: Recipe, revision: int, save: Save) -> None:
    """Draws the share of the tasks that get a fact, and whether training inputs tell it."""
    form = f"facts-{recipe.key}"
    keys = {name: f"{name}_{revision}" for name in ("fact_share", "facts_in_input")}
    saved = round(recipe.fact_share * 100)
    share = st.slider(
        _("给百分之几的任务配一条细节"),
        0,
        100,
        saved,
        5,
        format="%d %%",
        help=_("有合适细节的任务里，抽出这么多；每条细节用到的次数尽量一样。"),
        **kept(form, keys["fact_share"], within(0, 100), saved, "fact_share"),
    )
    told = st.toggle(
        _("训练输入里也写上，例如“…,他刚带完高三”"),
        recipe.facts_in_input,
        **kept(form, keys["facts_in_input"], switch, recipe.facts_in_input, "facts_in_input"),
    )
    unsaved = share != saved or told != recipe.facts_in_input
    if save_bar("save_facts_use", form, unsaved, lambda: forget(form, keys), not unsaved):
        with report_errors():
            new = changed(recipe, fact_share=share / 100, facts_in_input=told)
            save(new, _("细节怎么用"), lambda: forget(form, keys))


def facts_coverage(workspace: Workspace, recipe: Recipe) -> None:
    """Draws how many samples were to use each fact, are accepted, and do not show it."""
    if not recipe.facts:
        return
    every = SampleFilter(recipe.key)
    counts = samples.fact_counts(workspace.engine, every)
    accepted = samples.fact_counts(workspace.engine, SampleFilter(recipe.key, states=(ACCEPTED,)))
    unused = samples.fact_counts(workspace.engine, SampleFilter(recipe.key, rules=(RULE,)))
    texts = list(dict.fromkeys([*(fact.text for fact in recipe.facts), *counts]))
    with st.expander(_("每条细节用了几次"), icon="📊"):
        st.dataframe(
            {
                _("细节"): texts,
                _("样本"): [counts.get(text, 0) for text in texts],
                _("采用"): [accepted.get(text, 0) for text in texts],
                _("没用上"): [unused.get(text, 0) for text in texts],
            },
            hide_index=True,
            width="stretch",
        )
