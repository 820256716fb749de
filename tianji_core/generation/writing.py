"""From a task to a request for a text, and from the answer to a sample."""

import random
from collections.abc import Callable
from dataclasses import asdict, replace

from tianji_core.dispatch.budget import Usage
from tianji_core.dispatch.lane import Outcome
from tianji_core.generation.openings import Openings
from tianji_core.recipe import Brief, Recipe, Task, brief
from tianji_core.store.provenance import Provenance
from tianji_core.store.runs import Failure, Written
from tianji_core.teachers import Answer, Sampling, SamplingPlan, Teacher

TOKENS_PER_CHARACTER = 0.75
"""Current Chinese tokenizers need 0.6-0.8 tokens per character; a little more is the safer guess."""
MESSAGE_TOKENS = 8
"""Role marks around one message."""


def task_sampling(plan: SamplingPlan, task: Task, seed: int) -> Sampling:
    """The parameters of one task; the same for every attempt and every start of the run."""
    return plan.draw(random.Random(f"sampling|{seed}|{task.name}|{task.scene}|{task.style}|{task.round}"))


def expected_usage(asked: Brief) -> Usage:
    """Tokens that a brief will probably use, from its characters."""
    return Usage(
        round(len(asked.prompt) * TOKENS_PER_CHARACTER) + MESSAGE_TOKENS,
        round((asked.style.min_chars + asked.style.max_chars) / 2 * TOKENS_PER_CHARACTER),
    )


class WritingDesk:
    """The desk of one teacher of a run. With ``openings`` the teacher is told which ones it has used too often."""

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        teacher: Teacher,
        sampling: SamplingPlan,
        openings: Openings | None,
    ) -> None:
        self._recipe = recipe
        self._seed = seed
        self._teacher = teacher
        self._sampling = sampling
        self._openings = openings
        self._answers = 0
        self._used = Usage()

    def expected(self, item: Task) -> Usage:
        """The mean of what was used so far; before the first answer, by the characters of the prompt."""
        if not self._answers or not self._used.total:
            return expected_usage(brief(self._recipe, item, self._seed))
        return Usage(self._used.prompt // self._answers, self._used.completion // self._answers)

    async def ask(self, item: Task, attempts: int) -> Outcome[Written | Failure]:
        """Send one request for the text of a task.

        Raises:
            TeacherError: no usable answer. PlanError: the recipe no longer has what the task names.
        """
        asked = brief(self._recipe, item, self._seed)
        if self._openings is not None and (line := self._openings.request(item.style)):
            asked = replace(asked, prompt=f"{asked.prompt}\n{line}")
        sampling = task_sampling(self._sampling, item, self._seed)
        answer = await self._teacher.answer(asked, sampling)
        if self._openings is not None:
            self._openings.add(item.style, item.name, answer.text)
        usage = Usage(answer.prompt_tokens or 0, answer.completion_tokens or 0)
        self._answers += 1
        self._used = Usage(self._used.prompt + usage.prompt, self._used.completion + usage.completion)
        return Outcome(written(self._recipe, asked, answer, sampling, attempts), usage)

    def failed(self, item: Task, kind: str, sentence: str, attempts: int) -> Written | Failure:
        """The failure to store for a task."""
        return Failure(item, kind, sentence, attempts)


def provenance(prompt: str, answer: Answer, sampling: Sampling, attempts: int = 1) -> Provenance:
    """How an answer came; parameters that were left to the server are left out."""
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
    )


def written(
    recipe: Recipe, asked: Brief, answer: Answer, sampling: Sampling | None = None, attempts: int = 1
) -> Written:
    """The sample that an answer becomes. The text is stripped and otherwise left as it came."""
    return Written(
        task=asked.task,
        system=recipe.prompts.system,
        input=asked.input,
        output=answer.text.strip(),
        origin=provenance(asked.prompt, answer, sampling or Sampling(), attempts),
        planted=answer.planted,
    )


Stored = Callable[[int, int], None]
"""Called after each transaction with the number of texts and of failures in it."""
