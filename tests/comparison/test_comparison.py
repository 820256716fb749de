"""From a filled board to marks, ballots, scores, preference pairs, samples and a report."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.comparison.boards import BAD, COPIED, GOOD, filled
from tianji_core.comparison import (
    Ask,
    ballots,
    board_report,
    by_model,
    by_style,
    check_board,
    choose,
    export_preferences,
    heat_maps,
    judgement,
    read_asks,
    same_verdicts,
    take_chosen,
    totals,
    undecided,
    winners,
)
from tianji_core.errors import InputError
from tianji_core.evaluation.checks import Checker
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe
from tianji_core.store import samples, votes
from tianji_core.store.samples import SampleFilter
from tianji_core.store.votes import NONE, TEACHER, TIE
from tianji_core.workspace import Workspace


@pytest.fixture(scope="module")
def recipe() -> Iterator[Recipe]:
    yield load_recipe(built_in_recipes()["wishes"])


def test_every_answer_carries_its_marks_and_every_column_its_totals(recipe: Recipe) -> None:
    board = filled(recipe, [[GOOD, COPIED], [GOOD, ""], [BAD, BAD]])
    seen = Checker(recipe, [("大舅", COPIED)])
    checked = check_board(board, lambda model: seen if model == "旧" else Checker(recipe))
    texts = [[mark.sign for mark in one.marks()] for one in checked]
    assert texts[0] == [f"✓ {len(GOOD)} 字", "0 个表情", "✓ 称谓", "✓ 您或你", "✓ 场景", "✓ 风格"]
    assert texts[1][-1] == "✗ 照抄训练数据"
    assert texts[3][0] == "✗ 3 字，应为 20–60" and "✗ 称谓" in texts[3]
    assert checked[2].verdict is None and checked[2].passed is None  # nobody knows whom a free text is for
    new, old = totals(board, checked)
    assert (new.answered, new.failed, new.checked, new.passed, new.copied) == (3, 0, 2, 0.5, 0.0)
    assert (old.answered, old.failed, old.copied, old.rate) == (2, 1, 0.5, 5.0)
    first = heat_maps(board, checked)[0]
    assert (first.model, first.names, first.scenes) == ("新", ("大舅", "母亲"), ("生日", "春节"))
    assert first.values == ((1.0, None), (None, 0.0))


def test_a_ballot_hides_names_keeps_its_order_and_counts_for_all_who_wrote_the_same(recipe: Recipe) -> None:
    board = filled(recipe, [[GOOD, BAD, GOOD]], ("甲", "乙", "丙"))
    (ballot,) = ballots(board)
    assert [cell.text for cell in ballot.cells] == [GOOD, BAD]
    assert ballot.shuffled(board, "我") == ballot.shuffled(board, "我")
    orders = {tuple(c.text for c in ballot.shuffled(board, f"某{n}")) for n in range(20)}
    assert len(orders) == 2
    found = choose(board, ballot, ballot.cells[0])
    assert {(vote.winner, vote.loser) for vote in found} == {("甲", "乙"), ("丙", "乙")}
    assert winners(board, found) == {(0, 0, 0), (0, 2, 0)}
    assert ballots(filled(recipe, [[GOOD, GOOD]])) == []


def test_votes_become_scores_and_a_second_judge_is_measured(workspace: Workspace, recipe: Recipe) -> None:
    board = filled(recipe, [[GOOD, BAD], ["甲好", "乙好"], ["一", "二"]])
    one, two, three = ballots(board)
    votes.decide(workspace.engine, choose(board, one, one.cells[0]), "我")
    votes.decide(workspace.engine, undecided(board, two, TIE), "我")
    votes.decide(workspace.engine, undecided(board, three, NONE), "我")
    votes.decide(workspace.engine, choose(board, one, one.cells[0]), "评委", TEACHER)
    votes.decide(workspace.engine, choose(board, two, two.cells[1]), "评委", TEACHER)
    people = votes.listed(workspace.engine, "wishes")
    standings = by_model(people)
    assert [(row.player, row.wins, row.losses, row.ties) for row in standings.rows] == [
        ("新", 1, 0, 1),
        ("旧", 0, 1, 1),
    ]
    assert standings.none == 1 and standings.ballots == 2 and standings.needed > 0
    assert standings.rows[0].low < standings.rows[0].score < standings.rows[0].high
    assert by_style(people).rows == ()
    both = same_verdicts(people, votes.listed(workspace.engine, "wishes", TEACHER))
    assert (both.judged, both.share) == (2, 0.5)


def test_one_click_is_one_vote_and_a_changed_mind_replaces_it(workspace: Workspace, recipe: Recipe) -> None:
    board = filled(recipe, [["一", "二", "三", "四"]], ("甲", "乙", "丙", "丁"))
    (ballot,) = ballots(board)
    votes.decide(workspace.engine, choose(board, ballot, ballot.cells[0]), "我")
    votes.decide(workspace.engine, choose(board, ballot, ballot.cells[1]), "我")
    votes.decide(workspace.engine, choose(board, ballot, ballot.cells[0]), "别人")
    said = votes.listed(workspace.engine, "wishes")
    assert len(said) == 6 and {(vote.who, vote.winner) for vote in said} == {("我", "乙"), ("别人", "甲")}
    standings = by_model(said)
    assert standings.ballots == 2
    first, second, *rest = standings.rows
    assert {first.player, second.player} == {"甲", "乙"} and first.score == pytest.approx(second.score)
    assert all(one.score < first.score for one in rest)


def test_two_temperatures_of_one_model_are_two_players(workspace: Workspace, recipe: Recipe) -> None:
    board = filled(recipe, [["一", "二", "三"], ["四", "五", "六"]], ("甲", "甲", "乙"))
    board.columns[1] = board.columns[1].model_copy(update={"temperature": 0.0})
    said = [vote for ballot in ballots(board) for vote in choose(board, ballot, ballot.cells[0])]
    votes.decide(workspace.engine, said, "我")
    scored = by_model(votes.listed(workspace.engine, "wishes"))
    assert [one.player for one in scored.rows] == ["甲 · T=0.7 · top_p=0.9", "乙", "甲 · T=0"]
    assert (scored.rows[0].wins, scored.ballots) == (4, 2)
    alone = by_model([vote for vote in said if "乙" in (vote.winner, vote.loser)])
    assert [one.player for one in alone.rows] == ["甲", "乙"]  # a name says only what tells players apart
    prompted = [replace(vote, system="写祝福") for vote in said]
    assert len(by_model([*said, *prompted]).rows) == 6


def test_equal_answers_of_a_greedy_model_are_one_answer(recipe: Recipe) -> None:
    board = filled(recipe, [["同", "同", "同", "别"]], ("甲", "甲", "甲", "乙"))
    (ballot,) = ballots(board)
    assert len(ballot.cells) == 2
    (one,) = choose(board, ballot, ballot.cells[0])
    assert by_model([one]).rows[0].wins == 1


def test_pairs_are_read_by_a_trainer_and_chosen_answers_are_reviewed(
    workspace: Workspace, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="还没有可以导出的偏好对"):
        export_preferences(workspace, "wishes", tmp_path / "none.jsonl")
    board = filled(recipe, [[GOOD, BAD], ["甲好", "乙好"], ["一", "二"]])
    one, two, three = ballots(board)
    votes.decide(workspace.engine, choose(board, one, one.cells[0]), "我")
    votes.decide(workspace.engine, choose(board, two, two.cells[0]), "我")
    votes.decide(workspace.engine, choose(board, two, two.cells[1]), "别人")  # disagreement teaches nothing
    votes.decide(workspace.engine, undecided(board, three, TIE), "我")
    assert export_preferences(workspace, "wishes", tmp_path / "text.jsonl") == 1
    export_preferences(workspace, "wishes", tmp_path / "chat.jsonl", "messages")
    from datasets import load_dataset

    cache = str(tmp_path / "cache")
    text = load_dataset("json", data_files=str(tmp_path / "text.jsonl"), split="train", cache_dir=cache)
    assert text[0] == {"system": "送祝福", "prompt": "祝大舅生日", "chosen": GOOD, "rejected": BAD}
    chat = load_dataset("json", data_files=str(tmp_path / "chat.jsonl"), split="train", cache_dir=cache)
    assert [turn["role"] for turn in chat[0]["prompt"]] == ["system", "user"]
    assert chat[0]["chosen"] == [{"role": "assistant", "content": GOOD}]
    assert take_chosen(workspace, recipe) == (3, 0)
    assert take_chosen(workspace, recipe) == (0, 3)
    kept = {s.output: s for s in samples.page(workspace.engine, SampleFilter("wishes"))}
    assert (kept[GOOD].name, kept[GOOD].scene, kept[GOOD].state) == ("大舅", "生日", "pending")


def test_a_report_needs_nothing_else_and_runs_nothing(workspace: Workspace, recipe: Recipe) -> None:
    board = filled(recipe, [[GOOD, '<script>alert("x")</script>'], ["好", ""]])
    (first, *_rest) = ballots(board)
    votes.decide(workspace.engine, choose(board, first, first.cells[0]), "我")
    page = board_report(recipe, board, lambda _model: Checker(recipe), judgement(workspace, board))
    assert "<script" not in page and "&lt;script&gt;" in page
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?://", page)
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    assert "🏅" in page and "连不上" in page and "送祝福" in page and "@media print" in page


def test_questions_come_out_of_a_file_and_a_wrong_file_says_where(recipe: Recipe) -> None:
    asks = [Ask(name="大舅", scene="生日"), Ask(text="祝您健康")]
    table = "称谓,场景,问题\n大舅,生日,\n,,祝您健康\n".encode("utf-8-sig")
    objects = [{"name": "大舅", "scene": "生日"}, "祝您健康"]
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in objects)
    assert read_asks(recipe, "a.csv", table) == asks
    assert read_asks(recipe, "a.jsonl", lines.encode()) == asks
    parted = [Ask(text="祝您\u2028健康"), Ask(text="平安")]
    assert read_asks(recipe, "a.jsonl", '"祝您\u2028健康"\r\n\r\n"平安"'.encode()) == parted
    assert read_asks(recipe, "a.txt", "祝您健康\n\n".encode()) == asks[1:]
    trained = [{"conversation": [{"system": "", "input": "祝您健康", "output": "好"}]}]
    assert read_asks(recipe, "a.json", json.dumps(trained).encode()) == asks[1:]
    for file, data, reason in (
        ("a.pdf", b"", "要的是 .txt"),
        ("a.csv", "甲,乙\n1,2\n".encode(), "第一行要有列名"),
        ("a.json", b'{"a": 1}', "应当是一个 JSON 列表"),
        ("a.json", b"[1]", "第 1 项应当是一句话"),
        ("a.json", b"[", "不是合法的 JSON"),
        ("a.txt", "祝您健康".encode("gbk"), "不是 UTF-8"),
        ("a.txt", b"", "没有问题"),
        ("a.csv", "称谓,场景\n大舅,登月\n".encode(), "没有场景“登月”"),
        ("a.csv", "称谓,场景\n大舅,生日\n大舅,\n".encode(), "第 2 个问题是空的"),
        ("a.txt", ("祝" * 100_000).encode(), "有 100,000 个字"),
        ("a.json", b"[" * 100_000, "套得太深"),
        ("a.jsonl", b"9" * 5_000, "数字太长"),
        ("a.csv", "问题\n".encode() + b"a" * 200_000, "不是合法的 CSV"),
    ):
        with pytest.raises(InputError, match=reason):
            read_asks(recipe, file, data)
