"""数据集: freeze the accepted samples into immutable versions; import the data of others."""

from collections.abc import Callable

import streamlit as st

from pages.dataset.dataset_figures import NO_TOOLS, bars, cells_figure
from pages.dataset.freeze import balance_fields, compare_versions
from pages.dataset.freeze_filter import FORM, filter_fields
from pages.dataset.importing import import_part
from pages.dataset.unlisted import unlisted_note
from pages.dataset.varying import varying_fields
from pages.dataset.versions import version_card
from pages.shared.bound import bound
from pages.shared.cell_words import share_titles
from pages.shared.frame import current_recipe, remember_notice, report_errors
from pages.shared.header import page_header
from pages.shared.kept import forget, kept, kept_at
from pages.shared.usable import any_text
from tianji_core import dataset
from tianji_core.dataset import Balance, Variation
from tianji_core.i18n import _
from tianji_core.store import datasets, samples
from tianji_core.store.samples import ACCEPTED, PENDING, SampleFilter

workspace = page_header(
    "dataset", _("数据集"), _("把采用的样本冻结成不会再变的训练文件；也可以把别人的数据导入进来审核。")
)
engine = workspace.engine
recipe = current_recipe().recipe
accepted = dataset.accepted(recipe.key)


def freeze_part() -> None:
    """Draws the samples that would be frozen, and the form that freezes them."""
    states = samples.state_counts(engine, SampleFilter(recipe.key))
    if not states[ACCEPTED]:
        st.info(_("还没有采用的样本，所以没有可以冻结的。先审核几条，或者导入现成的数据。"), icon="🌱")
        review, generate = st.columns(2)
        review.page_link(
            "pages/review/page.py", label=_("去审核（{n} 条待审）", n=states[PENDING]), icon="🔎"
        )
        generate.page_link("pages/generate/page.py", label=_("去造数"), icon="✨")
        return
    doubtful = samples.count(engine, SampleFilter(recipe.key, states=(ACCEPTED,), clean=False))
    left, right = st.columns([2, 3], gap="large")
    with left:
        top = st.container(key="freeze_now").columns([2, 3], vertical_alignment="center")
        figure, begin = top[0].empty(), top[1].empty()
        if doubtful:
            st.warning(_("采用的样本里有 {n} 条还带着问题", n=doubtful))
            st.page_link(
                "pages/review/page.py",
                label=_("去看看"),
                icon="🔎",
                query_params={"state": _("采用"), "finding": _("有问题")},
            )
        own = kept_at(
            FORM,
            "version_name",
            any_text,
            dataset.free_version_name(workspace, recipe.key),
            f"name_{recipe.key}",
        )
        words = st.container(key="freeze_words").columns(2)
        name = words[0].text_input(_("名字"), max_chars=60, **own)
        own = kept(FORM, "version_note", any_text, "", f"note_{recipe.key}")
        note = words[1].text_area(_("备注"), height="content", max_chars=500, **own)
        sample_filter = filter_fields(workspace, recipe)
        balance = balance_fields()
        variation = varying_fields(workspace, recipe.key, sample_filter, balance)
        chosen = samples.count(engine, sample_filter)
        figure.metric(
            _("会冻结的样本"),
            f"{chosen:,}",
            _("采用的共 {n} 条", n=f"{states[ACCEPTED]:,}") if chosen != states[ACCEPTED] else None,
            delta_color="off",
            delta_arrow="off",
        )
        label = _("冻结 {n} 条", n=f"{chosen:,}") if chosen else _("冻结")
        with begin:
            pressed = st.button(
                label, key="freeze", type="primary", icon="🧊", width="stretch", disabled=not chosen
            )
        if pressed:
            frozen(name, note, sample_filter, balance, variation)
        styles = samples.style_counts(engine, accepted)
        st.plotly_chart(bars(styles, *share_titles("style")), key="accepted_styles", config=NO_TOOLS)
    with right:
        st.caption(_("每个格子里采用的条数；空白的格子模型学不到"))
        cells = samples.cell_counts(engine, accepted)
        unlisted_note(cells, recipe)
        st.plotly_chart(cells_figure(cells, recipe), key="accepted_cells", config=NO_TOOLS)


def frozen(
    name: str,
    note: str,
    sample_filter: SampleFilter,
    balance: Callable[[], Balance],
    variation: Callable[[], Variation],
) -> None:
    """Freezes what the form says and goes on to the versions; an error is shown in its place."""
    with report_errors(), st.spinner(_("正在写训练文件")):
        version = dataset.freeze(
            workspace, recipe.key, name, sample_filter, note, balance(), variation=variation()
        )
        forget(FORM, {f"name_{recipe.key}": "version_name", f"note_{recipe.key}": "version_note"})
        remember_notice(_("已冻结“{name}”，{n} 条", name=version.name, n=version.count))
        st.session_state["_next_part"] = "versions"
        st.rerun()


def versions_part() -> None:
    """Draws all versions, newest first."""
    versions = datasets.listed(engine, recipe.key)
    if not versions:
        st.info(_("还没有数据集版本。在“冻结”里把采用的样本存成第一个版本。"), icon="🌱")
    if len(versions) > 1:
        with st.expander(_("比较两个版本"), icon="🔀"):
            compare_versions(workspace, versions)
    for version in versions:
        version_card(workspace, version, recipe, urged=version is versions[0])


PARTS = {"freeze": _("冻结"), "versions": _("版本"), "import": _("导入")}
if next_part := st.session_state.pop("_next_part", None):
    st.session_state["part"] = next_part
part = st.segmented_control(
    _("部分"),
    list(PARTS),
    default="freeze",
    required=True,
    **bound("part", PARTS, lambda value: PARTS[value]),
    label_visibility="collapsed",
)
with report_errors():
    {"freeze": freeze_part, "versions": versions_part, "import": lambda: import_part(workspace, recipe.key)}[
        part or "freeze"
    ]()
