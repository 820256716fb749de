"""The verdict of a comparison in one sentence, and the picture that shows it."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor

import plotly.graph_objects as go
import streamlit as st

from pages.shared.cell_words import right_words
from pages.shared.text import plain
from tianji_core.comparison import Board, Checked, Standings, by_model, by_style
from tianji_core.i18n import _
from tianji_core.store.votes import Vote

ENOUGH = 0.95
"""The certainty from which on the sentence says that one is better without 'seems'."""
_GREEN, _RED = "#6E9B58", "#B8341F"


def verdict_part(
    board: Board, checked: Sequence[Checked], people: Sequence[Vote], titles: Mapping[str, str]
) -> None:
    """Draws who is better by the votes, else by the checks, and beside each other the scores of the votes and
    the shares of answers that pass, unless none passes. The votes are about the models; where the board has
    only one, about its styles. ``titles`` maps models to what people call them."""
    asked = float(st.session_state.get("score_certainty") or ENOUGH)
    standings = board_standings(board, people, asked)
    shares = passed_by_model(board, checked)
    by_votes = _comparable(standings)
    sentence = votes_sentence(standings, titles) if by_votes else checks_sentence(shares, titles, len(people))
    with st.container(key="verdict_sentence"):
        st.markdown(f"### {sentence}")
        if by_votes:
            st.caption(certainty_text(standings, asked, titles))
    drawn = len(shares) > 1 and any(passed for passed, _number in shares.values())
    if not drawn and by_votes and shares:
        st.caption(checks_sentence(shares, titles, len(people)))
    pictures = st.columns(2, gap="medium") if by_votes and drawn else [st.container()]
    if by_votes:
        pictures[0].plotly_chart(
            score_figure(standings, titles), key="verdict_scores", config={"displayModeBar": False}
        )
        pictures[0].caption(_("票选的分数：点越靠右越好，横线是 95% 区间；1000 是平均。"))
    if drawn:
        pictures[-1].plotly_chart(
            _share_figure(shares, titles), key="verdict_shares", config={"displayModeBar": False}
        )
        pictures[-1].caption(_("通过检查的回答：{right}。", right=right_words()))


def board_standings(board: Board, people: Sequence[Vote], asked: float) -> Standings:
    """Returns the standings that the votes on a board are about: its models, or its styles where it has one
    model. Where those cannot be compared, returns the standings of the models."""
    models = by_model(people, asked)
    if len({column.model for column in board.columns}) == 1:
        styles = by_style(people, asked)
        return styles if _comparable(styles) else models
    return models


def _comparable(standings: Standings) -> bool:
    return len(standings.rows) > 1 and standings.groups == 1


def player_title(player: str, titles: Mapping[str, str]) -> str:
    """Returns what people call a player: its model, and what tells it apart from others of that model."""
    model, dot, rest = player.partition(" · ")
    return titles.get(model, model) + dot + rest


def certainty_text(standings: Standings, asked: float, titles: Mapping[str, str]) -> str:
    """Returns how certain the order of the first two is, and how many more votes make it so certain as
    ``asked``, as Markdown."""
    if standings.certainty is None:
        return ""
    first, second = (plain(player_title(row.player, titles)) for row in standings.rows[:2])
    sure = _(
        "有 {share} 的把握说“{first}”比“{second}”好（{n} 票）。",
        share=f"{floor(100 * min(0.99, standings.certainty) + 1e-9)}%",  # nobody is ever quite certain
        first=first,
        second=second,
        n=standings.ballots,
    )
    if standings.needed == 0:
        return sure + " " + _("已经够 {share} 的把握了。", share=f"{asked:.0%}")
    if standings.needed is None:
        return sure + " " + _("两者看不出差别，再多投票也难分高下。")
    more = _("照现在的差距，约再投 {n} 票就有 {share} 的把握。", n=standings.needed, share=f"{asked:.0%}")
    return f"{sure} {more}"


def votes_sentence(standings: Standings, titles: Mapping[str, str]) -> str:
    """Returns who is better by the votes, as Markdown."""
    first, second = standings.rows[:2]
    one, other = (plain(player_title(row.player, titles)) for row in (first, second))
    compared = first.wins + first.losses + first.ties
    if standings.certainty is None or standings.needed is None:
        return _("“{one}”和“{other}”分不出高下（{n} 票）", one=one, other=other, n=standings.ballots)
    values = {"one": one, "other": other, "n": compared, "wins": first.wins}
    if standings.certainty >= ENOUGH:
        if len(standings.rows) == 2:
            return _("“{one}”比“{other}”好，{n} 次里赢 {wins} 次", **values)
        return _("“{one}”最好，和别的比了 {n} 次，赢 {wins} 次", one=one, n=compared, wins=first.wins)
    return _("“{one}”看来比“{other}”好，{n} 次里赢 {wins} 次，票还不够", **values)


def passed_by_model(board: Board, checked: Sequence[Checked]) -> dict[str, tuple[int, int]]:
    """Returns model → (answers that pass the checks, answers that were checked), in the board's order."""
    found: dict[str, tuple[int, int]] = {}
    for answer in checked:
        if answer.verdict is not None:
            model = board.columns[answer.cell.column].model
            passed, number = found.get(model, (0, 0))
            found[model] = passed + answer.verdict.passed, number + 1
    return found


