"""Opens a teacher for any prompt: suggestions, ratings, verdicts, documents."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.teachers.base import Answer, ChatTeacher, Sampling
from tianji_core.teachers.choice import TeacherChoice
from tianji_core.teachers.registry import make_teacher
from tianji_core.workspace import Workspace

Ask = Callable[[str, Sampling], Awaitable[Answer]]
"""Takes a prompt and sampling parameters and returns the answer; raises TeacherError."""


@asynccontextmanager
async def asking(workspace: Workspace, choice: TeacherChoice) -> AsyncIterator[Ask]:
    """Yields a function that sends prompts to the teacher of ``choice``; its connections are closed after the
    block. Errors as :func:`talking`."""
    async with talking(workspace, choice) as teacher:
        yield teacher.complete


@asynccontextmanager
async def talking(workspace: Workspace, choice: TeacherChoice) -> AsyncIterator[ChatTeacher]:
    """Yields the teacher of ``choice`` for talks of several turns; its connections are closed after the
    block.

    Raises:
        InputError: the teacher answers no prompts (:attr:`Provider.can_chat`).
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    teacher = make_teacher(workspace, choice)
    try:
        if not isinstance(teacher, ChatTeacher):
            raise InputError(
                _("离线造句只会按语句表拼出成品，不会提建议，也不会打分；请换一个接口模型（在设置页填密钥）")
            )
        yield teacher
    finally:
        await teacher.aclose()
