"""One sample with several wishes becomes several, as one step."""

import pytest

from tianji_core import cleaning
from tianji_core.errors import InputError
from tianji_core.review import pieces_of, split
from tianji_core.store import samples, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.workspace import Workspace


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("1. 生日快乐\n2、平安喜乐\n（3）万事如意", ["生日快乐", "平安喜乐", "万事如意"]),
        ("一、生日快乐\n\n二、平安喜乐", ["生日快乐", "平安喜乐"]),
        ("生日快乐！愿你平安～天天开心！", ["生日快乐！", "愿你平安～天天开心！"]),
        ("祝你2024年平安", ["祝你2024年平安"]),
    ],
)
def test_a_text_falls_apart_into_lines_or_sentences(text: str, pieces: list[str]) -> None:
    assert pieces_of(text) == pieces


def add(workspace: Workspace, text: str) -> samples.Sample:
    number = samples.add(
        workspace.engine, NewSample("wishes", "系统", "祝妹妹生日", text, "妹妹", "生日", "正常")
    )
    assert number is not None
    return samples.get(workspace.engine, number)


def states(workspace: Workspace) -> dict[str, str]:
    return {s.output: s.state for s in samples.page(workspace.engine, SampleFilter("wishes"))}


def test_splitting_is_one_step_in_the_history_of_all_and_is_undone_and_redone(workspace: Workspace) -> None:
    sample = add(workspace, "甲祝福\n乙祝福")
    numbers = split(workspace, sample, ["甲祝福", " 乙祝福 ", "", "甲祝福"], "我")
    done = {"甲祝福\n乙祝福": REJECTED, "甲祝福": PENDING, "乙祝福": PENDING}
    assert states(workspace) == done and len(numbers) == 2
    for number in (sample.id, *numbers):
        (event,) = steps.history(workspace.engine, number)
        assert event.step.action == steps.SPLIT_UP and f"#{numbers[1]}" in event.step.note
    steps.undo(workspace.engine, "wishes", "我")
    assert states(workspace) == {"甲祝福\n乙祝福": PENDING, "甲祝福": REJECTED, "乙祝福": REJECTED}
    steps.redo(workspace.engine, "wishes", "我")
    assert states(workspace) == done


def test_splitting_again_after_undoing_takes_up_the_same_samples(workspace: Workspace) -> None:
    sample = add(workspace, "甲祝福\n乙祝福")
    first = split(workspace, sample, ["甲祝福", "乙祝福"], "我")
    steps.undo(workspace.engine, "wishes")
    assert split(workspace, samples.get(workspace.engine, sample.id), ["甲祝福", "乙祝福"], "我") == first


def test_one_piece_or_nothing_new_is_refused(workspace: Workspace) -> None:
    sample = add(workspace, "甲祝福\n乙祝福")
    with pytest.raises(InputError, match="两条"):
        split(workspace, sample, ["甲祝福", "甲祝福 "], "我")
    for text in ("甲祝福", "乙祝福"):
        add(workspace, text)
    with pytest.raises(InputError, match="已经都是样本"):
        split(workspace, sample, ["甲祝福", "乙祝福"], "我")
    assert samples.get(workspace.engine, sample.id).state == PENDING


def test_a_copy_is_a_step_of_both_and_can_be_undone(workspace: Workspace) -> None:
    sample = add(workspace, "妹妹，生日快乐！愿你平安。")
    steps.set_state(workspace.engine, SampleFilter("wishes", ids=(sample.id,)), ACCEPTED, "我")
    sample = samples.get(workspace.engine, sample.id)
    context = cleaning.current_context(workspace, "wishes")
    number = cleaning.copy_to(workspace, sample, "奶奶", context, "我")
    assert samples.get(workspace.engine, sample.id).state == ACCEPTED
    assert steps.history(workspace.engine, sample.id)[0].step.action == steps.COPIED
    steps.undo(workspace.engine, "wishes", "我")
    assert samples.get(workspace.engine, number).state == REJECTED
