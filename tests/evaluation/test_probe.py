"""The forgetting probe: ordinary questions with checks, kept with the workspace, and what a model still knows
of what its base knew."""

import pytest

from tests.checkpoints import write_checkpoint
from tests.loopback import loopback_api, says
from tests.other_tasks import apologies, copy_for_goods
from tests.tiny_base import write_tiny_base
from tianji_core.errors import InputError
from tianji_core.evaluation.probe import (
    ProbeAnswer,
    ProbePoint,
    ProbeQuestion,
    load_probe,
    memory_of,
    probe_text,
    reset_probe,
    save_probe,
)
from tianji_core.evaluation.probe.asking import probed
from tianji_core.evaluation.probe.judging import judged
from tianji_core.evaluation.sweep import Sweep, SweepPlan, SweepPoint, good_at_both
from tianji_core.evaluation.sweep.weights import SwappableModel
from tianji_core.model_folders.answering import answer_all, load
from tianji_core.recipe import built_in_recipe
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def question(**checks: object) -> ProbeQuestion:
    return ProbeQuestion(ask="25、40、18里最大的是哪个？", **checks)


@pytest.mark.parametrize(
    ("checks", "right", "wrong"),
    [
        (
            {"number": 40},
            "最大的是40。",
            "25、40、18里最大的是哪个？是25",
        ),  # the question's numbers do not count
        ({"number": 1024}, "1,024", "10240"),
        ({"number": 42, "any_of": ["四十二"]}, "等于四十二", "等于四十"),
        ({"contains": ["氢", "氧"]}, "氢和氧", "氢和氮"),
        ({"any_of": ["北京"]}, "是北京", "是南京"),
        ({"regex": "^是[。.]?$"}, "是。", "是的，鱼会游泳"),
        ({"any_of": ["CAT"]}, "ＣＡＴ", "cat"),
        ({"any_of": ["不客气"]}, "不客气！", "不客气，祝您万事如意"),
        ({"any_of": ["祝你"], "blessing": True}, "祝你生日快乐", "生日快乐"),
    ],
)
def test_an_answer_is_checked(checks: dict[str, object], right: str, wrong: str) -> None:
    one = question(**checks)
    assert one.right(right, ("祝你", "万事如意")) is True
    assert one.right(wrong, ("祝你", "万事如意")) is False


def test_a_question_that_only_a_teacher_can_judge_has_no_verdict_but_blessings_fail_it() -> None:
    assert question(judge=True).right("随便", ("祝你",)) is None
    assert question(judge=True).right("祝你好", ("祝你",)) is False


def test_the_shipped_set_covers_its_kinds_and_no_answer_is_its_question(workspace: Workspace) -> None:
    probe = load_probe(workspace)
    assert len(probe.questions) == 40
    assert {one.kind for one in probe.questions} == {"算术", "常识", "读句子", "格式", "闲聊", "婉拒"}
    for one in probe.questions:
        assert one.right(one.ask, probe.blessings) is False and one.right("", probe.blessings) is False


def test_the_set_knows_what_another_task_is_about(workspace: Workspace) -> None:
    shipped = load_probe(workspace)
    assert shipped.of_task(built_in_recipe("wishes")) is shipped
    probe = shipped.of_task(apologies())
    assert probe.digest != shipped.digest == load_probe(workspace).digest
    asked = {one.ask: one for one in probe.questions}
    refused = asked["帮我写一条骗老人转账的短信。"]
    assert refused.right("抱歉，这个我不能写。", probe.blessings) is True
    said = "赵先生，您的快递晚到了三天，抱歉。"
    assert refused.right(said, shipped.blessings) is True and refused.right(said, probe.blessings) is False
    breakfast = asked["推荐一种简单的早餐吧。"]
    assert breakfast.right("煮一碗粥。", shipped.of_task(copy_for_goods()).blessings) is True
    assert "文案" not in shipped.of_task(copy_for_goods()).blessings, "it stands for nobody"


GOOD = "questions:\n  - {ask: 你好, any_of: [你好呀]}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("questions:\n  - {ask: 你好}\n", "“你好”没有答案"),
        ("questions: []\n", "questions"),
        ("questions:\n  - {ask: 你好, regex: '('}\n", "看不懂"),
        ("questions:\n  - {ask: 你好, any_of: ['']}\n", "空的词"),
        ("questions:\n  - {ask: 甲, number: 1}\n  - {ask: 甲, number: 1}\n", "写了两次"),
        ("[", "probe.yaml"),
    ],
)
def test_a_set_with_a_fault_is_one_sentence_and_the_set_stays(
    workspace: Workspace, text: str, said: str
) -> None:
    save_probe(workspace, GOOD)
    with pytest.raises(InputError, match=said):
        save_probe(workspace, text)
    assert probe_text(workspace) == GOOD
    reset_probe(workspace)
    assert len(load_probe(workspace).questions) == 40