def checks_sentence(shares: Mapping[str, tuple[int, int]], titles: Mapping[str, str], votes: int) -> str:
    """Returns whose answers pass the checks most often, as Markdown; ``votes`` is how many there are that do
    not say who is better."""
    if not shares:
        return (
            _("还没有可比的：没有一条回答能检查，{n} 票也连不到一起", n=votes)
            if votes
            else _("还没有可比的：没有一条回答能检查，也没有人投票")
        )
    order = sorted(shares, key=lambda model: -shares[model][0] / shares[model][1])
    one = plain(titles.get(order[0], order[0]))
    passed, number = shares[order[0]]
    if len(order) == 1:
        return _("“{one}”的 {n} 条回答里，{passed} 条通过检查", one=one, n=number, passed=passed)
    other = plain(titles.get(order[1], order[1]))
    share, less = (round(100 * shares[model][0] / shares[model][1]) for model in order[:2])
    if share == less:
        return _("“{one}”和“{other}”通过检查的一样多（{share}%）；去盲评投几票分高下", one=one, other=other, share=share)  # fmt: skip
    values = {"one": one, "other": other, "share": share, "less": less}
    if votes:
        return _("“{one}”通过检查的有 {share}%，“{other}”有 {less}%；{n} 票还连不到一起", **values, n=votes)
    return _("“{one}”通过检查的有 {share}%，“{other}”有 {less}%；还没有人投票", **values)


def score_figure(standings: Standings, titles: Mapping[str, str]) -> go.Figure:
    """Returns the scores with their intervals, the best on top."""
    players = standings.rows[::-1]
    figure = go.Figure(
        go.Scatter(
            x=[player.score for player in players],
            y=[escape(player_title(player.player, titles)) for player in players],
            mode="markers",
            marker={"size": 12, "color": _RED},
            error_x={
                "type": "data",
                "array": [player.high - player.score for player in players],
                "arrayminus": [player.score - player.low for player in players],
                "thickness": 2,
                "color": "#b9a08f",
            },
            hovertemplate="%{y}<br>%{x:.0f}<extra></extra>",
        )
    )
    figure.add_vline(x=1000, line={"dash": "dot", "color": "#999", "width": 1})
    figure.update_layout(margin={"l": 8, "r": 16, "t": 8, "b": 8}, height=90 + 42 * len(players))
    figure.update_yaxes(automargin=True)
    return figure


def _share_figure(shares: Mapping[str, tuple[int, int]], titles: Mapping[str, str]) -> go.Figure:
    models = sorted(shares, key=lambda model: shares[model][0] / shares[model][1])
    percent = [round(100 * shares[model][0] / shares[model][1]) for model in models]
    figure = go.Figure(
        go.Bar(
            x=percent,
            y=[escape(titles.get(model, model)) for model in models],
            orientation="h",
            marker={"color": _GREEN},
            text=[f"{value}%" for value in percent],
            textposition="outside",
            cliponaxis=False,
            customdata=[list(shares[model]) for model in models],
            hovertemplate="%{y}<br>%{customdata[0]} / %{customdata[1]}<extra></extra>",
        )
    )
    # The share of a full bar stands in the margin, which is as wide as it on a phone, too.
    figure.update_layout(margin={"l": 8, "r": 48, "t": 8, "b": 8}, height=90 + 42 * len(models), bargap=0.4)
    figure.update_xaxes(
        range=[0, 100], ticksuffix="%", tickvals=[0, 25, 50, 75, 100], showgrid=True, zeroline=True
    )
    figure.update_yaxes(automargin=True)
    return figure
