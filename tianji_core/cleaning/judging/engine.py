"""Working off the samples without a score. A verdict is stored as soon as it comes, so that judging can be stopped or
killed at any moment and goes on from there."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from tianji_core.cleaning.judging.asking import judge_prompt, read_verdict
from tianji_core.cleaning.judging.estimate import expected_usage
from tianji_core.dispatch.budget import Purse, Usage
from tianji_core.dispatch.dispatcher import Dispatch, Retry
from tianji_core.dispatch.lane import Lane, Outcome
from tianji_core.dispatch.lock import folder_lock
from tianji_core.dispatch.options import RunOptions
from tianji_core.dispatch.outbox import Outbox
from tianji_core.generation.engine import run_to_the_end
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.recipe import Recipe
from tianji_core.store import judgements, recipes
from tianji_core.store.judgements import Judgement
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice, asking, price_of, provider
from tianji_core.workspace import Workspace

_PAGE = 200
_SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
"""A judge should say the same twice; a thinking model needs room before its answer."""


@dataclass(frozen=True)
class JudgeResult:
    """How many samples got a verdict, how many answers were of no use, and how many still wait."""

    judged: int
    failed: int
    waiting: int


@dataclass(frozen=True)
class _Failed:
    sample: Sample
    sentence: str


_Item = tuple[Sample, Judgement] | _Failed


class _SampleDesk:
    """Asks the judge about samples."""

    def __init__(self, recipe: Recipe, ask: asking.Ask) -> None:
        self._recipe = recipe
        self._ask = ask

    def expected(self, item: Sample) -> Usage:
        """From the characters of the request."""
        return expected_usage(self._recipe, item)

    async def ask(self, item: Sample, _attempts: int) -> Outcome[_Item]:
        """Send one request about a sample.

        Raises:
            TeacherError: no answer, or one without a verdict.
        """
        answer = await self._ask(judge_prompt(self._recipe, item), _SAMPLING)
        verdict = read_verdict(answer.text)
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
        return Outcome((item, judgement), Usage(answer.prompt_tokens or 0, answer.completion_tokens or 0))

    def failed(self, item: Sample, _kind: str, sentence: str, _attempts: int) -> _Item:
        """A sample without a verdict; it stays without a score."""
        return _Failed(item, sentence)


async def judge_samples(
    workspace: Workspace,
    wanted: SampleFilter,
    choice: TeacherChoice,
    concurrency: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
    options: RunOptions | None = None,
) -> JudgeResult:
    """Judge every matching sample that has no score.

    Raises:
        JobError: another process judges this recipe's samples. InputError: the offline composer cannot judge.
        TeacherError: going on made no sense. RunLimitError: the budget is used up.
    """
    recipe = recipes.current(workspace.engine, wanted.recipe).recipe
    price = price_of(provider(workspace, choice.provider), choice)
    refusal = _("配方“{recipe}”的样本正在评审，等它结束或先停止它", recipe=wanted.recipe)
    judged = failed = 0
    with folder_lock(workspace.runs / f"judge-{wanted.recipe}", refusal):
        total = judgements.waiting_count(workspace.engine, wanted)

        def store(batch: list[_Item]) -> None:
            judgements.save(workspace.engine, [item for item in batch if not isinstance(item, _Failed)])

        def stored(batch: list[_Item]) -> None:
            nonlocal judged, failed
            for item in batch:
                if isinstance(item, _Failed):
                    failed += 1
                    print(f"#{item.sample.id}: {' '.join(item.sentence.split())}", flush=True)
                else:
                    judged += 1
            reporter.update(judged + failed, total)

        purse = Purse(options or RunOptions())
        async with asking.asking(workspace, choice) as ask:
            lane: Lane[Sample, _Item] = Lane(
                _SampleDesk(recipe, ask), _waiting(workspace, wanted), choice, price, concurrency
            )
            outbox: Outbox[_Item] = Outbox(store, stored)
            dispatch = Dispatch(
                [lane], outbox.put, concurrency, stop or asyncio.Event(), retry or Retry(attempts=3), purse
            )
            await run_to_the_end(dispatch, outbox, max(1, total))
    return JudgeResult(judged, failed, judgements.waiting_count(workspace.engine, wanted))


def _waiting(workspace: Workspace, wanted: SampleFilter) -> Iterator[Sample]:
    after = 0
    while page := judgements.waiting(workspace.engine, wanted, after, _PAGE):
        yield from page
        after = page[-1].id
