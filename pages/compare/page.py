"""对比: asking several models the same questions in several styles, and voting for the better answers."""

from collections.abc import Callable
from datetime import datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.compare.blind import blind_part
from pages.compare.boards import comparer
from pages.compare.checkpoint_sweep import sweep_part
from pages.compare.failing import failing_part
from pages.compare.matrix import column_title, show_learnt, show_matrix
from pages.compare.new_board import Comparison, checkpoint_part, comparison_form
from pages.compare.own_votes import own_votes
from pages.compare.relearn import relearn_part
from pages.compare.scores import check_part, take_part
from pages.compare.verdict import verdict_part
from pages.compare.votes import judge_part, vote_part
from pages.shared.answer_marks import Checkers
from pages.shared.cell_words import style_words
from pages.shared.chat_choice import endpoints
from pages.shared.chat_servers import server_panel
from pages.shared.clock import SECOND, local_time
from pages.shared.frame import current_recipe, report_errors
from pages.shared.header import page_header
from pages.shared.kept_files import forget_files
from pages.shared.linked_model import nothing_to_ask
from pages.shared.other_services import linked_service
from pages.shared.text import plain
from pages.shared.training_part import training_part
from pages.shared.visitors import reviewer_name, role
from tianji_core import models
from tianji_core.comparison import (
    Board,
    Cell,
    Checked,
    ballot_of,
    board_keys,
    choose,
    judgement,
    plan_board,
    winners,
)
from tianji_core.comparison.matrix import matrix_columns
from tianji_core.i18n import _
from tianji_core.roles import Role, permitted
from tianji_core.store import votes
from tianji_core.store.votes import Vote

workspace = page_header(
    "compare",
    _("对比"),
    _("同样的问题同时问几个模型、几种{kinds}，并排看，选出更好的那条；票数会记下来。", kinds=style_words()),
)
training_part(workspace)
stored = current_recipe()
recipe = stored.recipe
checkers = Checkers(workspace, stored)
running = comparer(workspace, str(workspace.home))
VIEWS = {
    "new": _("✍️ 新的对比"),
    "grid": _("⚖️ 并排"),
    "blind": _("🙈 盲评"),
    "scores": _("🏆 成绩"),
    "sweep": _("📈 检查点扫描"),
}
if role() < Role.OWNER:  # only the owner asks models
    del VIEWS["new"], VIEWS["sweep"]


def form() -> None:
    """Draws the form of a new comparison and the button that starts it."""
    linked_service(workspace)
    known = endpoints(workspace)

    comparison = comparison_form(workspace, recipe, known, models.titles(workspace))
    line = st.container(horizontal=True, vertical_alignment="center", key="compare_begin")
    empty = not comparison.cells
    pressed = False
    if known:
        size = _(
            "开始对比（{rows} 个问题 × {columns} 列 × {each} 条 = {n} 条）",
            rows=len(comparison.asks),
            columns=len(comparison.columns),
            each=comparison.candidates,
            n=comparison.cells,
        )
        label = _("开始对比") if empty else size
        pressed = line.button(label, key="compare_start", type="primary", icon="⚖️", disabled=empty)
        if empty:
            line.caption(_missing(comparison))
    else:
        with line:
            nothing_to_ask(workspace, _("和它的基座"), several=True)
    with st.expander(_("模型服务：换模型、停止、接别的服务"), icon="🔌", key="compare_servers"):
        server_panel(workspace, {_("把检查点变成可比的模型"): lambda: checkpoint_part(workspace)})
    if pressed:
        with report_errors():
            board = plan_board(
                recipe,
                comparison.asks,
                comparison.columns,
                recipe.prompts.system,
                comparison.sampling,
                comparison.candidates,
            )
            running.start(board)
            forget_files("compare_file")
            st.query_params["board"] = board.key
            st.session_state["_compare_view"] = "grid"
            st.rerun()


def _missing(comparison: Comparison) -> str:
    """What is still to choose before a comparison can start."""
    return _("先选一个模型和一种写法。") if comparison.asks else _("先选一个问题，或自己写。")


def pressed(board: Board, cell: Cell) -> None:
    """Stores the vote for a cell of the grid; withdraws it where it is stored already."""
    ballot = ballot_of(board, cell)
    if ballot is None:
        st.toast(_("这一行没有别的答案可以比"), icon="🤷")
        return
    best = next(answer for answer in ballot.cells if answer.text.strip() == cell.text.strip())
    verdicts, who = choose(board, ballot, best), reviewer_name(workspace)
    decided = votes.pairs(workspace.engine, board.recipe, {answer.text for answer in ballot.cells}, who)
    with permitted(Role.REVIEWER):
        if all(verdict.pair in decided for verdict in verdicts):
            votes.withdraw(workspace.engine, verdicts, who)
        else:
            votes.decide(workspace.engine, verdicts, who)
    st.rerun()


