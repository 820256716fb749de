"""Lets a teacher score the samples without a score. Each verdict is stored as it arrives, so that judging can
be stopped or killed at any moment and continued later."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from tianji_core import dispatch
from tianji_core.cleaning.judging.asking import judge_prompt, read_verdict
from tianji_core.cleaning.judging.estimate import usage_of
from tianji_core.dispatch import Budget, Failed, Lane, Outcome, Retry, RunOptions, Usage
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.locks import refusing_lock
from tianji_core.recipe import Recipe
from tianji_core.store import judgements, recipes
from tianji_core.store.judgements import Judgement
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice, asking, price_of, provider
from tianji_core.teachers.reply import finished_part
from tianji_core.workspace import Workspace

_PAGE = 200
_SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
"""A judge should give the same verdict twice; a thinking model needs tokens before its answer."""


@dataclass(frozen=True)
class JudgeResult:
    """The number of samples with a new verdict, without a usable answer, and still without a score;
    ``reason`` is why most of those without an answer have none, '' where every one has."""

    judged: int
    failed: int
    waiting: int
    reason: str = ""


_Verdict = tuple[Sample, Judgement]


class _JudgeClient:
    """Asks the judge about samples."""

    def __init__(self, recipe: Recipe, ask: asking.Ask) -> None:
        self._recipe = recipe
        self._ask = ask

    def expected(self, item: Sample) -> Usage:
        """Returns an estimate from the characters of the request."""
        return usage_of(self._recipe, item)

    async def ask(self, item: Sample, _attempts: int) -> Outcome[_Verdict]:
        """Sends one request about a sample.

        Raises:
            TeacherError: no answer, or one without a verdict.
        """
        answer = await self._ask(judge_prompt(self._recipe, item), _SAMPLING)
        verdict = read_verdict(finished_part(answer))
        judgement = Judgement(
            sample_id=item.id,
            fit=verdict.fit,
            style=verdict.style,
            naturalness=verdict.naturalness,
            reason=verdict.reason,
            model=answer.model,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
        )
        return Outcome((item, judgement), Usage.of(answer))


async def judge_samples(
    workspace: Workspace,
    selection: SampleFilter,
    choice: TeacherChoice,
    concurrency: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
    options: RunOptions | None = None,
) -> JudgeResult:
    """Judges every sample of ``selection`` that has no score.

    Raises:
        JobError: another process judges this recipe's samples. InputError: the teacher answers no prompts.
        TeacherError: going on makes no sense. RunLimitError: the budget is used up.
    """
    engine = workspace.engine
    recipe = recipes.current(engine, selection.recipe).recipe
    price = price_of(provider(workspace, choice.provider), choice)
    refusal = _("配方“{recipe}”的样本正在评审，等它结束或先停止它", recipe=selection.recipe)
    judged, reasons = 0, dispatch.Reasons()
    with refusing_lock(workspace.runs / f"judge-{selection.recipe}" / ".work.lock", refusal):
        total = judgements.waiting_count(engine, selection)

        def store(verdicts: list[_Verdict], _failures: list[Failed[Sample]]) -> None:
            judgements.save(engine, verdicts)

        def report(verdicts: list[_Verdict], failures: list[Failed[Sample]]) -> None:
            nonlocal judged
            judged += len(verdicts)
            reasons.add(failures)
            for failure in failures:
                print(f"#{failure.item.id}: {' '.join(failure.message.split())}", flush=True)
            reporter.update(judged + reasons.number, total)

        async with asking.asking(workspace, choice) as ask:
            await dispatch.run(
                [Lane(_JudgeClient(recipe, ask), _waiting(workspace, selection), choice, price)],
                store,
                concurrency=concurrency,
                items=total,
                on_stored=report,
                budget=Budget(options or RunOptions()),
                retry=retry,
                stop=stop,
                on_full=reporter.pause_for_room,
            )
    waiting = judgements.waiting_count(engine, selection)
    return JudgeResult(judged, reasons.number, waiting, reasons.most_frequent)


def _waiting(workspace: Workspace, selection: SampleFilter) -> Iterator[Sample]:
    """Yields the samples without a score in pages, so that they are never all in memory."""
    after = 0
    while page := judgements.waiting(workspace.engine, selection, after, _PAGE):
        yield from page
        after = page[-1].id
