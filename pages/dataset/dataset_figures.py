"""The figures of the dataset page: bars, the samples of every cell, lengths and phrases."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go

from pages.shared.cell_words import style_word, unknown_style
from tianji_core.dataset import DatasetVersion
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.samples import CellCount

NO_TOOLS = {"displayModeBar": False}
"""The plotly configuration without the tool bar."""
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999", "#000000")
"""The Okabe-Ito palette, which any colour vision can tell apart."""

FEW_TO_MANY = [[0.0, "#c6dbef"], [0.5, "#4292c6"], [1.0, "#08306b"]]
"""The colours of the maps: the fewest stand out on a light page, too."""


def bars(counts: Mapping[str, int], title: str, unknown: str, total: int = 0) -> go.Figure:
    """Returns horizontal bars, the longest on top; with ``total`` each also shows its share of the total."""
    pairs = sorted(counts.items(), key=lambda pair: pair[1])
    figure = go.Figure(
        go.Bar(
            x=[number for _key, number in pairs],
            y=[escape(key) or unknown for key, _number in pairs],
            text=[f"{number:,} · {number / total:.0%}" if total else f"{number:,}" for _k, number in pairs],
            orientation="h",
            marker={"color": PALETTE[0]},
            hovertemplate="%{y}：%{x}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(type="category")
    return _laid_out(figure, title, height=70 + 28 * len(pairs))


def cells_figure(cells: Sequence[CellCount], recipe: Recipe) -> go.Figure:
    """Returns the number of accepted samples of every (name, scene); empty cells stay blank."""
    counts = {(cell.name, cell.scene): cell.accepted for cell in cells}
    names = [name.text for name in recipe.names if name.enabled]
    scenes = [scene.text for scene in recipe.scenes if scene.enabled]
    numbers = [[counts.get((name, scene), 0) or None for scene in scenes] for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=numbers,
            x=[escape(scene) for scene in scenes],
            y=[escape(name) for name in names],
            colorscale=FEW_TO_MANY,
            xgap=2,
            ygap=2,
            text=[[number or "" for number in row] for row in numbers],
            texttemplate="%{text}",
            showscale=False,
            hovertemplate="%{y} × %{x}：%{z}<extra></extra>",
        )
    )
    figure.update_xaxes(side="top", tickangle=-45, type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure = _laid_out(figure, "", height=24 * len(names) + 130)
    return figure.update_layout(margin={"l": 90, "t": 110})


def phrases_figure(phrases: Sequence[tuple[str, float]]) -> go.Figure:
    """Returns the 15 most frequent phrases, each with the share of the texts that use it."""
    shares = dict(reversed(phrases[:15]))
    figure = go.Figure(
        go.Bar(
            x=list(shares.values()),
            y=[escape(phrase) for phrase in shares],
            text=[f"{share:.1%}" for share in shares.values()],
            orientation="h",
            marker={"color": PALETTE[2]},
            hovertemplate="%{y}：%{x:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(type="category")
    return _laid_out(figure, _("最常用的词（用到它的样本的份额）"), height=70 + 28 * len(shares))


def lengths_figure(version: DatasetVersion) -> go.Figure:
    """Returns the lengths in characters of the texts of each style, in bins of ten.

    There is one row per style; the darker a bin, the larger the share of the style's texts.
    """
    lengths = version.manifest.get("lengths", {})
    last = max((int(start) for summary in lengths.values() for start in summary["bins"]), default=0)
    starts = range(0, last + 1, 10)
    shares: list[list[float | None]] = []
    labels: list[list[str]] = []
    for summary in lengths.values():
        counts = [summary["bins"].get(str(start), 0) for start in starts]
        shares.append([number / sum(counts) or None for number in counts])
        labels.append([_("{n} 条", n=number) for number in counts])
    median = _("中位 {n} 字")
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[start + 5 for start in starts],
            y=[
                f"{escape(style) or unknown_style()} · {median.format(n=summary['median'])}"
                for style, summary in lengths.items()
            ],
            customdata=labels,
            colorscale=FEW_TO_MANY,
            ygap=3,
            showscale=False,
            hovertemplate="%{y}：%{x}±5，%{customdata}<extra></extra>",
        )
    )
    figure.update_yaxes(type="category", showgrid=False)
    return _laid_out(
        figure, _("各{kind}的字数分布", kind=style_word()), height=max(200, 90 + 30 * len(shares))
    )


def _laid_out(figure: go.Figure, title: str, height: int) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 14}} if title else None,
        height=height,
        margin={"l": 10, "r": 10, "t": 40 if title else 10, "b": 10},
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure
