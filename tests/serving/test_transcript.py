"""What is sent along with a question, and what a refresh shows."""

import json

from tianji_core.serving import Message
from tianji_core.serving.transcript import (
    KEPT,
    ChatTurn,
    Transcript,
    changing,
    keep_turn,
    load_transcript,
    messages,
    save_transcript,
)
from tianji_core.workspace import Workspace


def turn(number: int, continues: bool = False, answer: str | None = None) -> ChatTurn:
    return ChatTurn(
        request=f"问{number}", answer=f"答{number}" if answer is None else answer, continues=continues
    )


def test_a_new_test_starts_from_nothing_and_a_conversation_from_its_first_turn() -> None:
    said = Transcript(turns=[turn(1), turn(2), turn(3, continues=True), turn(4, continues=True, answer="")])
    assert [each.request for each in said.history()] == ["问2", "问3"]
    assert [each.request for each in said.history(before=1)] == ["问1"]
    assert Transcript().history() == []


def test_messages_hold_system_turns_and_question() -> None:
    assert messages("系统", [turn(1)], "问2") == [
        Message("system", "系统"),
        Message("user", "问1"),
        Message("assistant", "答1"),
        Message("user", "问2"),
    ]


def test_the_newest_turns_survive(workspace: Workspace) -> None:
    assert load_transcript(workspace).turns == []
    save_transcript(workspace, Transcript(turns=[turn(at) for at in range(KEPT + 5)]))
    assert [each.request for each in load_transcript(workspace).turns][:2] == ["问5", "问6"]


def test_rate_counts_the_tokens_after_the_first() -> None:
    assert ChatTurn(request="问", tokens=21, first=1.0, seconds=3.0).rate == 10
    assert ChatTurn(request="问", tokens=1, first=1.0, seconds=3.0).rate is None


def test_an_answer_that_ends_after_the_page_was_cleared_does_not_bring_it_back(workspace: Workspace) -> None:
    first, second = ChatTurn(request="祝大舅春节"), ChatTurn(request="祝您")
    save_transcript(workspace, Transcript(turns=[first, second]))
    first.answer = "大舅春节好！"
    keep_turn(workspace, first)
    assert [turn.answer for turn in load_transcript(workspace).turns] == ["大舅春节好！", ""]
    save_transcript(workspace, Transcript())
    keep_turn(workspace, second)
    assert load_transcript(workspace).turns == []


def test_what_two_tabs_write_stands_side_by_side(workspace: Workspace) -> None:
    shown = ChatTurn(request="祝大舅春节", answer="好", others=["更好"])
    save_transcript(workspace, Transcript(turns=[shown]))
    with changing(workspace) as kept:  # the other tab asks
        kept.turns.append(turn(2, answer="写到一"))
    shown.prefer(0)
    keep_turn(workspace, shown)
    assert [each.answer for each in load_transcript(workspace).turns] == ["更好", "写到一"]


def test_a_talk_from_before_turns_had_keys_can_be_changed(workspace: Workspace) -> None:
    old = Transcript(turns=[turn(1), turn(2)]).model_dump(exclude={"turns": {"__all__": {"key"}}})
    (workspace.home / "chat.json").write_text(json.dumps(old), encoding="utf-8")
    second = load_transcript(workspace).turns[1]
    second.bad = "太长"
    keep_turn(workspace, second)
    assert [each.bad for each in load_transcript(workspace).turns] == ["", "太长"]
