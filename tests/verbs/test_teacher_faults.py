"""A teacher that refuses, is silent or talks nonsense; and a key that must never be seen anywhere."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.loopback import echoes_key, fails, hangs, says, sends
from tests.processes import until
from tests.verbs.conftest import ended
from tianji_core import generation, jobs
from tianji_core.store import runs, samples
from tianji_core.store.samples import SampleFilter

KEY = "sk-loopback-7f3b9d2c5e8a1046"


def custom(api, *more):
    return "generate", "--provider", "custom", "--base-url", api.url, "--model", "m", *more


def test_a_wrong_key_and_an_unknown_model_end_the_run_at_once(verb, api, workspace):
    api.default = fails(401, "no such key")
    refusal = verb(*custom(api, "--limit", 30)).refusal
    assert "不接受这个密钥" in refusal and "CUSTOM_API_KEY" in refusal
    api.default = fails(404, "model m does not exist")
    assert "没有模型“m”，有的是：loopback-model" in verb(*custom(api, "--limit", 30)).refusal
    assert len(api.requests) < 60
    assert samples.state_counts(workspace.engine, SampleFilter("wishes"))["pending"] == 0
    api.default = says("祝您平安喜乐，万事如意，福寿安康。")
    assert verb("generate", "--resume", 1, "--json").json()["done"] == 30


def test_answers_that_are_none_fail_with_their_reason_and_can_be_asked_again(verb, api, workspace):
    """Each task gets one kind of nonsense, also when it is asked again."""
    nonsense = [
        says(""),
        says({"a": 1}),
        says(5),
        sends(200, "<html>hi</html>"),
        sends(200, {"choices": []}),
        sends(200, "null"),
        hangs(3),
    ]
    met: dict[str, int] = {}

    def reply(handler, body):
        kind = met.setdefault(body["messages"][-1]["content"], len(met) % len(nonsense))
        nonsense[kind](handler, body)

    api.default = reply
    said = verb(*custom(api, "--limit", 7, "--timeout", 1))
    assert (said.code, said.out) == (1, "")
    assert "7 个任务全部失败" in said.failure and "generate --retry 1" in said.failure
    reasons = " ".join(error.example for error in generation.run_state(workspace.engine, 1).errors)
    assert "秒内没有回答" in reasons and ("是空的" in reasons or "读不懂" in reasons)
    api.default = says("祝您平安喜乐，万事如意，福寿安康。")
    assert verb("generate", "--retry", 1, "--json").json() | {"raw": "", "job": 0} == {
        "run": 1,
        "job": 0,
        "done": 7,
        "failed": 0,
        "pending": 0,
        "raw": "",
    }


def test_a_run_that_lacks_some_texts_ends_with_a_failing_code(verb, api):
    refused: list[str] = []

    def reply(handler, body):
        asked = body["messages"][-1]["content"]
        refused[:] = refused or [asked]
        says("" if asked == refused[0] else "祝您平安喜乐，万事如意，福寿安康。")(handler, body)

    api.default = reply
    said = verb(*custom(api, "--limit", 3, "--concurrency", 1, "--json"))
    assert said.code == 1 and json.loads(said.out)["done"] == 2 and json.loads(said.out)["failed"] == 1
    assert "还缺 1 条" in said.failure and "generate --retry 1" in said.failure
    api.default = says("祝您平安喜乐，万事如意，福寿安康。")
    assert verb("generate", "--retry", 1).code == 0


def test_a_key_that_cannot_be_sent_is_refused_before_a_run_is_made(verb, api, workspace, monkeypatch):
    for wrong in ("密钥", "sk-a b", "sk-a\nX-Other: 1"):
        monkeypatch.setenv("CUSTOM_API_KEY", wrong)
        assert "CUSTOM_API_KEY 里有空格、换行或中文" in verb(*custom(api)).refusal
    assert runs.listed(workspace.engine) == [] and api.requests == []


def test_a_key_appears_nowhere_but_in_its_file(verb, started, api, workspace):
    """Not in the command lines of this machine while it is used, not in logs, database, exports or errors,
    even where the server repeats it."""
    workspace.save_key("CUSTOM_API_KEY", KEY)
    seen: list[str] = []
    blessing = says("祝您平安喜乐，万事如意，福寿安康。")

    def reply(handler, body):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(path.read_bytes().decode(errors="replace"))
            except OSError:
                continue
        answer = echoes_key(400) if len(api.requests) in (5, 7) else blessing
        answer(handler, body)

    api.default = reply
    run = ended(started(*custom(api, "--limit", 12, "--concurrency", 1)))
    assert run.code == 1 and "还缺 2 条" in run.err, run.err
    assert "失败 2" in run.out and api.headers[0]["authorization"] == f"Bearer {KEY}"
    api.default = echoes_key(401)
    refused = ended(started(*custom(api, "--limit", 2)))
    assert refused.code == 2 and "不接受这个密钥" in refused.failure
    texts = [run.out, run.err, refused.out, refused.err, *seen]
    texts += [verb(*words).out for words in (("jobs", "--json"), ("jobs", "--log", 1), ("doctor", "--json"))]
    verb("accept")
    texts.append(verb("freeze", "--name", "v1").out)
    texts.append(verb("export", "v1").out)
    assert any("tianji_core.jobs.worker" in text for text in seen)
    assert all(KEY not in text for text in texts)
    for path in workspace.home.rglob("*"):
        if path.is_file() and path != workspace.env_file:
            assert KEY.encode() not in path.read_bytes(), path
    assert workspace.env_file.stat().st_mode & 0o077 == 0


def test_cheap_hours_are_waited_for_or_refused(verb, api, workspace):
    refusal = verb(*custom(api, "--limit", 3, "--cheap-hours")).refusal
    assert "没有写优惠时段" in refusal and not runs.listed(workspace.engine)
    now = datetime.now(UTC)
    first, last = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (6, 9))
    own = (
        f"lab:\n  title: 实验室\n  sdk: openai\n  base_url: {api.url}\n  models: [{{name: m}}]\n"
        f'  off_peak: {{from: "{first}", to: "{last}", zone: UTC, price: 0.5}}\n'
    )
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
    asked = "generate", "--provider", "lab", "--limit", 3, "--cheap-hours"
    assert "只能选一个" in verb(*asked, "--batch").refusal
    said = verb(*asked, "--detach", "--json").json()
    until(lambda: (jobs.read_progress(workspace, said["job"]) or jobs.Progress()).paused)
    assert verb("jobs", "--stop", said["job"]).code == 0
    assert jobs.wait(workspace, said["job"], timeout=60).state == "stopped" and not api.requests