def grid(key: str, beside: DeltaGenerator) -> None:
    """Draws the answers side by side, again every 0.7 seconds while they stream in; the choice of a model to
    compare the others with is drawn ``beside`` that of the board."""
    names = models.titles(workspace)
    columns = enumerate(matrix_columns(running.board(key)))
    titles = {at: column_title(column, names) for at, column in columns}
    reference = None
    if len(titles) > 1:
        reference = beside.selectbox(
            _("标出和哪一列的不同"),
            list(titles),
            index=None,
            format_func=lambda at: titles.get(at, ""),
            key=f"compare_reference_{key}",
            placeholder=_("不标"),
        )

    @st.fragment(run_every=None if running.board(key).ended else 0.7)
    def drawn() -> None:
        with report_errors():
            board = running.board(key)
            head, body = (
                st.container(),
                st.container(),
            )  # the answers stay in their place when the progress bar disappears
            if not board.ended:
                line = head.columns([5, 1], vertical_alignment="center")
                line[0].progress(
                    board.finished / len(board.cells),
                    text=_("已答完 {done}/{total} 条", done=board.finished, total=len(board.cells)),
                )
                if line[1].button(_("停止"), key="compare_stop", icon="⏹️", width="stretch"):
                    running.stop(key)
            elif not ended_before:
                st.rerun()
            with body:
                people = judgement(workspace, board).people
                cell = show_matrix(checkers, board, winners(board, people), names, reference)
            if cell is not None:
                pressed(board, cell)

    ended_before = running.board(key).ended
    missing = sum(not cell.answered for cell in running.board(key).cells) if ended_before else 0
    if missing and st.button(_("重问没答上的 {n} 格", n=missing), key="compare_retry", icon="🔁"):
        running.retry(key)
        st.rerun()
    drawn()
    show_learnt(workspace, running.board(key), names)


def scores(board: Board) -> None:
    """Draws the verdict with one's own votes, what can be taken away, and the details of both."""
    checked, people = checkers.board(board), votes.listed(workspace.engine, recipe.key)
    verdict_part(board, checked, people, models.titles(workspace))
    if role() >= Role.REVIEWER:
        texts, who = {cell.text for cell in board.cells if cell.answered}, reviewer_name(workspace)
        mine = votes.between(workspace.engine, recipe.key, texts, who=who)
        own_votes(board, mine, models.titles(workspace))
    if not people and role() >= Role.REVIEWER:
        _step_to("blind", "to_blind", _("下一步：盲评，投出哪个更好"), "🙈")
    if role() is Role.OWNER:
        failing_part(workspace, board, checked)
        if not take_part(workspace, recipe, board, checkers) and people:
            _step_to("new", "to_next", _("下一步：换一个模型再比一次"), "✍️")
    details(board, checked, people)


def details(board: Board, checked: list[Checked], people: list[Vote]) -> None:
    """Draws the details of the votes, of which there are some, those of the checks, and further voters."""
    parts: dict[str, Callable[[], None]] = {}
    names = models.titles(workspace)
    if people:
        parts[_("票数和分数的明细")] = lambda: vote_part(workspace, recipe)
    if any(answer.verdict is not None for answer in checked):
        parts[_("检查的明细")] = lambda: check_part(recipe, board, checked, names)
    if role() is Role.OWNER:
        parts[_("再练一次")] = lambda: relearn_part(workspace, recipe)
        parts[_("请模型当第二个评委")] = lambda: judge_part(workspace, board)
    for tab, part in zip(st.tabs(list(parts)), parts.values(), strict=True) if parts else ():
        with tab:
            part()


def _step_to(name: str, key: str, title: str, icon: str) -> None:
    st.button(title, key=key, type="primary", icon=icon, on_click=_view, args=(name,))


def chosen_board(board_names: list[str]) -> str:
    """Draws the choice of a comparison, board_names in the address; returns its key."""
    linked = st.query_params.get("board", "")
    current = linked if linked in board_names else board_names[0]
    shown = st.selectbox(
        _("哪一次对比"),
        board_names,
        index=board_names.index(current),
        format_func=lambda key: local_time(datetime.strptime(key[:15], "%Y%m%d-%H%M%S"), SECOND),
        key=f"board_{current}",
    )
    if shown != current:
        st.query_params["board"] = shown
        st.rerun()
    return shown


def _view(name: str) -> None:
    st.session_state["_compare_view"] = name


def no_board(view: str) -> None:
    """Draws the first step where there is no comparison yet."""
    st.info(
        _(
            "还没有对比过。选好问题、模型和{kinds}，点“开始对比”，答案会同时一个字一个字地出来。",
            kinds=style_words(),
        ),
        icon="⚖️",
    )
    if view != "new" and "new" in VIEWS:
        new = _("去开始一次对比")
        st.button(new, key="to_new", type="primary", icon="✍️", on_click=_view, args=("new",))


board_names = board_keys(workspace)
if "_compare_view" in st.session_state:  # a widget's value can only be set before it is drawn
    st.session_state["view"] = st.session_state.pop("_compare_view")
asked = st.query_params.get("view", "")
view = st.segmented_control(
    _("看什么"),
    list(VIEWS),
    default=asked if asked in VIEWS else "grid" if board_names or "new" not in VIEWS else "new",
    required=True,
    format_func=VIEWS.__getitem__,
    key="view",
    label_visibility="collapsed",
)
if asked != view:
    st.query_params["view"] = view
with report_errors():
    if view == "new":
        form()
        if not board_names:
            no_board(view)
    elif view == "sweep":
        sweep_part(workspace, stored)
    elif not board_names:
        no_board(view)
    else:
        line = st.container(key="board_choice").columns(2 if view == "grid" else 1)
        with line[0]:
            shown = chosen_board(board_names)
            if who := running.board(shown).who:
                st.caption(_("开始的人：{who}", who=plain(who)))
        if view == "grid":
            grid(shown, line[1])
        elif view == "blind":
            blind_part(workspace, running.board(shown))
        else:
            scores(running.board(shown))
if role() is Role.OWNER:
    st.page_link("pages/train/page.py", label=_("不满意？回去补数据、再训练一次"), icon="🏋️")
