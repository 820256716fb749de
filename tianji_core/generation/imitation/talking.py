"""Works on an imitation run: each pass sends one turn of every talk that is not over. Each answer is stored
as it arrives, so a run can be stopped or killed at any moment and goes on later without a turn sent twice."""

import asyncio
import random
from collections.abc import Sequence

from tianji_core import dispatch
from tianji_core.dispatch import Budget, Failed, Lane, Outcome, OwnLimits, Retry, Usage, expected_usage
from tianji_core.generation.imitation.asking import (
    ImitationSettings,
    closeness_text,
    first_request,
    next_request,
)
from tianji_core.generation.imitation.likeness import Likeness, clauses, likeness
from tianji_core.generation.imitation.runs import (
    ImitationState,
    asking_of,
    carried,
    imitation_options_of,
    imitation_state,
    recipe_of,
    text_of,
    wanted_of,
)
from tianji_core.generation.writing import provenance
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.locks import refusing_lock
from tianji_core.recipe import Recipe, drawn_input
from tianji_core.recipe.prompts import estimated_tokens
from tianji_core.store import imitation as rows
from tianji_core.store.imitation import Imitation, ImitationFailure, ImitationRun, TalkedOf, TalkTurn
from tianji_core.store.provenance import Provenance
from tianji_core.store.runs import DONE, PENDING
from tianji_core.store.samples import NewSample
from tianji_core.teachers import SamplingPlan, TeacherChoice, asking, price_of, provider
from tianji_core.teachers.base import ChatTeacher
from tianji_core.workspace import Workspace

Talked = tuple[Imitation, str, Provenance]
"""A text, the answer of its newest turn, and the request that brought it."""


class Relatives:
    """The texts of a run, for the comparison of each with what it imitates and with its siblings."""

    def __init__(self, texts: Sequence[Imitation], settings: ImitationSettings) -> None:
        self._settings = settings
        self._parents = {text.position: text.parent for text in texts}
        self._texts = {text.position: text_of(text) for text in texts if text.state != PENDING}
        self._siblings: dict[int | None, list[int]] = {}
        for text in texts:
            if text.position in self._texts:
                self._siblings.setdefault(text.parent, []).append(text.position)

    def text(self, position: int | None) -> str:
        """Returns the text at a position, '' where there is none yet."""
        return self._texts.get(position, "") if position is not None else ""

    def openings(self, item: Imitation) -> list[str]:
        """Returns the openings of what is written beside an item, in the order of writing."""
        siblings = self._siblings.get(item.parent, []) if item.parent is not None else []
        return [said[0] for position in siblings if (said := clauses(self._texts[position]))]

    def closest(self, item: Imitation, text: str) -> tuple[int | None, Likeness]:
        """Returns the position of the text that an answer is closest to, among what it imitates and its
        siblings, with the likeness."""
        common = (item.name, item.scene)
        found = [
            (at, likeness(text, self._texts[at], common)) for at in self._others(item) if at != item.position
        ]
        return max(found, key=lambda each: self._settings.excess(each[1]), default=(None, Likeness()))

    def _others(self, item: Imitation) -> list[int]:
        above, at = [], item.parent
        while at is not None:
            above.append(at)
            at = self._parents.get(at)
        return [*above, *(self._siblings.get(item.parent, []) if item.parent is not None else [])]

    def remember(self, item: Imitation, text: str) -> None:
        """Takes in a text that is written."""
        if item.position not in self._texts:
            self._siblings.setdefault(item.parent, []).append(item.position)
        self._texts[item.position] = text


class ImitationClient:
    """Sends the next turn of the talk about a text."""

    def __init__(
        self,
        recipe: Recipe,
        settings: ImitationSettings,
        relatives: Relatives,
        sampling: SamplingPlan,
        teacher: ChatTeacher,
    ) -> None:
        self._recipe = recipe
        self._settings = settings
        self._relatives = relatives
        self._sampling = sampling
        self._teacher = teacher

    def _request(self, item: Imitation) -> str:
        wanted = wanted_of(self._recipe, item.name, item.scene, item.style)
        if not item.talk:
            imitated = self._relatives.text(item.parent)
            return first_request(wanted, imitated, self._relatives.openings(item))
        near, found = self._relatives.closest(item, item.talk[-1].answered)
        other = self._relatives.text(near)
        return next_request(wanted, other, found, self._settings, len(item.talk) + 1)

    def expected(self, item: Imitation) -> Usage:
        """Returns an estimate from the characters of the talk so far and of what is imitated."""
        said = "".join(turn.asked + turn.answered for turn in item.talk)
        imitated = self._relatives.text(item.parent)
        return expected_usage(said + self._request(item), estimated_tokens(imitated))

    async def ask(self, item: Imitation, attempts: int) -> Outcome[Talked]:
        """Sends one turn.

        Raises:
            TeacherError: no usable answer.
        """
        prompt = self._request(item)
        sampling = self._sampling.draw(random.Random(f"imitation|{item.position}|{len(item.talk)}"))
        history = [(turn.asked, turn.answered) for turn in item.talk]
        system = self._recipe.prompts.teacher_system.strip()
        answer = await self._teacher.complete(prompt, sampling, system, history)
        return Outcome(
            (item, answer.text.strip(), provenance(prompt, answer, sampling, attempts)), Usage.of(answer)
        )


