"""The verb that measures how a model server answers many at once."""

from tests.loopback import LoopbackApi, streams


def test_the_verb_prints_a_line_for_each_level(api: LoopbackApi, verb) -> None:
    api.default = streams("祝您", "平安")
    done = verb("load-test", "--url", api.url, "--concurrency", "1,2", "--requests", "3", "--json")
    assert [level["concurrency"] for level in done.json()] == [1, 2] and len(api.requests) == 6
    assert api.requests[0]["model"] == api.models[0] and "祝" in api.requests[0]["messages"][-1]["content"]
    wrong = verb("load-test", "--url", api.url, "--concurrency", "many")
    assert "--concurrency" in wrong.refusal
    for number in (0, 513):
        refused = verb("load-test", "--url", api.url, "--concurrency", f"1,{number}").refusal
        assert refused == "--concurrency 的每个数要在 1 到 512 之间"
