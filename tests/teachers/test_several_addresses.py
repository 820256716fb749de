"""One teacher at several addresses: how requests are shared, and what happens when an address fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pydantic import ValidationError

from tests.loopback import LoopbackApi, blesses, fails, loopback_api
from tianji_core.errors import TeacherUnreachableError
from tianji_core.teachers import Sampling, TeacherChoice, make_teacher, several_addresses
from tianji_core.teachers.base import ChatTeacher
from tianji_core.workspace import Workspace


def asked(workspace: Workspace, urls: list[str], talk: Callable[[ChatTeacher], Awaitable[None]]) -> None:
    async def ask() -> None:
        choice = TeacherChoice(provider="custom", model="loopback-model", base_url=" , ".join(urls))
        teacher = make_teacher(workspace, choice)
        assert isinstance(teacher, ChatTeacher)
        try:
            await talk(teacher)
        finally:
            await teacher.aclose()

    asyncio.run(ask())


async def say(teacher: ChatTeacher, number: int) -> None:
    await asyncio.gather(*(teacher.complete(str(each), Sampling()) for each in range(number)))


def test_requests_are_shared_and_those_to_a_failing_address_are_answered_by_another(
    workspace: Workspace, api: LoopbackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several_addresses, "FIRST_REST", several_addresses.LONGEST_REST)

    async def talk(teacher: ChatTeacher) -> None:
        await say(teacher, 8)
        assert len(api.requests) == len(other.requests) == 4
        other.default = fails(503)
        for _number in range(5):
            await say(teacher, 1)
        assert len(other.requests) <= 4 + 1  # asked once, then left out
        api.default = fails(503)
        with pytest.raises(TeacherUnreachableError):
            await say(teacher, 1)
        api.default = other.default = blesses
        await say(teacher, 1)  # where all rest, one is asked all the same

    with loopback_api() as other:
        asked(workspace, [api.url, other.url], talk)


def test_an_address_that_is_back_is_used_again(
    workspace: Workspace,
    api: LoopbackApi,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(several_addresses, "FIRST_REST", 0.0)

    async def talk(teacher: ChatTeacher) -> None:
        api.script.append(fails(503))
        await say(teacher, 1)
        assert "先用别的" in capsys.readouterr().out
        await say(teacher, 2)
        assert "又能用了" in capsys.readouterr().out
        assert len(api.requests) == 2 and len(other.requests) == 2

    with loopback_api() as other:
        asked(workspace, [api.url, other.url], talk)


def test_a_check_names_the_address_that_is_not_in_order(workspace: Workspace, api: LoopbackApi) -> None:
    async def talk(teacher: ChatTeacher) -> None:
        with pytest.raises(TeacherUnreachableError, match=r"http://127\.0\.0\.1:9/v1："):
            await teacher.check()

    asked(workspace, [api.url, "http://127.0.0.1:9/v1"], talk)


def test_each_of_several_addresses_is_checked_as_one_alone_is() -> None:
    with pytest.raises(ValidationError, match="密钥请放在环境变量里"):
        TeacherChoice(provider="custom", base_url="http://127.0.0.1:8000/v1,http://me:secret@127.0.0.1/v1")


@pytest.mark.parametrize("written", ["{url},", "{url}/,", ", {url}"])
def test_one_address_beside_a_comma_is_one_address(
    workspace: Workspace, api: LoopbackApi, written: str
) -> None:
    async def talk(teacher: ChatTeacher) -> None:
        await say(teacher, 1)
        assert len(api.requests) == 1

    api.default = lambda handler, body: (fails(404) if "," in handler.path else blesses)(handler, body)
    asked(workspace, [written.format(url=api.url)], talk)
