"""Working off the chunks of a knowledge run; like a run of texts it can be stopped or killed at any moment."""

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tianji_core.dispatch.budget import Purse, Usage
from tianji_core.dispatch.dispatcher import Dispatch, Retry
from tianji_core.dispatch.lane import Lane, Outcome
from tianji_core.dispatch.lock import folder_lock
from tianji_core.dispatch.outbox import Outbox
from tianji_core.generation.engine import run_to_the_end
from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt, read_conversations
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
from tianji_core.store import knowledge as rows
from tianji_core.store.knowledge import Asked, Chunk, ChunkFailure, Conversation
from tianji_core.teachers import (
    SamplingPlan,
    TeacherChoice,
    asking,
    price_of,
    provider,
)
from tianji_core.workspace import Workspace

_PAGE = 50


class Questions:
    """The questions that there are already, to leave out what has been asked in almost the same words. Questions that
    differ in a number are never the same: 第三条 is not 第四条."""

    def __init__(self, known: Iterable[str], similar: float) -> None:
        self._similar = similar
        self._seen: dict[str, set[str]] = defaultdict(set)
        for question in known:
            self._remember(bare(question))

    def fresh(self, conversations: Sequence[Conversation]) -> tuple[Conversation, ...]:
        """The conversations whose first question is new; they count as asked from now on."""
        kept = []
        for conversation in conversations:
            question = bare(conversation.turns[0].question)
            if not self._known(question):
                self._remember(question)
                kept.append(conversation)
        return tuple(kept)

    def _remember(self, question: str) -> None:
        self._seen[_numbers(question)].add(question)

    def _known(self, question: str) -> bool:
        from rapidfuzz import fuzz, process

        alike = self._seen[_numbers(question)]
        if question in alike:
            return True
        return process.extractOne(question, alike, scorer=fuzz.ratio, score_cutoff=self._similar) is not None


def bare(question: str) -> str:
    """A question without punctuation, white space and case."""
    return re.sub(r"[\W_]+", "", question).lower()


def _numbers(question: str) -> str:
    # 一 is left out: 这天 and 这一天 are the same, and 第一 still differs from 第二.
    return "".join(c for c in question if c.isdigit() or c in "零二三四五六七八九十百千万")


class ChunkDesk:
    """Asks one teacher about chunks."""

    def __init__(self, settings: KnowledgeSettings, sampling: SamplingPlan, ask: asking.Ask) -> None:
        self._settings = settings
        self._sampling = sampling
        self._ask = ask

    def expected(self, item: Chunk) -> Usage:
        """From the characters of the chunk and the number of questions."""
        return expected_of(self._settings, item.file, item.text)

    async def ask(self, item: Chunk, attempts: int) -> Outcome[Asked | ChunkFailure]:
        """Send one request about a chunk.

        Raises:
            TeacherError: no answer, or one without a usable question.
        """
        prompt = knowledge_prompt(self._settings, item.file, item.text)
        sampling = self._sampling.draw(random.Random(f"chunk|{item.id}"))
        answer = await self._ask(prompt, sampling)
        conversations = tuple(read_conversations(answer.text, self._settings))
        usage = Usage(answer.prompt_tokens or 0, answer.completion_tokens or 0)
        origin = provenance(prompt, answer, sampling, attempts)
        return Outcome(Asked(item, self._settings.system, conversations, 0, origin), usage)

    def failed(self, item: Chunk, kind: str, sentence: str, attempts: int) -> Asked | ChunkFailure:
        """The failure to store for a chunk."""
        return ChunkFailure(item, kind, sentence, attempts)


async def run_knowledge(
    workspace: Workspace,
    run_id: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
) -> KnowledgeState:
    """Ask about every pending chunk and store the questions that are new.

    Raises:
        InputError: no such run. JobError: another process works on it.
        TeacherError: going on made no sense. RunLimitError: budget or time are used up.
    """
    run = rows.get(workspace.engine, run_id)
    settings, engine = asking_of(run), workspace.engine
    choice = TeacherChoice.model_validate(run.teacher)
    price = price_of(provider(workspace, choice.provider), choice)
    with folder_lock(
        workspace.runs / f"knowledge-{run_id}", _("资料批次 {id} 正在运行，等它结束或先停止它", id=run_id)
    ):
        before = rows.counts(engine, run_id)
        finished = before.done + before.failed
        known = Questions(rows.questions(engine, run.recipe), settings.similar)

        def store(batch: list[Asked | ChunkFailure]) -> None:
            asked = []
            for item in batch:
                if isinstance(item, Asked):
                    fresh = known.fresh(item.conversations)
                    repeated = len(item.conversations) - len(fresh)
                    asked.append(replace(item, conversations=fresh, repeated=repeated))
            rows.store(engine, run, asked, [item for item in batch if isinstance(item, ChunkFailure)])

        def stored(batch: list[Asked | ChunkFailure]) -> None:
            nonlocal finished
            finished += len(batch)
            reporter.update(finished, run.total)
            print(_("{done}/{total} 块", done=finished, total=run.total), flush=True)

        sampling = SamplingPlan.model_validate(run.sampling)
        purse = Purse(knowledge_options_of(run), [(Usage(*rows.spent(engine, run_id)), price)])
        async with asking.asking(workspace, choice) as ask:
            desk = ChunkDesk(settings, sampling, ask)
            lane: Lane[Chunk, Asked | ChunkFailure] = Lane(
                desk, _pending(workspace, run_id), choice, price, run.concurrency, before.done
            )
            outbox = Outbox(store, stored)
            dispatch = Dispatch(
                [lane], outbox.put, run.concurrency, stop or asyncio.Event(), retry or Retry(), purse
            )
            await run_to_the_end(dispatch, outbox, run.total)
    return knowledge_state(workspace, run_id)


def _pending(workspace: Workspace, run_id: int) -> Iterator[Chunk]:
    after = -1
    while page := rows.chunks_in(workspace.engine, run_id, "pending", after, _PAGE):
        yield from page
        after = page[-1].position
