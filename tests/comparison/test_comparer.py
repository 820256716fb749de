"""Boards: planning, filling them from a real server, keeping them."""

from pathlib import Path

import pytest

from tests.serving.conftest import Server
from tianji_core.comparison import (
    Ask,
    Column,
    Comparer,
    board_keys,
    load_board,
    plan_board,
    request_text,
    save_board,
)
from tianji_core.errors import InputError
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe
from tianji_core.serving import ChatSampling
from tianji_core.workspace import Workspace

ASKS = [Ask(name="大舅", scene="生日"), Ask(text="祝您健康")]


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(built_in_recipes()["wishes"])


def columns(url: str) -> list[Column]:
    return [
        Column(url=url, model=model, style=style) for model in ("base", "red") for style in ("正常", "小红书")
    ]


def test_a_model_is_asked_in_the_words_it_was_trained_on(recipe: Recipe) -> None:
    assert request_text(recipe, ASKS[0], "正常") == "祝大舅生日"
    suffix = recipe.style("小红书").suffix
    assert suffix and request_text(recipe, ASKS[0], "小红书") == f"祝大舅生日{suffix}"
    assert request_text(recipe, ASKS[1], "小红书") == f"祝您健康{suffix}"


def test_every_column_gets_the_same_seed_and_each_candidate_its_own(recipe: Recipe) -> None:
    warm = [
        column.model_copy(update={"temperature": t}) for t in (0.0, 1.2) for column in columns("http://x")
    ]
    board = plan_board(recipe, ASKS, warm, "s", ChatSampling(temperature=0.7), candidates=2)
    assert len(board.cells) == 2 * 8 * 2
    assert board.cell(1, 6, 1).candidate == 1 and board.cell(1, 6, 1).column == 6

    def seeds(draw: int) -> set[int | None]:
        return {board.sampling_of(board.cell(r, c, draw)).seed for r in (0, 1) for c in range(8)}

    assert len(seeds(0)) == len(seeds(1)) == 1 and seeds(0) != seeds(1)
    assert {board.sampling_of(cell).temperature for cell in board.cells} == {0.0, 1.2}
    narrow = board.model_copy(
        update={"columns": [c.model_copy(update={"top_p": 0.5}) for c in board.columns]}
    )
    assert {narrow.sampling_of(cell).top_p for cell in narrow.cells} == {0.5}
    assert narrow.columns[0].title.endswith("T=0 · top_p=0.5")
    assert board.title(board.cell(0, 4, 1)) == "base · 正常 · T=1.2 #2"


def test_what_cannot_be_compared_is_refused(recipe: Recipe) -> None:
    sampling = ChatSampling()
    with pytest.raises(InputError, match="至少选一个"):
        plan_board(recipe, [], columns("http://x"), "s", sampling)
    with pytest.raises(InputError, match="最多比较 400 格"):
        plan_board(recipe, ASKS * 60, columns("http://x"), "s", sampling)
    with pytest.raises(InputError, match="第 2 个问题有 100,000 个字"):
        plan_board(recipe, [ASKS[0], Ask(text="祝" * 100_000)], columns("http://x"), "s", sampling)
    with pytest.raises(InputError, match="第 1 个问题是空的"):
        plan_board(recipe, [Ask(text="  ")], columns("http://x"), "s", sampling)
    with pytest.raises(InputError, match="没有格子“路人 × 生日”"):
        plan_board(recipe, [Ask(name="路人", scene="生日")], columns("http://x"), "s", sampling)


def test_every_cell_gets_its_own_answer_and_a_later_page_finds_it(
    workspace: Workspace, recipe: Recipe, server: Server
) -> None:
    sampling = ChatSampling(temperature=0, max_tokens=12)
    board = plan_board(recipe, ASKS, columns(server.url), "送祝福", sampling)
    comparer = Comparer(workspace)
    comparer.start(board)
    done = comparer.wait(board.key)
    assert [cell.state for cell in done.cells] == ["done"] * 8
    assert len({cell.text for cell in done.cells}) == 8
    assert all(cell.first is not None and cell.tokens for cell in done.cells)
    kept = Comparer(workspace).board(board.key)
    assert [cell.text for cell in kept.cells] == [cell.text for cell in done.cells]
    assert kept.cell(1, 2).request == "祝您健康"
    before = [cell.text for cell in kept.cells]
    kept.cells[5].state, kept.cells[5].text = "stopped", "祝"
    save_board(workspace, kept)
    again = Comparer(workspace)
    again.retry(board.key)
    filled = again.wait(board.key)
    assert [
        cell.text for cell in filled.cells
    ] == before  # only the missing one was asked, and answered the same
    with pytest.raises(InputError, match="没有要重问的"):
        again.retry(board.key)


def test_a_failing_column_says_why_and_the_others_go_on(
    workspace: Workspace, recipe: Recipe, server: Server
) -> None:
    mixed = [
        Column(url=server.url, model="base", style="正常"),
        Column(url=server.url, model="nobody", style="正常"),
        Column(url="http://127.0.0.1:9", model="base", style="正常"),
    ]
    board = plan_board(recipe, ASKS[:1], mixed, "送祝福", ChatSampling(max_tokens=5))
    comparer = Comparer(workspace)
    comparer.start(board)
    cells = comparer.wait(board.key).cells
    assert [cell.state for cell in cells] == ["done", "failed", "failed"]
    assert "nobody" in cells[1].error and "连不上" in cells[2].error


def test_stopping_hangs_up_on_all(workspace: Workspace, recipe: Recipe, server: Server) -> None:
    asks = [Ask(text=f"祝{n}") for n in range(20)]
    board = plan_board(recipe, asks, columns(server.url), "送祝福", ChatSampling(max_tokens=1500))
    comparer = Comparer(workspace)
    comparer.start(board)
    comparer.stop(board.key)
    assert {cell.state for cell in comparer.wait(board.key).cells} == {"stopped"}
    server.wait_idle()


def test_cells_cut_off_by_a_restart_count_as_stopped(workspace: Workspace, recipe: Recipe) -> None:
    board = plan_board(recipe, ASKS, columns("http://x"), "s", ChatSampling())
    board.cells[0].state = "streaming"
    save_board(workspace, board)
    assert board_keys(workspace) == [board.key]
    assert load_board(workspace, board.key).ended
    with pytest.raises(InputError, match="没有编号为"):
        load_board(workspace, "../studio")
    Path(workspace.home / "compare" / f"{board.key}.json").write_text("{")
    with pytest.raises(InputError, match="坏了"):
        load_board(workspace, board.key)