async def run_imitation(
    workspace: Workspace,
    run_id: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
) -> ImitationState:
    """Goes on with every talk of a run until its text is far enough from the others or was asked for often
    enough, and carries the usable seeds on.

    Raises:
        InputError: no such run. JobError: another process works on it.
        TeacherError: going on makes no sense. RunLimitError: budget or time are used up.
    """
    run = rows.get(workspace.engine, run_id)
    stop = stop or asyncio.Event()
    choice = TeacherChoice.model_validate(run.teacher)
    lock = workspace.runs / f"imitation-{run_id}" / ".work.lock"
    with refusing_lock(lock, _("照着写批次 {id} 正在运行，等它结束或先停止它", id=run_id)):
        async with asking.talking(workspace, choice) as teacher:
            work = _Work(workspace, run, choice, teacher, reporter, stop, retry)
            while not stop.is_set() and await work.one_pass():
                pass
    return imitation_state(workspace, run_id)


class _Work:
    """One start of a run."""

    def __init__(
        self,
        workspace: Workspace,
        run: ImitationRun,
        choice: TeacherChoice,
        teacher: ChatTeacher,
        reporter: Reporter,
        stop: asyncio.Event,
        retry: Retry | None,
    ) -> None:
        self._engine = workspace.engine
        self._run = run
        self._choice = choice
        self._teacher = teacher
        self._reporter = reporter
        self._stop = stop
        self._retry = retry
        self._settings = asking_of(run)
        self._recipe = recipe_of(workspace, run)
        self._price = price_of(provider(workspace, choice.provider), choice)
        before = rows.counts(self._engine, [run.id])[run.id]
        spent = [(Usage(before.prompt_tokens, before.completion_tokens), self._price)]
        self._budget = Budget(imitation_options_of(run), spent)
        self._limits = OwnLimits(choice)  # of all passes together
        self._ahead = 0

    async def one_pass(self) -> bool:
        """Sends one turn of every talk that is not over, or, where all are, carries the seeds on; returns
        whether there was anything to do."""
        texts = rows.tree(self._engine, self._run.id)
        items = [text for text in texts if text.state == PENDING]
        if not items:
            self._ahead, new = 0, carried(self._recipe, texts, self._settings)
            rows.add_texts(self._engine, self._run.id, new)
            return bool(new)
        if not self._settings.only_accepted and any(item.stage == rows.SEED for item in items):
            seeds = [text for text in texts if text.stage == rows.SEED and text.state in (PENDING, DONE)]
            children = sum(text.stage == rows.CHILD for text in texts)
            self._ahead = max(0, len(seeds) * self._settings.cells - children)
        relatives = Relatives(texts, self._settings)
        client = ImitationClient(
            self._recipe,
            self._settings,
            relatives,
            SamplingPlan.model_validate(self._run.sampling),
            self._teacher,
        )

        judged: dict[int, TalkedOf] = {}

        def judge(talked: Talked) -> TalkedOf:
            """The verdict on an answer, the same however often its batch has to be stored."""
            item = talked[0]
            if item.position not in judged:
                judged[item.position] = result = self._judged(relatives, talked)
                if result.state != PENDING:
                    relatives.remember(item, result.text)
            return judged[item.position]

        def store(talked: list[Talked], failed: list[Failed[Imitation]]) -> None:
            failures = [ImitationFailure(f.item.position, f.kind, f.message, f.attempts) for f in failed]
            rows.store(self._engine, self._run.id, [judge(each) for each in talked], failures)

        before = rows.counts(self._engine, [self._run.id])[self._run.id]
        await dispatch.run(
            [Lane(client, iter(items), self._choice, self._price, before.answers, self._limits)],
            store,
            concurrency=self._run.concurrency,
            items=len(items),
            on_stored=lambda _talked, _failed: self.report(),
            budget=self._budget,
            retry=self._retry,
            stop=self._stop,
            on_full=self._reporter.pause_for_room,
        )
        return True

    def report(self) -> None:
        """Reports how many texts are over, of all that there are and that the seeds will be carried to."""
        counts = rows.counts(self._engine, [self._run.id])[self._run.id]
        finished = counts.done + counts.left + counts.failed
        total = counts.total + self._ahead
        self._reporter.update(finished, total)
        print(
            _(
                "写完 {finished}/{total} 条，太像的 {left} 条留给人看，问了 {answers} 轮",
                finished=finished,
                total=total,
                left=counts.left,
                answers=counts.answers,
            ),
            flush=True,
        )

    def _judged(self, relatives: Relatives, talked: Talked) -> TalkedOf:
        """Returns what the newest answer to a text means. Where every answer of the whole talk is too close,
        the least close one is kept."""
        item, answered, origin = talked
        near, found = relatives.closest(item, answered)
        talk = (*item.talk, TalkTurn(origin.prompt, answered, found.wording, found.structure))
        state, kept = DONE, talk[-1]
        if self._settings.is_close(found):
            state = rows.LEFT if len(talk) > self._settings.again else PENDING
        if state == rows.LEFT:
            kept = min(talk, key=lambda t: self._settings.excess(Likeness(t.wording, t.structure)))
            near, found = relatives.closest(item, kept.answered)
        reason = closeness_text(found, self._settings) if state == rows.LEFT else ""
        return TalkedOf(
            item.position,
            talk,
            state,
            kept.answered,
            found.wording,
            found.structure,
            near,
            reason,
            origin,
            self._sample(item, kept, origin),
        )

    def _sample(self, item: Imitation, kept: TalkTurn, origin: Provenance) -> NewSample:
        wanted = wanted_of(self._recipe, item.name, item.scene, item.style)
        source = random.Random(f"imitation|{self._run.id}|{item.position}")
        return NewSample(
            recipe=self._run.recipe,
            system=self._recipe.prompts.system,
            input=drawn_input(self._recipe, wanted.name, wanted.scene, wanted.style, source),
            output=kept.answered,
            name=item.name,
            scene=item.scene,
            style=item.style,
            prompt=kept.asked,
            model=origin.model,
        )
