"""A comparison as one self-contained HTML page: no scripts, and no files from elsewhere."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tianji_core.comparison.ballots import ballots, identical_answers
from tianji_core.comparison.board import Board, Cell
from tianji_core.comparison.marks import Checked, CheckerOf, HeatMap, Total, check_board, heat_maps, totals
from tianji_core.comparison.scores import Standings, by_model, by_model_and_style, by_style, same_verdicts
from tianji_core.gate import without_secrets
from tianji_core.i18n import _, language
from tianji_core.recipe import Recipe
from tianji_core.review import Agreement
from tianji_core.store import votes
from tianji_core.store.votes import BETTER, PERSON, TEACHER, Vote
from tianji_core.workspace import Workspace

_STYLE = Path(__file__).with_name("report_page.css")
_NOTHING = "—"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page loads nothing, whatever a model wrote."""


@dataclass(frozen=True)
class BoardScores:
    """The votes on one comparison: the people's, the teachers', and how far they agree."""

    people: tuple[Vote, ...]
    teachers: tuple[Vote, ...]

    @property
    def agreement(self) -> Agreement:
        """Their agreement on the pairs that both judged."""
        return same_verdicts(self.people, self.teachers)


def judgement(workspace: Workspace, board: Board) -> BoardScores:
    """Returns the votes on the answers of a board."""
    texts = {cell.text for cell in board.cells if cell.answered}
    people, teachers = (
        tuple(votes.between(workspace.engine, board.recipe, texts, voter)) for voter in (PERSON, TEACHER)
    )
    return BoardScores(people, teachers)


def board_report(
    recipe: Recipe,
    board: Board,
    checker_of: CheckerOf,
    judged: BoardScores,
    learnt: Mapping[str, str] | None = None,
) -> str:
    """Returns the page; ``learnt`` maps models to what they learned from. Everything that a model or a person
    wrote is escaped."""
    checked = check_board(board, checker_of)
    title = _("对比：{recipe}", recipe=recipe.title)
    parts = [
        f"<h1>{escape(title)}</h1>",
        _paragraph(
            _(
                "{date} UTC · {rows} 个问题 × {columns} 列 · 每格 {n} 条",
                date=f"{board.created_at:%Y-%m-%d %H:%M}",
                rows=len(board.asks),
                columns=len(board.columns),
                n=board.candidates,
            )
        ),
        _facts(board, learnt or {}),
        _section(_("每一列的成绩"), _totals(recipe, totals(board, checked))),
        _section(_("每个格子的通过率"), "".join(map(_heat, heat_maps(board, checked)))),
        _section(_("票数和分数"), _scores(recipe, judged)),
        _section(_("全部答案"), _answers(board, checked, judged.people)),
        _paragraph(_("这一页不联网也能打开，可以直接发给别人或打印。")),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{escape(title)}</title>"
    )
    style = f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style>"
    body = "\n".join(parts)
    code = "zh-CN" if language() == "zh" else "en"
    # Answers and errors were masked as they came in, but not those of boards from older releases.
    page = f'<!doctype html>\n<html lang="{code}"><head>{head}{style}</head><body>\n{body}\n</body></html>\n'
    return without_secrets(page)


def _paragraph(text: str) -> str:
    return f'<p class="lead">{escape(text)}</p>'


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}" if body else ""


def _facts(board: Board, learnt: Mapping[str, str]) -> str:
    sampling = board.sampling
    facts = {
        _("系统提示词"): board.system or _NOTHING,
        _("采样"): _(
            "温度 {temperature} · top_p {top_p} · 最多 {tokens} token · 种子 {seed}",
            temperature=_each([column.temperature for column in board.columns], sampling.temperature),
            top_p=_each([column.top_p for column in board.columns], sampling.top_p),
            tokens=sampling.max_tokens or _NOTHING,
            seed=_NOTHING if sampling.seed is None else sampling.seed,
        ),
        _("模型"): _("、").join(dict.fromkeys(column.model for column in board.columns)),
        **{_("{model} 学的是", model=model): told for model, told in learnt.items()},
    }
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def _each(own: Iterable[float | None], of_board: float) -> str:
    """The values that the columns had, each once."""
    values = dict.fromkeys(of_board if value is None else value for value in own)
    return _("、").join(f"{value:g}" for value in values)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(t)}</td>" for t in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _share(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.0%}"


def _number(value: float | None, form: str) -> str:
    return _NOTHING if value is None else format(value, form)


