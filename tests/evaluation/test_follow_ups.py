"""What a model does when something is asked for after its answer."""

from collections.abc import Sequence

from tests.loopback import LoopbackApi, streams
from tianji_core.evaluation import (
    Checker,
    follow_up_rates,
    follow_up_table,
    followed_up,
    held_out_cases,
    judge,
    server_follow_ups,
)
from tianji_core.evaluation.follow_ups import AskedNext
from tianji_core.evaluation.report import Judged
from tianji_core.recipe import built_in_recipe
from tianji_core.recipe.following import FollowUp, FollowUpKind

WISHES = built_in_recipe("wishes")
ANSWER = "祝您身体健康，平安喜乐，工作顺利，日日都有好消息，岁岁都有好光景。"


def judged(number: int) -> Sequence[Judged]:
    cases = held_out_cases(WISHES, ("正常",), number)
    return judge(cases, [ANSWER] * len(cases), Checker(WISHES, [])).judged


def test_a_model_that_repeats_itself_does_nothing_of_what_was_asked() -> None:
    results = followed_up(WISHES, judged(60), lambda asked: [each.judged.answer for each in asked])
    assert {result.follow_up.kind for result in results} == set(FollowUpKind)
    assert {rate.passed for rate in follow_up_rates(results)} == {0.0}
    assert sum(rate.count for rate in follow_up_rates(results)) == 60


def test_a_model_that_only_shortens_is_right_where_that_was_asked() -> None:
    def shortens(asked: Sequence[AskedNext]) -> Sequence[str]:
        return ["愿您天天舒心，事事如意。"] * len(asked)

    rates = {rate.kind: rate.passed for rate in follow_up_rates(followed_up(WISHES, judged(60), shortens))}
    assert rates[FollowUpKind.SHORTER] == 1.0 and rates[FollowUpKind.LONGER] == 0.0
    assert rates[FollowUpKind.WITHOUT] == 1.0
    assert len(follow_up_table(follow_up_rates(followed_up(WISHES, judged(60), shortens))).splitlines()) == 4


def test_a_server_is_asked_in_the_same_conversation(api: LoopbackApi) -> None:
    api.default = streams("愿您天天", "舒心。")
    ask = server_follow_ups(api.url, "m", concurrency=1)
    (result,) = followed_up(WISHES, judged(1), ask)
    said = api.requests[-1]["messages"]
    assert [message["role"] for message in said] == ["system", "user", "assistant", "user"]
    assert said[2]["content"] == ANSWER and said[3]["content"] == result.follow_up.request
    assert result.answer == "愿您天天舒心。"


def test_the_answer_may_be_as_long_as_the_style_that_is_asked_for(api: LoopbackApi) -> None:
    api.default = streams("愿您天天舒心。")
    long = WISHES.style("祝福长文")
    assert long is not None
    follow_up = FollowUp(FollowUpKind.STYLE, "换成祝福长文风格", long.text)
    server_follow_ups(api.url, "m", concurrency=1)([AskedNext(judged(1)[0], follow_up, long)])
    assert api.requests[-1]["max_tokens"] > long.max_chars
