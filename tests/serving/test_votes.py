"""Verdicts between answers."""

from dataclasses import replace

from tianji_core.store import votes
from tianji_core.store.votes import Vote, VoteTally
from tianji_core.workspace import Workspace

VOTE = Vote("wishes", "送祝福", "祝大舅生日", "新", "正常", "好", "旧", "正常", "差")


def test_the_last_verdict_on_two_answers_counts(workspace: Workspace) -> None:
    votes.decide(workspace.engine, [VOTE], "我")
    assert votes.pairs(workspace.engine, "wishes", {"好", "差"}) == {VOTE.pair}
    other_way = replace(VOTE, winner="旧", loser="新", chosen="差", rejected="好")
    votes.decide(workspace.engine, [other_way], "我")
    assert votes.pairs(workspace.engine, "wishes", {"好", "差"}) == {other_way.pair}
    votes.withdraw(workspace.engine, [VOTE], "我")
    assert votes.pairs(workspace.engine, "wishes", {"好", "差"}) == set()


def test_tally_counts_per_model_and_style(workspace: Workspace) -> None:
    votes.decide(
        workspace.engine,
        [
            VOTE,
            replace(VOTE, chosen="好二", rejected="差二"),
            replace(VOTE, winner="旧", loser="新", chosen="三", rejected="四"),
            replace(VOTE, loser="新", loser_style="严肃", chosen="五", rejected="六"),
            replace(VOTE, recipe="other", chosen="七", rejected="八"),
        ],
        "我",
    )
    assert votes.tally(workspace.engine, "wishes") == [
        VoteTally("新", "正常", 3, 1),
        VoteTally("旧", "正常", 1, 2),
        VoteTally("新", "严肃", 0, 1),
    ]
