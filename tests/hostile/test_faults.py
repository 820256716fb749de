"""Each kind of answer once, through each client: an answer within its limits, or a failure of the right
kind."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.hostile.conftest import Faulty
from tests.hostile.exchange import Fault
from tests.hostile.faults_of_streams import SPELLINGS, spelled
from tests.hostile.server import FAULTS
from tianji_core.errors import ServerError, TeacherAuthError, TeacherError
from tianji_core.gate import remember_secret
from tianji_core.generation import create_run, run_state
from tianji_core.generation.generating import run_generation
from tianji_core.jobs import Reporter
from tianji_core.recipe import Plan
from tianji_core.serving import ChatSampling, Message, chat_stream, client
from tianji_core.teachers import Answer, ModelEntry, Sampling, SamplingPlan, TeacherChoice
from tianji_core.teachers.faults import Endpoint
from tianji_core.teachers.openai_compatible import OpenAICompatible
from tianji_core.teachers.zhipu import Zhipu
from tianji_core.workspace import Workspace

pytestmark = pytest.mark.hostile

KEY = "sk-hostile.4f7b9d2c5e8a10467f3b"
TIMEOUTS = {"timeout": 1.0, "any": 3.0}
"""Seconds by outcome; a server that ends by itself gets as many as a busy machine needs."""
AT_ONCE = 8
IDS = [fault.name for fault in FAULTS]
NUMBERED = [pytest.param(number, fault, id=fault.name) for number, fault in enumerate(FAULTS)]


async def _outcomes(faulty: Faulty, make: Any) -> list[Answer | Exception]:
    """What a teacher makes of each fault, in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Answer | Exception:
        timeout = TIMEOUTS.get(FAULTS[number].outcome, 30.0)
        endpoint = Endpoint("测试", faulty.of(number), "hostile-model", "TEST_API_KEY", timeout, KEY)
        async with places:
            teacher = make(endpoint, ModelEntry(name="hostile-model"))
            try:
                answer: Answer = await teacher.complete("写一句祝福", Sampling())
                return answer
            except Exception as error:
                return error
            finally:
                await teacher.aclose()

    return list(await asyncio.gather(*map(one, range(len(FAULTS)))))


@pytest.fixture(scope="module")
def asked(faulty: Faulty) -> dict[str, list[Answer | Exception]]:
    remember_secret(KEY)
    return {made.__name__: asyncio.run(_outcomes(faulty, made)) for made in (OpenAICompatible, Zhipu)}


@pytest.fixture(scope="module")
def chatted(faulty: Faulty) -> list[str | Exception]:
    remember_secret(KEY)
    patience, client.READ_TIMEOUT = client.READ_TIMEOUT, 2.0

    def one(number: int) -> str | Exception:
        asked = [Message("user", "写一句祝福")]
        try:
            stream = chat_stream(faulty.of(number), "hostile-model", asked, ChatSampling(), KEY)
            return "".join(chunk.text for chunk in stream)
        except Exception as error:
            return error

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, range(len(FAULTS))))
    finally:
        client.READ_TIMEOUT = patience


def check(text: str) -> None:
    """A text that can be stored, and from which no key can be read."""
    text.encode("utf-8")
    assert "\0" not in text
    assert not any(spelled(KEY, spelling).lower() in text.lower() for spelling in SPELLINGS)


def test_there_are_at_least_120_kinds_of_answer() -> None:
    assert len(set(IDS)) == len(FAULTS) >= 120


@pytest.mark.parametrize("teacher", ["OpenAICompatible", "Zhipu"])
@pytest.mark.parametrize(("number", "fault"), NUMBERED)
def test_a_teacher_answers_or_fails_by_name(
    asked: dict[str, list[Answer | Exception]], number: int, fault: Fault, teacher: str
) -> None:
    found = asked[teacher][number]
    if isinstance(found, Answer):
        assert fault.outcome in ("good", "any")
        assert found.text and len(found.text) <= 100_000 and len(found.reasoning) <= 50_000
        assert found.finish_reason in ("stop", "length", "cut", "")
        check(found.text + found.reasoning + found.model + found.request_id)
        return
    assert isinstance(found, TeacherError), f"{type(found).__name__}: {found}"
    assert fault.outcome in (found.kind, "any"), str(found)
    assert len(str(found)) < 600
    check(str(found))


@pytest.mark.parametrize(("number", "fault"), NUMBERED)
def test_a_chat_answers_or_fails_by_name(chatted: list[str | Exception], number: int, fault: Fault) -> None:
    found = chatted[number]
    if isinstance(found, str):
        assert len(found) <= 100_000
        check(found)
        return
    assert isinstance(found, ServerError), f"{type(found).__name__}: {found}"
    assert not (fault.name.startswith(("stream:", "echo: in the text")) and fault.outcome == "good"), str(
        found
    )
    assert len(str(found)) < 600
    check(str(found))


def test_no_request_is_sent_on_to_another_server(asked: object, chatted: object, faulty: Faulty) -> None:
    assert faulty.stats["trapped"] == 0


@pytest.mark.parametrize(("number", "fault"), [each for each in NUMBERED if each.values[1].fatal])
def test_what_waiting_cannot_mend_stops_a_run_at_once(
    faulty: Faulty, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, number: int, fault: Fault
) -> None:
    monkeypatch.setenv("CUSTOM_API_KEY", KEY)
    teacher = TeacherChoice(provider="custom", model="hostile-model", base_url=faulty.of(number))
    run = create_run(workspace, "wishes", Plan(limit=60), teacher, SamplingPlan(), concurrency=4)
    before = faulty.stats["sent"].get(fault.name, 0)
    with pytest.raises(TeacherAuthError):
        asyncio.run(run_generation(workspace, run.id, Reporter(total=run.total)))
    assert faulty.stats["sent"][fault.name] - before <= 8
    assert run_state(workspace.engine, run.id).counts.pending == 60
