"""对比: the same questions to several models in several styles, side by side, and which answer is better."""

import streamlit as st

from pages.components.chat import endpoints, sampling_form, server_panel
from pages.components.compare import checker, comparer, show_board, show_tally, verdicts
from pages.components.frame import current_recipe, page_header, report_errors
from tianji_core.i18n import _
from tianji_core.serving.board import Ask, Board, Column, board_keys, plan_board
from tianji_core.store import votes

workspace = page_header(
    _("对比"), _("同样的问题同时问几个模型、几种风格，并排看，选出更好的那条；票数会记下来。")
)
stored = current_recipe()
recipe = stored.recipe
check = checker(recipe, recipe.key, stored.revision)
running = comparer(workspace, str(workspace.home))


def questions(names: list[str], scenes: list[str], free: str) -> list[Ask]:
    """The rows: every name with every scene, then each line of free text."""
    cells = [Ask(name=name, scene=scene) for name in names for scene in scenes]
    return cells + [Ask(text=line.strip()) for line in free.splitlines() if line.strip()]


def form() -> None:
    """What to ask whom; starts a board."""
    known = endpoints(workspace)
    with st.expander(_("模型服务"), expanded=not known, icon="🔌"):
        server_panel(workspace)
    left, right = st.columns(2, gap="large")
    with left:
        names = st.multiselect(
            _("送给谁"),
            [n.text for n in recipe.names if n.enabled],
            [recipe.names[0].text],
            key="compare_names",
        )
        scenes = st.multiselect(
            _("什么场合"),
            [s.text for s in recipe.scenes if s.enabled],
            [recipe.scenes[0].text],
            key="compare_scenes",
        )
        free = st.text_area(_("也可以自己写，一行一个问题"), key="compare_free", height=80)
    with right:
        titles = {f"{each.model} @ {each.url}": each for each in known}
        models = st.multiselect(
            _("模型"),
            list(titles),
            list(titles)[:3],
            format_func=lambda key: titles[key].model,
            key="compare_models" if titles else "compare_models_none",
            placeholder=_("先启动一个模型服务"),
        )
        styles = st.multiselect(
            _("风格"),
            [s.text for s in recipe.styles if s.enabled],
            [s.text for s in recipe.styles if s.enabled][:2],
            key="compare_styles",
        )
        sampling = sampling_form("compare")
    asks = questions(names, scenes, free)
    columns = [
        Column(
            url=titles[key].url, model=titles[key].model, style=style, key_variable=titles[key].key_variable
        )
        for style in styles
        for key in models
    ]
    size = _(
        "开始对比（{rows} 个问题 × {columns} 列 = {n} 条）",
        rows=len(asks),
        columns=len(columns),
        n=len(asks) * len(columns),
    )
    if st.button(size, key="compare_start", type="primary", icon="⚖️", disabled=not (asks and columns)):
        with report_errors():
            board = plan_board(recipe, asks, columns, recipe.prompts.system, sampling)
            running.start(board)
            st.query_params["board"] = board.key
            st.rerun()


def vote(board: Board) -> None:
    """The board with its votes; a press is stored at once, a second one takes it back."""
    answers = {cell.text for cell in board.cells if cell.text}
    decided = votes.pairs(workspace.engine, board.recipe, answers)
    pressed = show_board(check, board, decided)
    if pressed is None:
        return
    found = verdicts(board, pressed)
    if all(each.pair in decided for each in found):
        votes.withdraw(workspace.engine, found)
    else:
        votes.decide(workspace.engine, found, workspace.settings().reviewer)
    st.rerun()


def results(key: str) -> None:
    """A board; while answers come in it redraws itself."""

    @st.fragment(run_every=None if running.board(key).ended else 0.7)
    def drawn() -> None:
        with report_errors():
            board = running.board(key)
            head, body = st.container(), st.container()  # the answers keep their place when the head goes
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
                vote(board)

    ended_before = running.board(key).ended
    drawn()


with report_errors():
    form()
kept = board_keys(workspace)
wanted = st.query_params.get("board", "")
if not kept:
    st.info(_("还没有对比过。选好问题、模型和风格，点“开始对比”，答案会同时一个字一个字地出来。"), icon="⚖️")
else:
    st.divider()
    current = wanted if wanted in kept else kept[0]
    shown = st.selectbox(
        _("哪一次对比（UTC）"),
        kept,
        index=kept.index(current),
        format_func=lambda key: f"{key[:4]}-{key[4:6]}-{key[6:8]} {key[9:11]}:{key[11:13]}:{key[13:15]}",
        key=f"board_{current}",
    )
    if shown != current:
        st.query_params["board"] = shown
        st.rerun()
    with report_errors():
        results(shown)
        if found := votes.tally(workspace.engine, recipe.key):
            st.subheader(_("票数"))
            show_tally(found)
st.page_link("pages/model/train.py", label=_("不满意？回去补数据、再训练一次"), icon="🏋️")