def total_columns(recipe: Recipe) -> list[tuple[str, Callable[[Total], str]]]:
    """Returns (title, value) of what is shown of each column, in this report, on the page and on the command
    line."""
    words = recipe.words.shown()
    about_receiver: list[tuple[str, Callable[[Total], str]]] = [
        (words.name, lambda total: _share(total.person)),
        (_("您或你"), lambda total: _share(total.pronoun)),
    ]
    tone: list[tuple[str, Callable[[Total], str]]] = [(_("助手腔"), lambda total: _number(total.tone, ".2f"))]
    return [
        (_("列"), lambda total: total.title),
        (_("答案"), lambda total: str(total.answered)),
        (_("没答上"), lambda total: str(total.failed)),
        (_("通过率"), lambda total: _share(total.passed)),
        (
            _("95% 区间"),
            lambda total: _NOTHING if total.low is None else f"{total.low:.0%}–{total.high:.0%}",
        ),
        *(about_receiver if recipe.receivers else ()),
        (words.scene, lambda total: _share(total.occasion)),
        (words.style, lambda total: _share(total.style)),
        (_("长短"), lambda total: _share(total.fits)),
        (_("照抄"), lambda total: _share(total.copied)),
        (_("平均字数"), lambda total: _number(total.length, ".0f")),
        (_("平均表情"), lambda total: _number(total.emoji, ".1f")),
        *(tone if recipe.blessings else ()),
        (_("首字（秒）"), lambda total: _number(total.first, ".2f")),
        (_("token/秒"), lambda total: _number(total.rate, ".1f")),
    ]


def _totals(recipe: Recipe, columns: Sequence[Total]) -> str:
    shown = total_columns(recipe)
    return _table(
        [title for title, _value in shown],
        ([value(total) for _title, value in shown] for total in columns),
    )


def _heat(heat: HeatMap) -> str:
    top = "".join(f"<th>{escape(scene)}</th>" for scene in heat.scenes)
    lines = []
    for name, values, counts in zip(heat.names, heat.values, heat.counts, strict=True):
        cells = "".join(map(_heat_cell, values, counts))
        lines.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    table = (
        f'<table class="heat"><thead><tr><th></th>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )
    return f'<h3>{escape(heat.model)}</h3><div class="scroll">{table}</div>'


def _heat_cell(value: float | None, count: int) -> str:
    if value is None:
        return f"<td>{_NOTHING}</td>"
    hue = round(120 * value)
    tooltip = escape(_("{n} 条", n=count))
    return f'<td style="background:hsl({hue} 55% 84%)" title="{tooltip}">{value:.0%}</td>'


def _scores(recipe: Recipe, judged: BoardScores) -> str:
    if not judged.people:
        return ""
    people = judged.people
    tables = (
        (_("模型"), by_model(people)),
        (recipe.words.shown().style, by_style(people)),
        (_("模型和{kind}", kind=recipe.words.shown().style), by_model_and_style(people)),
    )
    parts = [_standings(title, standings) for title, standings in tables if len(standings.rows) > 1]
    both = judged.agreement
    if both.judged:
        agreed = _(
            "模型评委和人都评过 {n} 对，一致 {share}，Cohen κ = {kappa}",
            n=both.judged,
            share=_share(both.share),
            kappa=_number(both.kappa, ".2f"),
        )
        parts.append(_paragraph(agreed))
    return "".join(parts)


def _standings(title: str, standings: Standings) -> str:
    head = [title, _("分数"), _("95% 区间"), _("胜"), _("平"), _("负")]
    lines = [
        [
            standing.player,
            f"{standing.score:.0f}",
            f"{standing.low:.0f}–{standing.high:.0f}",
            str(standing.wins),
            str(standing.ties),
            str(standing.losses),
        ]
        for standing in standings.rows
    ]
    return _table(head, lines)


def _answers(board: Board, checked: Sequence[Checked], people: Sequence[Vote]) -> str:
    by_place = {answer.cell.place: answer for answer in checked}
    chosen = winners(board, people)
    questions = []
    for number, ask in enumerate(board.asks):
        cards = "".join(
            _card(board, cell, by_place.get(cell.place), cell.place in chosen) for cell in board.row(number)
        )
        questions.append(f'<h3>{escape(ask.title)}</h3><div class="cards">{cards}</div>')
    return "".join(questions)


def winners(board: Board, people: Sequence[Vote]) -> set[tuple[int, int, int]]:
    """Returns the places of the answers that were preferred to every other answer of their ballot."""
    better = {(vote.chosen, vote.rejected) for vote in people if vote.outcome == BETTER}
    places = set()
    for ballot in ballots(board):
        for cell in ballot.cells:
            others = [other for other in ballot.cells if other is not cell]
            if all((cell.text, other.text) in better for other in others):
                places |= {same.place for same in identical_answers(board, cell)}
    return places


def _card(board: Board, cell: Cell, checked: Checked | None, won: bool) -> str:
    medal = "🏅 " if won else ""
    head = (
        f'<div class="who">{medal}{escape(board.title(cell))}</div>'
        f'<div class="asked">{escape(cell.request)}</div>'
    )
    if checked is None:
        reason = cell.error or (_("被停下了") if cell.state == "stopped" else _("没有答案"))
        body = f'<p class="fault">{escape(reason)}</p>' + (f"<p>{escape(cell.text)}</p>" if cell.text else "")
    else:
        kinds = {True: "good", False: "bad", None: ""}
        marks = "".join(
            f'<span class="mark {kinds[mark.good]}">{escape(mark.sign)}</span>' for mark in checked.marks()
        )
        body = f"<p>{escape(cell.text.strip())}</p>{marks}"
    return f'<div class="card{" won" if won else ""}">{head}{body}</div>'
