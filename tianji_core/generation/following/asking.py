"""Has a teacher answer the planned requests. Each turn is a request of its own and stored as it arrives, so
that it can be stopped or killed at any moment and goes on later without a turn sent twice."""

import asyncio
from dataclasses import dataclass

from tianji_core import dispatch
from tianji_core.dispatch import (
    Budget,
    Failed,
    Lane,
    Outcome,
    OwnLimits,
    Retry,
    RunOptions,
    Usage,
    expected_usage,
)
from tianji_core.files import storable
from tianji_core.generation.following.planning import FollowingPlan, PlannedFollowUp, planned_follow_ups
from tianji_core.generation.following.talks import FollowingTalk, OpenTalks, SaidTurn
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.locks import refusing_lock
from tianji_core.recipe.following import FollowUpKind
from tianji_core.recipe.prompts import estimated_tokens
from tianji_core.store import recipes, samples
from tianji_core.store.recipes import StoredRecipe
from tianji_core.store.samples import FOLLOW_UP, NewSample
from tianji_core.teachers import Sampling, TeacherChoice, asking, price_of, provider
from tianji_core.teachers.base import ChatTeacher
from tianji_core.workspace import Workspace

_SAMPLING = Sampling(temperature=0.8, max_tokens=4096)
"""A thinking model needs tokens before its answer."""


@dataclass(frozen=True)
class FollowUpResult:
    """Number of conversations stored, of those that do not do what was asked after every asking, of requests
    without an answer, and of those of this start that are still to be stored; ``reason`` is why
    most have no answer."""

    stored: int
    unmet: int
    failed: int
    waiting: int
    reason: str = ""


class _FollowingClient:
    """Sends the next turn of a talk to one teacher."""

    def __init__(self, teacher: ChatTeacher, stored: StoredRecipe) -> None:
        self._teacher = teacher
        self._system = stored.recipe.prompts.teacher_system.strip()
        self._revision = stored.revision

    def expected(self, item: FollowingTalk) -> Usage:
        """Returns an estimate from the characters of the conversation."""
        said = "".join(asked + answered for asked, answered in item.history)
        return expected_usage(said + item.prompt, estimated_tokens(item.planned.sample.output))

    async def ask(self, item: FollowingTalk, _attempts: int) -> Outcome[FollowingTalk]:
        """Sends one turn; returns the talk with it.

        Raises:
            TeacherError: no usable answer.
        """
        prompt = item.prompt
        answer = await self._teacher.complete(prompt, _SAMPLING, self._system, item.history)
        said = storable(answer.text.strip())
        turn = SaidTurn(asked=prompt, answered=said, model=answer.model, revision=self._revision)
        return Outcome(item._replace(turns=(*item.turns, turn)), Usage.of(answer))


def _sample_of(talk: FollowingTalk) -> NewSample:
    """The conversation of two turns with the best answer of a talk."""
    sample, wanted, style, _asked = talk.planned
    kept = talk.best()
    return NewSample(
        recipe=sample.recipe,
        system=sample.system,
        input=wanted.request,
        output=kept.answered,
        name=sample.name,
        scene=sample.scene,
        style=style.text,
        history=((sample.input, sample.output),),
        prompt=kept.asked,
        model=kept.model,
        recipe_revision=kept.revision,
        options=sample.options if wanted.kind is FollowUpKind.WITHOUT else (),
    )


class _Following:
    """One start: each pass sends one turn of every talk that is not over. A talk is over once its answer does
    what was asked, or it was asked for often enough."""

    def __init__(
        self, workspace: Workspace, kept: OpenTalks, plan: FollowingPlan, reporter: Reporter
    ) -> None:
        self._engine = workspace.engine
        self._kept = kept
        self._again = plan.again
        self._reporter = reporter
        self._number = 0
        self.talks: list[FollowingTalk] = []
        self.stored = self.unmet = self.answers = 0
        self.reasons = dispatch.Reasons()

    def begin(self, planned: list[PlannedFollowUp]) -> None:
        """Takes up the talks about these requests where they were left."""
        self._number = len(planned)
        talks = self._kept.resumed(planned)
        over = [talk for talk in talks if talk.turns and self._is_over(talk)]
        self.store(over, [])
        self._count(over)
        self.talks = [talk for talk in talks if not (talk.turns and self._is_over(talk))]
        self.answers = sum(len(talk.turns) for talk in talks)

    def taken(self) -> list[FollowingTalk]:
        """Returns the talks of the next pass."""
        taken, self.talks = self.talks, []
        return taken

    def _is_over(self, talk: FollowingTalk) -> bool:
        return talk.met(talk.turns[-1].answered) or len(talk.turns) > self._again

    def store(self, talks: list[FollowingTalk], _failures: list[Failed[FollowingTalk]]) -> None:
        """Stores answered turns: a conversation where the talk is over, else the talk."""
        for talk in talks:
            if self._is_over(talk):
                samples.add(self._engine, _sample_of(talk), FOLLOW_UP)
                self._kept.forget(talk)
            else:
                self._kept.keep(talk)

    def report(self, talks: list[FollowingTalk], failures: list[Failed[FollowingTalk]]) -> None:
        """Counts what was stored, and has the talks that are not over go on in the next pass."""
        self.answers += len(talks)
        self._count([talk for talk in talks if self._is_over(talk)])
        self.talks += [talk for talk in talks if not self._is_over(talk)]
        self.reasons.add(failures)
        for failure in failures:
            print(f"#{failure.item.planned.sample.id}: {' '.join(failure.message.split())}", flush=True)
        self._reporter.update(self.stored + self.reasons.number, self._number)

    def _count(self, over: list[FollowingTalk]) -> None:
        self.stored += len(over)
        self.unmet += sum(not talk.met(talk.best().answered) for talk in over)

    def result(self) -> FollowUpResult:
        """Returns the figures of this start."""
        reasons = self.reasons
        waiting = self._number - self.stored
        return FollowUpResult(self.stored, self.unmet, reasons.number, waiting, reasons.most_frequent)


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
    stop = stop or asyncio.Event()
    price = price_of(provider(workspace, choice.provider), choice)
    refusal = _("配方“{recipe}”正在追问，等它结束或先停止它", recipe=recipe_key)
    folder = workspace.runs / f"follow-{recipe_key}"
    with refusing_lock(folder / ".work.lock", refusal):
        work = _Following(workspace, OpenTalks(folder / "talks"), plan, reporter)
        stored = recipes.current(workspace.engine, recipe_key)
        work.begin(planned_follow_ups(workspace, recipe_key, plan, stored.recipe))
        budget, limits = Budget(options or RunOptions()), OwnLimits(choice)
        async with asking.talking(workspace, choice) as teacher:
            client = _FollowingClient(teacher, stored)
            while not stop.is_set() and (talks := work.taken()):
                await dispatch.run(
                    [Lane(client, iter(talks), choice, price, work.answers, limits)],
                    work.store,
                    concurrency=concurrency,
                    items=len(talks),
                    on_stored=work.report,
                    budget=budget,
                    retry=retry,
                    stop=stop,
                    on_full=reporter.pause_for_room,
                )
    return work.result()
