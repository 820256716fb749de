"""Asks a teacher about the pending chunks of a knowledge run. Each answer is stored as it arrives; unanswered
chunks stay pending, so a run can be stopped or killed at any moment and continued later."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Failed, Lane, Outcome, Retry, Usage
from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt, understood
from tianji_core.generation.knowledge.questions import Questions
from tianji_core.generation.knowledge.runs import (
    KnowledgeState,
    asking_of,
    expected_of,
    knowledge_options_of,
    knowledge_state,
)
from tianji_core.generation.writing import provenance
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.locks import refusing_lock
from tianji_core.store import knowledge as knowledge_store
from tianji_core.store import recipes
from tianji_core.store.knowledge import Asked, Chunk, ChunkFailure
from tianji_core.store.recipes import StoredRecipe
from tianji_core.teachers import SamplingPlan, TeacherChoice, asking, price_of, provider
from tianji_core.workspace import Workspace

_PAGE = 50


class ChunkClient:
    """Asks one teacher about chunks."""

    def __init__(
        self, stored: StoredRecipe, settings: KnowledgeSettings, sampling: SamplingPlan, ask: asking.Ask
    ) -> None:
        self._recipe = stored.recipe
        self._revision = stored.revision
        self._settings = settings
        self._sampling = sampling
        self._ask = ask

    def expected(self, item: Chunk) -> Usage:
        """Returns an estimate from the characters of the chunk and the number of questions."""
        return expected_of(self._recipe, self._settings, item.file, item.text)

    async def ask(self, item: Chunk, attempts: int) -> Outcome[Asked]:
        """Sends one request about a chunk.

        Raises:
            TeacherError: no answer, or one without a usable question.
        """
        prompt = knowledge_prompt(self._recipe, self._settings, item.file, item.text)
        sampling = self._sampling.draw(random.Random(f"chunk|{item.id}"))
        answer = await self._ask(prompt, sampling)
        found = understood(answer.text, self._settings, answer.finish_reason)
        origin = provenance(prompt, answer, sampling, attempts)
        conversations = tuple(found.conversations)
        asked = Asked(item, self._settings.system, conversations, 0, origin, found.unused, self._revision)
        return Outcome(asked, Usage.of(answer))


async def run_knowledge(
    workspace: Workspace,
    run_id: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
) -> KnowledgeState:
    """Asks about every pending chunk and stores the questions that are new.

    Raises:
        InputError: no such run. JobError: another process works on it.
        TeacherError: going on makes no sense. RunLimitError: budget or time are used up.
    """
    run = knowledge_store.get(workspace.engine, run_id)
    settings, engine = asking_of(run), workspace.engine
    stored = recipes.current(engine, run.recipe)
    choice = TeacherChoice.model_validate(run.teacher)
    price = price_of(provider(workspace, choice.provider), choice)
    lock = workspace.runs / f"knowledge-{run_id}" / ".work.lock"
    with refusing_lock(lock, _("资料批次 {id} 正在运行，等它结束或先停止它", id=run_id)):
        counts = knowledge_store.counts(engine, run_id)
        finished = counts.done + counts.failed
        known = Questions(knowledge_store.questions(engine, run.recipe), settings.similar)

        compared: dict[int, Asked] = {}

        def store(answers: list[Asked], failed: list[Failed[Chunk]]) -> None:
            # A batch that cannot be stored comes again, row by row; its own questions are no repetitions.
            for answer in answers:
                if answer.chunk.id not in compared:
                    compared[answer.chunk.id] = _without_repetitions(answer, known)
            answers = [compared[answer.chunk.id] for answer in answers]
            failures = [ChunkFailure(f.item, f.kind, f.message, f.attempts) for f in failed]
            knowledge_store.store(engine, run, answers, failures)
            for answer in answers:
                del compared[answer.chunk.id]

        def report(answers: list[Asked], failed: list[Failed[Chunk]]) -> None:
            nonlocal finished
            finished += len(answers) + len(failed)
            reporter.update(finished, run.total)
            _log_unused(answers)
            print(_("{done}/{total} 块", done=finished, total=run.total), flush=True)

        spent = [(Usage(*knowledge_store.spent(engine, run_id)), price)]
        async with asking.asking(workspace, choice) as ask:
            client = ChunkClient(stored, settings, SamplingPlan.model_validate(run.sampling), ask)
            await dispatch.run(
                [Lane(client, _pending(workspace, run_id), choice, price, counts.done)],
                store,
                concurrency=run.concurrency,
                items=run.total,
                on_stored=report,
                budget=Budget(knowledge_options_of(run), spent),
                retry=retry,
                stop=stop,
                on_full=reporter.pause_for_room,
            )
    return knowledge_state(workspace, run_id)


def _log_unused(answers: list[Asked]) -> None:
    for answer in answers:
        if answer.unused:
            print(
                _(
                    "{file} #{number}：回答里有 {n} 项没有用上（读不懂，或比要的多）",
                    file=answer.chunk.file,
                    number=answer.chunk.number,
                    n=answer.unused,
                )
            )


def _without_repetitions(answer: Asked, known: Questions) -> Asked:
    """Returns an answer with its new questions only, and the number of those left out."""
    new = known.fresh(answer.conversations)
    return replace(answer, conversations=new, repeated=len(answer.conversations) - len(new))


def _pending(workspace: Workspace, run_id: int) -> Iterator[Chunk]:
    """Yields the pending chunks in pages, so that they are never all in memory."""
    after = -1
    while page := knowledge_store.chunks_in(workspace.engine, run_id, "pending", after, _PAGE):
        yield from page
        after = page[-1].position
