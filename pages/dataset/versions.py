"""Parts of the dataset page: what would be frozen, and one version."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.text import plain
from tianji_core import dataset
from tianji_core.dataset import DatasetVersion
from tianji_core.i18n import _, language
from tianji_core.recipe import Recipe
from tianji_core.store.samples import SOURCE_TITLES, CellCount
from tianji_core.workspace import Workspace

NO_TOOLS = {"displayModeBar": False}
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999", "#000000")
"""The Okabe-Ito colours, told apart with any colour vision."""


def bars(counts: Mapping[str, int], title: str, unknown: str, whole: int = 0) -> go.Figure:
    """Horizontal bars, the longest on top; with ``whole`` each says its share of it, too."""
    pairs = sorted(counts.items(), key=lambda pair: pair[1])
    figure = go.Figure(
        go.Bar(
            x=[number for _key, number in pairs],
            y=[key or unknown for key, _number in pairs],
            text=[f"{number:,} · {number / whole:.0%}" if whole else f"{number:,}" for _k, number in pairs],
            orientation="h",
            marker={"color": PALETTE[0]},
            hovertemplate="%{y}：%{x}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(type="category")
    return _plain(figure, title, height=70 + 28 * len(pairs))


def cells_figure(cells: Sequence[CellCount], recipe: Recipe) -> go.Figure:
    """How many samples every (name, scene) would give; empty cells stay blank."""
    counts = {(cell.name, cell.scene): cell.accepted for cell in cells}
    names = [name.text for name in recipe.names if name.enabled]
    scenes = [scene.text for scene in recipe.scenes if scene.enabled]
    rows = [[counts.get((name, scene), 0) or None for scene in scenes] for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=rows,
            x=scenes,
            y=names,
            colorscale="Blues",
            xgap=2,
            ygap=2,
            text=[[number or "" for number in row] for row in rows],
            texttemplate="%{text}",
            showscale=False,
            hovertemplate="%{y} × %{x}：%{z}<extra></extra>",
        )
    )
    figure.update_xaxes(side="top", tickangle=-45, type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure = _plain(figure, "", height=24 * len(names) + 130)
    return figure.update_layout(margin={"l": 90, "t": 110})


def phrases_figure(phrases: Sequence[tuple[str, float]]) -> go.Figure:
    """The phrases that most texts use, with the share of the texts."""
    shares = dict(reversed(phrases[:15]))
    figure = go.Figure(
        go.Bar(
            x=list(shares.values()),
            y=list(shares),
            text=[f"{share:.1%}" for share in shares.values()],
            orientation="h",
            marker={"color": PALETTE[2]},
            hovertemplate="%{y}：%{x:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(type="category")
    return _plain(figure, _("最常用的词（用到它的样本的份额）"), height=70 + 28 * len(shares))


def lengths_figure(version: DatasetVersion) -> go.Figure:
    """How long the texts of each style are: one row per style, the darker the more of its texts have that length."""
    lengths = version.manifest.get("lengths", {})
    last = max((int(start) for summary in lengths.values() for start in summary["bins"]), default=0)
    starts = range(0, last + 1, 10)
    rows, told = [], []
    for summary in lengths.values():
        counts = [summary["bins"].get(str(start), 0) for start in starts]
        rows.append([number / sum(counts) or None for number in counts])
        told.append([_("{n} 条", n=number) for number in counts])
    median = _("中位 {n} 字")
    figure = go.Figure(
        go.Heatmap(
            z=rows,
            x=[start + 5 for start in starts],
            y=[
                f"{style or _('风格不明')} · {median.format(n=summary['median'])}"
                for style, summary in lengths.items()
            ],
            customdata=told,
            colorscale="Blues",
            ygap=3,
            showscale=False,
            hovertemplate="%{y}：%{x}±5，%{customdata}<extra></extra>",
        )
    )
    figure.update_yaxes(type="category", showgrid=False)
    return _plain(figure, _("各风格的字数分布"), height=max(200, 90 + 30 * len(rows)))


def _plain(figure: go.Figure, title: str, height: int) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 14}} if title else None,
        height=height,
        margin={"l": 10, "r": 10, "t": 40 if title else 10, "b": 10},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def version_card(workspace: Workspace, version: DatasetVersion, recipe: Recipe) -> None:
    """One version: what it is, what can be done with it, and, opened, what is inside."""
    manifest = version.manifest
    with st.container(border=True):
        row = st.columns([3, 1, 1, 1.2], vertical_alignment="center")
        row[0].markdown(f"#### {plain(version.name)}")
        row[0].caption(
            _(
                "{n} 条 · {characters} 字 · {date} · 配方第 {revision} 版",
                n=f"{version.count:,}",
                characters=f"{manifest.get('characters', 0):,}",
                date=version.created_at.strftime("%Y-%m-%d %H:%M UTC"),
                revision=manifest.get("recipe_revision", 0),
            )
            + _held_text(manifest)
            + (f"  \n{plain(version.note)}" if version.note else "")
        )
        if row[1].button(_("校验"), key=f"verify_{version.id}", icon="🛡️", width="stretch"):
            with report_errors():
                dataset.verify(workspace, version)
                remember_notice(_("“{name}”和冻结时一模一样", name=version.name))
                st.rerun()
        with row[2].popover(_("下载"), icon="⬇️", width="stretch"):
            for form, ending in dataset.EXPORT_SUFFIXES.items():
                st.download_button(
                    _(dataset.FORM_TITLES[form]),
                    data=_exporter(workspace, version, form),
                    file_name=f"{version.name}{ending}",
                    key=f"download_{form}_{version.id}",
                    on_click="ignore",
                    width="stretch",
                )
        row[3].page_link(
            "pages/train/page.py",
            label=_("用它训练"),
            icon="🏋️",
            query_params={"dataset": version.name},
        )
        st.caption(f"SHA-256 `{version.sha256}`")
        opened = st.expander(_("里面有什么"), key=f"inside_{version.id}", on_change="rerun")
        if opened.open:
            with opened:
                _inside(workspace, version, recipe)


def _held_text(manifest: Mapping[str, Any]) -> str:
    held = manifest.get("validation")
    return " · " + _("验证集 {n} 条", n=f"{held['count']:,}") if held else ""


def _exporter(workspace: Workspace, version: DatasetVersion, form: str) -> Callable[[], bytes]:
    return lambda: dataset.exported(workspace, version, form)


def _inside(workspace: Workspace, version: DatasetVersion, recipe: Recipe) -> None:
    manifest = version.manifest
    if distinct := manifest.get("distinct_overall"):
        left, middle, bleu, right, last = st.columns(5)
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
        filled = sum(bool(name and scene) for name, scene, _n in manifest["cells"])
        right.metric(_("覆盖的格子"), filled)
        last.metric(_("因为上限没收进来的"), manifest.get("left_out", 0))
    left, right = st.columns(2)
    left.plotly_chart(
        bars(manifest.get("by_style", {}), _("各风格条数"), _("风格不明"), version.count),
        key=f"st_{version.id}",
        config=NO_TOOLS,
    )
    right.plotly_chart(lengths_figure(version), key=f"ln_{version.id}", config=NO_TOOLS)
    left, right = st.columns(2)
    left.plotly_chart(
        bars(manifest.get("by_scene", {}), _("各场景条数"), _("场景不明"), version.count),
        key=f"sc_{version.id}",
        config=NO_TOOLS,
    )
    openings = dict(manifest.get("openings", []))
    right.plotly_chart(
        bars(openings, _("最常见的开头"), _("（空）"), version.count), key=f"op_{version.id}", config=NO_TOOLS
    )
    if found := manifest.get("phrases"):
        right.plotly_chart(phrases_figure(found), key=f"ph_{version.id}", config=NO_TOOLS)
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
