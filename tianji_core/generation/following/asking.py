"""Has a teacher answer the planned requests. Each conversation is stored as it arrives, so that it can be
stopped or killed at any moment and continued later."""

import asyncio
from dataclasses import dataclass

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Failed, Lane, Outcome, Retry, RunOptions, Usage
from tianji_core.generation.following.planning import (
    FollowingPlan,
    PlannedFollowUp,
    planned_follow_ups,
    request_for,
    usage_for,
)
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.locks import refusing_lock
from tianji_core.recipe.following import FollowUpKind
from tianji_core.store import recipes, samples
from tianji_core.store.samples import FOLLOW_UP, NewSample
from tianji_core.teachers import Sampling, TeacherChoice, asking, price_of, provider
from tianji_core.teachers.base import ChatTeacher
from tianji_core.workspace import Workspace

_SAMPLING = Sampling(temperature=0.8, max_tokens=4096)
"""A thinking model needs tokens before its answer."""


@dataclass(frozen=True)
class FollowUpResult:
    """Number of conversations stored, of those that do not do what was asked after every asking, of requests
    without an answer, and of those still to be sent; ``reason`` is why most have no answer."""

    stored: int
    unmet: int
    failed: int
    waiting: int
    reason: str = ""


_Answered = tuple[NewSample, bool]
"""A conversation, and whether its answer does what was asked."""


class _FollowingClient:
    """Asks one teacher, again in stronger words where its answer does not do what was asked."""

    def __init__(self, teacher: ChatTeacher, system: str, again: int) -> None:
        self._teacher = teacher
        self._system = system
        self._again = again

    def expected(self, item: PlannedFollowUp) -> Usage:
        """Returns an estimate from the characters of the conversation."""
        return usage_for(item)

    async def ask(self, item: PlannedFollowUp, _attempts: int) -> Outcome[_Answered]:
        """Talks until an answer does what was asked, or it was asked for often enough.

        Raises:
            TeacherError: no usable answer.
        """
        sample, wanted = item.sample, item.follow_up
        history, usage = [(sample.input, sample.output)], Usage()
        first = prompt = request_for(item)
        for turn in range(1 + self._again):
            answer = await self._teacher.complete(prompt, _SAMPLING, self._system, history)
            usage += Usage.of(answer)
            text = answer.text.strip()
            met = not wanted.fault(sample.output, text) and _within_limits(item, text)
            if met:
                break
            history.append((prompt, text))
            stronger = "还是不行" if turn else "不行"
            prompt = f"{stronger}：这一段 {len(text)} 个字，没有照要求改。再改一遍：{first}"
        kept = sample.options if wanted.kind is FollowUpKind.WITHOUT else ()
        return Outcome(
            (
                NewSample(
                    recipe=sample.recipe,
                    system=sample.system,
                    input=wanted.request,
                    output=text,
                    name=sample.name,
                    scene=sample.scene,
                    style=item.style.text,
                    history=((sample.input, sample.output),),
                    prompt=prompt,
                    model=answer.model,
                    options=kept,
                ),
                met,
            ),
            usage,
        )


def _within_limits(item: PlannedFollowUp, text: str) -> bool:
    """Whether a text has a length of the style that was asked for; True where none was."""
    style = item.style
    return item.follow_up.kind is not FollowUpKind.STYLE or style.min_chars <= len(text) <= style.max_chars


async def follow_up(
    workspace: Workspace,
    recipe_key: str,
    plan: FollowingPlan,
    choice: TeacherChoice,
    concurrency: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
    options: RunOptions | None = None,
) -> FollowUpResult:
    """Sends every request of a plan that is still to be sent.

    Raises:
        JobError: another process does so for this recipe. InputError: the teacher answers no prompts.
        TeacherError: going on makes no sense. RunLimitError: the budget is used up.
    """
    engine = workspace.engine
    price = price_of(provider(workspace, choice.provider), choice)
    refusal = _("配方“{recipe}”正在追问，等它结束或先停止它", recipe=recipe_key)
    stored, unmet, reasons = 0, 0, dispatch.Reasons()
    with refusing_lock(workspace.runs / f"follow-{recipe_key}" / ".work.lock", refusal):
        planned = planned_follow_ups(workspace, recipe_key, plan)
        system = recipes.current(engine, recipe_key).recipe.prompts.teacher_system.strip()

        def store(answers: list[_Answered], _failures: list[Failed[PlannedFollowUp]]) -> None:
            for sample, _met in answers:
                samples.add(engine, sample, FOLLOW_UP)

        def report(answers: list[_Answered], failures: list[Failed[PlannedFollowUp]]) -> None:
            nonlocal stored, unmet
            stored += len(answers)
            unmet += sum(not met for _sample, met in answers)
            reasons.add(failures)
            for failure in failures:
                print(f"#{failure.item.sample.id}: {' '.join(failure.message.split())}", flush=True)
            reporter.update(stored + reasons.number, len(planned))

        async with asking.talking(workspace, choice) as teacher:
            await dispatch.run(
                [Lane(_FollowingClient(teacher, system, plan.again), iter(planned), choice, price)],
                store,
                concurrency=concurrency,
                items=len(planned),
                on_stored=report,
                budget=Budget(options or RunOptions()),
                retry=retry,
                stop=stop,
                on_full=reporter.pause_for_room,
            )
    waiting = len(planned_follow_ups(workspace, recipe_key, plan))
    return FollowUpResult(stored, unmet, reasons.number, waiting, reasons.most_frequent)