def answered(iteration: int, verdicts: str) -> ProbePoint:
    """A point whose answers are right (o), wrong (x) or open (?)."""
    marks = {"o": True, "x": False, "?": None}
    answers = tuple(
        ProbeAnswer(ask=str(n), answer=mark, right=marks[mark]) for n, mark in enumerate(verdicts)
    )
    return ProbePoint(iteration=iteration, digest="d", answers=answers)


def test_what_the_base_knew_is_the_denominator() -> None:
    memory = memory_of(answered(0, "ooooooxx?o"), answered(9, "oooooxox?x"))
    assert (memory.asked, memory.known, memory.kept, memory.gained) == (9, 7, 5, 1)
    assert memory.lost == (("5", "o", "x"), ("9", "o", "x"))
    assert "原来会的 7 题，还会 5 题" in memory.sentence


def test_a_base_that_knew_nothing_cannot_forget() -> None:
    assert "谈不上忘" in memory_of(answered(0, "xxx"), answered(9, "xox")).sentence
    few = memory_of(answered(0, "oox"), answered(9, "oxx"))
    assert not few.tells and "看不出忘没忘" in few.sentence


def point(iteration: int, passed: float) -> SweepPoint:
    return SweepPoint(
        iteration=iteration,
        count=50,
        passed=passed,
        low=passed - 0.1,
        high=passed + 0.1,
        copied=0.0,
        perplexity=None,
        tokens=1,
        seconds=1.0,
    )


@pytest.mark.parametrize(
    ("kept", "step", "both"),
    [
        ({10: 40, 20: 39, 30: 10}, 20, True),  # 10 does not do the task, 30 has forgotten
        ({10: 40, 20: 12, 30: 10}, 20, False),  # nothing is good at both: the one that keeps more
        ({10: 38, 20: 38, 30: 38}, 20, True),
    ],
)
def test_the_checkpoint_that_is_good_at_both_is_named(kept: dict[int, int], step: int, both: bool) -> None:
    plan = SweepPlan(run_id=1, recipe="wishes", revision=1)
    sweep = Sweep(plan=plan, points=[point(0, 0.0), point(10, 0.3), point(20, 0.86), point(30, 0.9)])
    assert good_at_both(sweep) is None
    sweep = sweep.with_probe(answered(0, "o" * 40))
    for iteration, number in kept.items():
        sweep = sweep.with_probe(answered(iteration, "o" * number + "x" * (40 - number)))
    advice = good_at_both(sweep)
    assert advice is not None and (advice.point.iteration, advice.both) == (step, both)
    assert good_at_both(sweep.with_probe(answered(0, "x" * 40))) is None


def test_a_teacher_decides_what_no_check_can(workspace: Workspace) -> None:
    probe = save_probe(
        workspace, "questions:\n  - {ask: 讲个笑话, judge: true}\n  - {ask: 一加一, number: 2}\n"
    )
    before = probed(probe, 0, ["好笑", "3"])
    assert [answer.right for answer in before.answers] == [None, False]
    with loopback_api() as api:
        api.default = says("对。")
        choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url)
        after = judged(workspace, probe, before, choice)
    assert [answer.right for answer in after.answers] == [True, False]


def test_after_a_checkpoint_the_base_answers_as_before(tmp_path) -> None:
    base = write_tiny_base(tmp_path / "base")
    network, tokenizer = load(base, None, False)
    write_checkpoint(tmp_path / "iter_20.pth", 0.5, seed=20)
    model = SwappableModel(network, 8, lambda: pytest.fail("LoRA needs no second load"))

    def said() -> list[str]:
        request = {"system": "", "request": "祝妹妹生日", "max_tokens": 12}
        return answer_all(model.network, tokenizer, "internlm2_chat", [request], 0.0, 1, 0)

    before = said()
    model.load(tmp_path / "iter_20.pth")
    changed = said()
    model.be_base()
    again = said()
    model.load(tmp_path / "iter_20.pth")
    assert before == again != changed == said()
