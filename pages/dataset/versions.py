"""One dataset version: what it is, what can be done with it, and what is inside."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.dataset.dataset_figures import NO_TOOLS, bars, cells_figure, lengths_figure, phrases_figure
from pages.shared.cell_words import share_titles, style_word, unknown_style
from pages.shared.clock import MINUTE, local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.push_form import push_popover, push_state
from pages.shared.text import plain, signed
from pages.shared.tone_words import tone_line
from tianji_core import dataset
from tianji_core.dataset import DatasetVersion
from tianji_core.i18n import _, language
from tianji_core.recipe import Recipe
from tianji_core.store.samples import SOURCE_TITLES, CellCount
from tianji_core.workspace import Workspace


def version_card(workspace: Workspace, version: DatasetVersion, recipe: Recipe, urged: bool = False) -> None:
    """Draws a version: its facts, the actions on it, and its contents when they are opened; ``urged`` makes
    training with it what the page asks for."""
    manifest = version.manifest
    with st.container(border=True):
        about, actions = st.columns([3, 4.2], vertical_alignment="center")
        about.markdown(f"#### {plain(version.name)}")
        about.caption(
            _(
                "{n} 条 · {characters} 字 · {date}",
                n=f"{version.count:,}",
                characters=f"{manifest.get('characters', 0):,}",
                date=plain(signed(local_time(version.created_at, MINUTE), version.who)),
            )
            + " · "
            + _recipe_text(manifest)
            + _validation_text(manifest)
            + (f"  \n{plain(version.note)}" if version.note else "")
        )
        with actions:
            _actions(workspace, version, urged)
        st.caption(f"SHA-256 `{version.sha256[:12]}…`", help=version.sha256)
        push_state(workspace, "dataset", version.name)
        opened = st.expander(_("里面有什么"), key=f"inside_{version.id}", on_change="rerun")
        if opened.open:
            with opened:
                _inside(workspace, version, recipe)


def _actions(workspace: Workspace, version: DatasetVersion, urged: bool) -> None:
    with st.container(horizontal=True, key=f"version_actions_{version.id}", gap="small"):
        if st.button(_("校验"), key=f"verify_{version.id}", icon="🛡️", width="stretch"):
            with report_errors():
                dataset.verify(workspace, version)
                remember_notice(_("“{name}”和冻结时一模一样", name=version.name))
                st.rerun()
        with st.popover(_("下载"), icon="⬇️", width="stretch"):
            for form, ending in dataset.EXPORT_SUFFIXES.items():
                st.download_button(
                    _(dataset.FORM_TITLES[form]),
                    data=_exporter(workspace, version, form),
                    file_name=f"{version.name}{ending}",
                    key=f"download_{form}_{version.id}",
                    on_click="ignore",
                    width="stretch",
                )
        push_popover(workspace, "dataset", version.name)
        if st.button(
            _("用它训练"),
            key=f"train_with_{version.id}",
            type="primary" if urged else "secondary",
            icon="🏋️",
            width="stretch",
        ):
            st.switch_page("pages/train/page.py", query_params={"dataset": version.name})


def _recipe_text(manifest: Mapping[str, Any]) -> str:
    revision = manifest.get("recipe_revision", 0)
    return _("配方第 {revision} 版", revision=revision) if revision else _("配方没有改过")


def _validation_text(manifest: Mapping[str, Any]) -> str:
    validation = manifest.get("validation")
    return " · " + _("验证集 {n} 条", n=f"{validation['count']:,}") if validation else ""


def _exporter(workspace: Workspace, version: DatasetVersion, form: str) -> Callable[[], bytes]:
    return lambda: dataset.exported(workspace, version, form)


def _inside(workspace: Workspace, version: DatasetVersion, recipe: Recipe) -> None:
    manifest = version.manifest
    with st.container(key=f"variety_{version.id}"):
        _variety(manifest)
    _distributions(version)
    if cells := manifest.get("cells"):
        st.caption(_("每个格子里有多少条；空白的格子模型学不到"))
        counts = [CellCount(name, scene, 0, number, 0) for name, scene, number in cells]
        st.plotly_chart(cells_figure(counts, recipe), key=f"ce_{version.id}", config=NO_TOOLS)
    card = workspace.home / version.folder / ("README_zh.md" if language() == "zh" else "README.md")
    if card.is_file():
        with st.popover(_("数据卡"), icon="📇", key=f"card_{version.id}"):
            st.code(card.read_text(encoding="utf-8"), language="markdown", wrap_lines=True)
    sources = (f"{_(SOURCE_TITLES.get(k, k))} {n}" for k, n in manifest.get("by_source", {}).items())
    st.caption(_("来源：{sources}", sources=_("，").join(sources)))


def _variety(manifest: Mapping[str, Any]) -> None:
    """Draws how varied the texts are, and how many cells they cover."""
    if distinct := manifest.get("distinct_overall"):
        left, middle, bleu, manner, right, last = st.columns(6)
        left.metric("distinct-1", f"{distinct[0]:.3f}", help=_("不同的字占全部字的份额，越大用字越多样"))
        middle.metric(
            "distinct-2", f"{distinct[1]:.3f}", help=_("不同的两字组合占全部的份额，越大说法越多样")
        )
        if (overlap := manifest.get("self_bleu")) is not None:
            bleu.metric(
                "self-BLEU",
                f"{overlap:.3f}",
                help=_("抽出至多 300 条，每条能用其余各条拼出多少（按字的 BLEU-4 平均），越小越多样"),
            )
        if (heard := manifest.get("assistant_tone_overall")) is not None:
            manner.metric(_("助手腔"), f"{heard:.2f}", help=tone_line())
        filled = sum(bool(name and scene) for name, scene, _n in manifest["cells"])
        right.metric(_("覆盖的格子"), filled)
        last.metric(_("因为上限没收进来的"), manifest.get("left_out", 0))
        if styles := manifest.get("assistant_tone"):
            each = (f"{plain(style) or unknown_style()} {mean:.2f}" for style, mean in styles.items())
            st.caption(
                _("各{kind}的助手腔：{figures}", kind=style_word(), figures=_("，").join(each))
                + "  \n"
                + tone_line()
            )


def _distributions(version: DatasetVersion) -> None:
    """Draws the samples by style, scene, length, opening and phrase."""
    manifest = version.manifest
    left, right = st.columns(2)
    left.plotly_chart(
        bars(manifest.get("by_style", {}), *share_titles("style"), version.count),
        key=f"st_{version.id}",
        config=NO_TOOLS,
    )
    right.plotly_chart(lengths_figure(version), key=f"ln_{version.id}", config=NO_TOOLS)
    left, right = st.columns(2)
    left.plotly_chart(
        bars(manifest.get("by_scene", {}), *share_titles("scene"), version.count),
        key=f"sc_{version.id}",
        config=NO_TOOLS,
    )
    openings = dict(manifest.get("openings", []))
    right.plotly_chart(
        bars(openings, _("最常见的开头"), _("（空）"), version.count), key=f"op_{version.id}", config=NO_TOOLS
    )
    if phrases := manifest.get("phrases"):
        right.plotly_chart(phrases_figure(phrases), key=f"ph_{version.id}", config=NO_TOOLS)
