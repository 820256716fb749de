"""Reads what came back of a batch: the texts, the failures, and what is to be asked again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tianji_core.errors import TeacherAnswerError, TeacherAuthError, TeacherError, TeacherRequestError
from tianji_core.generation.batch_book import SentBatch, position_of, sent_prompts
from tianji_core.generation.runs import options_of, sampling_of, teachers_of
from tianji_core.generation.worn_phrases import Habits
from tianji_core.generation.writing import task_sampling, written
from tianji_core.i18n import _
from tianji_core.recipe import Brief, Recipe, Task, brief
from tianji_core.store import runs as run_store
from tianji_core.store.runs import Failure, Run, Written
from tianji_core.teachers import BatchTeacher
from tianji_core.teachers.batches import BatchLine, BatchState
from tianji_core.teachers.text_form import REQUEST
from tianji_core.workspace import Workspace

TRIES = 3
"""How often a task is asked before it counts as failed."""
_PAGE = 500


@dataclass(frozen=True)
class Received:
    """What a batch has brought. A task that can be asked again is neither text nor failure; ``refused`` says
    why going on makes no sense."""

    texts: list[Written]
    failures: list[Failure]
    refused: TeacherError | None = None


class BatchResults:
    """Turns the lines of a run's batches into samples."""

    def __init__(
        self, workspace: Workspace, run: Run, recipe: Recipe, teachers: Sequence[BatchTeacher]
    ) -> None:
        self._workspace, self._run, self._recipe, self._teachers = workspace, run, recipe, teachers

    def brief(self, task: Task, habits: Habits) -> Brief:
        """Returns what is asked for a task; the prompt names what ``habits`` say."""
        asked = brief(self._recipe, task, self._run.plan.seed, options_of(self._run).examples)
        if line := habits.request(task.style):
            asked = replace(asked, prompt=f"{asked.prompt}\n{line}")
        return asked

    def read(
        self, sent: SentBatch, state: BatchState, lines: Iterable[BatchLine], tries: dict[int, int]
    ) -> Received:
        """Returns what the lines of a batch hold. ``tries`` counts how often a task was asked in vain, and is
        brought up to date."""
        tasks = {task.position: task for task in self._tasks(sent)}
        prompts = sent_prompts(self._workspace, self._run.id, sent.tag)
        texts: list[Written] = []
        errors: dict[int, TeacherError] = {}
        for line in lines:
            position = position_of(line.custom_id)
            if position is None or (task := tasks.pop(position, None)) is None:
                continue
            if line.unsent and state.ended_early:
                continue
            try:
                number = tries.get(position, 0) + 1
                texts.append(self._text(sent.teacher, task, line, prompts[position], number))
                tries.pop(position, None)
            except TeacherError as error:
                errors[position] = error
                tasks[position] = task
        if not texts and (refused := self._refusal(sent, state, list(errors.values()))):
            return Received([], [], refused)
        silent = TeacherAnswerError(_("批量的结果里没有这一条"))
        failures = []
        for position, task in tasks.items():
            reason = errors.get(position, silent)
            if reason is silent and state.ended_early:
                continue
            number = tries.pop(position, 0) + 1
            if reason.retryable and number < TRIES:
                tries[position] = number
                continue
            failures.append(Failure(task, reason.kind, str(reason), number))
        return Received(texts, failures)

    def _tasks(self, sent: SentBatch) -> list[Task]:
        """The tasks of a batch that are still pending."""
        wanted = set(sent.positions)
        if not wanted:
            return []
        found: list[Task] = []
        after, last = min(wanted) - 1, max(wanted)
        while after < last:
            page = run_store.tasks_in(self._workspace.engine, self._run.id, run_store.PENDING, after, _PAGE)
            if not page:
                break
            found += [task for task in page if task.position in wanted]
            after = page[-1].position
        return found

    def _text(self, teacher: int, task: Task, line: BatchLine, prompt: str, tries: int) -> Written:
        """Raises:
        TeacherError: no usable answer."""
        if line.error is not None:
            raise line.error
        answer = self._teachers[teacher].batch_answer(line.body, line.request_id)
        asked = replace(self.brief(task, Habits(None, None)), prompt=prompt.removesuffix(f"\n{REQUEST}"))
        sampling = task_sampling(sampling_of(self._run), task, self._run.plan.seed)
        return written(self._recipe, asked, answer, sampling, tries)

    def _refusal(
        self, sent: SentBatch, state: BatchState, errors: Sequence[TeacherError]
    ) -> TeacherError | None:
        """Why going on makes no sense after a batch without a single text; None where it does."""
        if state.status == "failed":
            title = teachers_of(self._run)[sent.teacher].choice.model
            return TeacherRequestError(_("{title} 没有接受这一批：{said}", title=title, said=state.message))
        counts = run_store.counts(self._workspace.engine, [self._run.id])[self._run.id]
        kinds = TeacherAuthError if counts.done else (TeacherAuthError, TeacherRequestError)
        hopeless = [error for error in errors if isinstance(error, kinds)]
        return hopeless[0] if errors and len(hopeless) == len(errors) else None
