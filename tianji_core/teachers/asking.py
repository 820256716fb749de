"""Asking a teacher something other than a text of the plan: suggestions, ratings."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.choice import TeacherChoice
from tianji_core.teachers.registry import make_teacher
from tianji_core.workspace import Workspace

Ask = Callable[[str, Sampling], Awaitable[Answer]]
"""A question in words and how to sample → the answer; raises TeacherError."""


@asynccontextmanager
async def asking(workspace: Workspace, choice: TeacherChoice) -> AsyncIterator[Ask]:
    """A way to put questions to the teacher of ``choice``, closed at the end.

    Raises:
        InputError: the offline composer, which can only write texts from its phrases.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    teacher = make_teacher(workspace, choice)
    try:
        complete: Ask | None = getattr(teacher, "complete", None)
        if complete is None:
            raise InputError(
                _("离线造句只会按语句表拼出成品，不会提建议，也不会打分；请换一个接口模型（在设置页填密钥）")
            )
        yield complete
    finally:
        await teacher.aclose()
