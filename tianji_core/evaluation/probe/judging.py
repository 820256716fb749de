"""Lets a teacher say whether an answer is right, for the questions that no check can decide."""

import asyncio
import re

from tianji_core.evaluation.probe.memory import ProbeAnswer, ProbePoint
from tianji_core.evaluation.probe.questions import LONGEST, ProbeSet
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.teachers.asking import asking
from tianji_core.workspace import Workspace

_PROMPT = """下面是一个问题和一个回答。回答正确、切题、通顺，就只写“对”；否则只写“错”。

问题：{ask}
回答：{answer}
"""
_VERDICT = re.compile(r"[\s“\"']*(对|错)(?:[\s”\"'。．.，,；;：:！!]|的|了|\Z)")
"""The verdict at the beginning of what the teacher says; 对不起 and 对比 are none."""
AT_ONCE = 8
"""Requests under way at once."""


def judged(workspace: Workspace, probe: ProbeSet, point: ProbePoint, choice: TeacherChoice) -> ProbePoint:
    """Returns the point with the teacher's verdicts on the answers that have none; a verdict that cannot be
    read stays open.

    Raises:
        InputError: the teacher answers no prompts. TeacherError: it cannot be asked.
    """
    open_ones = {one.ask for one in probe.questions if one.judge}
    if point.digest != probe.digest or not any(
        answer.right is None and answer.ask in open_ones for answer in point.answers
    ):
        return point
    answers = asyncio.run(_judged(workspace, point.answers, open_ones, choice))
    return point.model_copy(update={"answers": answers})


async def _judged(
    workspace: Workspace, answers: tuple[ProbeAnswer, ...], open_ones: set[str], choice: TeacherChoice
) -> tuple[ProbeAnswer, ...]:
    free = asyncio.Semaphore(AT_ONCE)
    async with asking(workspace, choice) as ask:

        async def decide(answer: ProbeAnswer) -> ProbeAnswer:
            if answer.right is not None or answer.ask not in open_ones:
                return answer
            prompt = _PROMPT.format(ask=answer.ask, answer=answer.answer[:LONGEST])
            async with free:
                said = (await ask(prompt, Sampling(temperature=0.0, max_tokens=256))).text.strip()
            return answer.model_copy(update={"right": _read(said)})

        return tuple(await asyncio.gather(*(decide(answer) for answer in answers)))


def _read(said: str) -> bool | None:
    verdict = _VERDICT.match(said)
    return None if verdict is None else verdict[1] == "对"
