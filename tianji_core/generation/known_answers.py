"""Remembers what teachers answered, so that a plan that is run again asks only what is new."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial

from tianji_core import dispatch
from tianji_core.errors import PlanError
from tianji_core.generation.runs import assigned, options_of, sampling_of, teachers_of
from tianji_core.generation.writing import task_sampling, written
from tianji_core.i18n import _
from tianji_core.recipe import EXAMPLES, Brief, Plan, Recipe, Task, brief, tasks
from tianji_core.store import runs as run_store
from tianji_core.store.answers import StoredAnswers
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import (
    Answer,
    Sampling,
    SamplingPlan,
    WeightedTeacher,
    provider,
    request_identity,
)
from tianji_core.workspace import Workspace

_PAGE = 500


class KnownAnswers:
    """The known answers to the tasks of a plan. A request is known by its teacher (address, model and own
    fields), its messages, its sampling parameters and the seed of its task: another seed or round is another
    request. What a run adds about its own frequent openings does not count."""

    def __init__(
        self,
        workspace: Workspace,
        recipe: Recipe,
        plan: Plan,
        mix: Sequence[WeightedTeacher],
        sampling: SamplingPlan,
        examples: int = EXAMPLES,
    ) -> None:
        self._recipe, self._plan, self._sampling, self._examples = recipe, plan, sampling, examples
        self._weights = [entry.weight for entry in mix]
        self._teachers = [
            None
            if provider(workspace, entry.choice.provider).offline
            else request_identity(workspace, entry.choice)
            for entry in mix
        ]
        self.store = StoredAnswers(workspace.answers)

    @classmethod
    def of_run(cls, workspace: Workspace, run: Run, recipe: Recipe) -> "KnownAnswers":
        """Returns the known answers to the tasks of a run."""
        examples = options_of(run).examples
        return cls(workspace, recipe, run.plan, teachers_of(run), sampling_of(run), examples)

    def count(self) -> int:
        """Returns how many tasks of the plan have a known answer."""
        planned = tasks(self._recipe, self._plan)
        pages = (planned[start : start + _PAGE] for start in range(0, len(planned), _PAGE))
        return sum(len(self.written(page)) for page in pages) if self.store.bytes else 0

    def written(self, asked: Sequence[Task]) -> list[Written]:
        """Returns the texts of the tasks with a known answer: without tokens, time or attempts, for they cost
        none."""
        keys = {key: (each, sampling) for key, each, sampling in self._keyed(asked)}
        texts = []
        for key, answer in self.store.of(list(keys)).items():
            each, sampling = keys[key]
            known = Answer(**answer, prompt_tokens=0, completion_tokens=0)
            text = written(self._recipe, each, known, sampling, attempts=0)
            texts.append(replace(text, origin=replace(text.origin, latency=None)))
        return texts

    def remember(self, texts: Sequence[Written]) -> None:
        """Keeps the answers that came whole."""
        by_task = {text.task.content: text for text in texts if text.origin.finish_reason == "stop"}
        asked = [text.task for text in by_task.values()]
        answers = {}
        for key, each, _sampling in self._keyed(asked):
            text = by_task[each.task.content]
            answers[key] = {
                "text": text.output,
                "model": text.origin.model,
                "request_id": text.origin.request_id,
                "reasoning": text.origin.reasoning,
            }
        if answers:
            self.store.keep(answers)

    def _keyed(self, asked: Sequence[Task]) -> Iterator[tuple[str, Brief, Sampling]]:
        for task in asked:
            teacher = self._teachers[assigned(self._weights, self._plan.seed, task)]
            if teacher is None:
                continue
            try:
                each = brief(self._recipe, task, self._plan.seed, self._examples)
            except PlanError:  # the recipe no longer has what the task names; the run says so
                continue
            sampling = task_sampling(self._sampling, task, self._plan.seed)
            facts = [teacher, each.system, each.prompt, asdict(sampling), each.seed]
            plain = json.dumps(facts, ensure_ascii=False, sort_keys=True)
            yield hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest(), each, sampling


def store_texts(
    workspace: Workspace, run: Run, recipe: Recipe, texts: Sequence[Written], failures: Sequence[Failure]
) -> None:
    """Stores what a run has got, and remembers the answers for other runs."""
    run_store.store(workspace.engine, run, texts, failures)
    KnownAnswers.of_run(workspace, run, recipe).remember(texts)


async def reuse_answers(
    workspace: Workspace,
    run: Run,
    known: KnownAnswers,
    stop: asyncio.Event,
    on_stored: Callable[[int], None],
    on_full: Callable[[bool], None],
) -> None:
    """Stores the known answers to the pending tasks of a run; ``on_stored`` is told how many each time."""
    after, number = -1, 0
    while not stop.is_set():
        page = run_store.tasks_in(workspace.engine, run.id, run_store.PENDING, after, _PAGE)
        if not page:
            break
        after = page[-1].position
        texts = await asyncio.to_thread(known.written, page)
        if texts:
            store = partial(run_store.store, workspace.engine, run, texts, [])
            await dispatch.with_room(store, stop, on_full)
            number += len(texts)
            on_stored(len(texts))
    print(_("{n} 条用了上次的回答，没有再问", n=number), flush=True)
    if known.store.fault:
        print(_("记住的回答读不了（{detail}），都重新问", detail=known.store.fault), flush=True)
