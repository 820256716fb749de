"""Turns a task into a request for a text, and the answer into a sample."""

import random
from dataclasses import asdict, replace

from tianji_core.dispatch import TOKENS_PER_CHARACTER, Outcome, Usage, expected_usage
from tianji_core.generation.worn_phrases import Habits
from tianji_core.recipe import EXAMPLES, Brief, Recipe, Task, brief
from tianji_core.store.provenance import Provenance
from tianji_core.store.runs import Written
from tianji_core.teachers import Answer, Sampling, SamplingPlan, Teacher


def task_sampling(plan: SamplingPlan, task: Task, seed: int) -> Sampling:
    """Returns the parameters of one task: the same for every attempt and every start of the run."""
    return plan.draw(random.Random(f"sampling|{seed}|{task.content}"))


def usage_of(asked: Brief) -> Usage:
    """Returns the tokens that a brief is likely to use: its messages, and a text midway between the length
    limits."""
    characters = (asked.style.min_chars + asked.style.max_chars) / 2
    return expected_usage(asked.system + asked.prompt, round(characters * TOKENS_PER_CHARACTER))


class WritingClient:
    """Asks one teacher of a run for texts, with ``examples`` few-shot examples in each request. With
    ``habits`` the prompt names the openings and phrases that it has used too often."""

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        teacher: Teacher,
        sampling: SamplingPlan,
        habits: Habits,
        examples: int = EXAMPLES,
    ) -> None:
        self._recipe = recipe
        self._seed = seed
        self._teacher = teacher
        self._sampling = sampling
        self._habits = habits
        self._examples = examples
        self._answers = 0
        self._used = Usage()

    def expected(self, item: Task) -> Usage:
        """Returns the mean of what was used so far; before the first answer, an estimate from the prompt."""
        if not self._answers or not self._used.total:
            return usage_of(brief(self._recipe, item, self._seed, self._examples))
        return Usage(self._used.prompt // self._answers, self._used.completion // self._answers)

    async def ask(self, item: Task, attempts: int) -> Outcome[Written]:
        """Sends one request for the text of a task.

        Raises:
            TeacherError: no usable answer. PlanError: the recipe no longer has what the task names.
        """
        asked = brief(self._recipe, item, self._seed, self._examples)
        if line := self._habits.request(item.style):
            asked = replace(asked, prompt=f"{asked.prompt}\n{line}")
        sampling = task_sampling(self._sampling, item, self._seed)
        answer = await self._teacher.answer(asked, sampling)
        self._habits.add(item.style, item.name, answer.text)
        usage = Usage.of(answer)
        self._answers += 1
        self._used += usage
        return Outcome(written(self._recipe, asked, answer, sampling, attempts), usage)


def provenance(
    prompt: str, answer: Answer, sampling: Sampling, attempts: int = 1, examples: tuple[str, ...] = ()
) -> Provenance:
    """Returns the provenance of an answer; parameters that were left to the server are left out."""
    return Provenance(
        prompt=prompt,
        model=answer.model,
        attempts=attempts,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        latency=answer.latency,
        request_id=answer.request_id,
        finish_reason=answer.finish_reason,
        reasoning=answer.reasoning,
        sampling={name: value for name, value in asdict(sampling).items() if value is not None},
        examples=examples,
    )


def written(
    recipe: Recipe, asked: Brief, answer: Answer, sampling: Sampling | None = None, attempts: int = 1
) -> Written:
    """Returns the sample that an answer becomes. White space around the text is removed; nothing else
    changes."""
    return Written(
        task=asked.task,
        system=recipe.prompts.system,
        input=asked.input,
        output=answer.text.strip(),
        origin=provenance(asked.prompt, answer, sampling or Sampling(), attempts, asked.examples),
        planted=answer.planted,
    )
