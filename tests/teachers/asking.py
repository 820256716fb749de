"""Asking a teacher one thing."""

from tianji_core.teachers import Answer, Sampling, TeacherChoice, make_teacher
from tianji_core.workspace import Workspace


async def ask(workspace: Workspace, choice: TeacherChoice, sampling: Sampling | None = None) -> Answer:
    """The answer of the chosen teacher; its connections are closed afterwards."""
    teacher = make_teacher(workspace, choice)
    try:
        return await teacher.complete("给大舅写一句生日祝福", sampling or Sampling())  # type: ignore[attr-defined]
    finally:
        await teacher.aclose()
