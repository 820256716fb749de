"""Has a teacher write three other wordings of a sample, for a person to choose from."""

from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from pydantic import BaseModel, ConfigDict

from tianji_core import cleaning, dispatch
from tianji_core.cleaning import BY_ID, SAFE_RULES, Context, about
from tianji_core.cleaning.unfinished import RULE as UNFINISHED_RULE
from tianji_core.cleaning.unfinished import UNFINISHED, unfinished_note
from tianji_core.dispatch import Failed, Lane, Outcome, Retry, Usage, expected_usage
from tianji_core.errors import InputError, TeacherError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.ownership import remove
from tianji_core.recipe import Recipe, Task, brief, styled, teacher_prompt
from tianji_core.sentences import STORED, Sentence
from tianji_core.store import findings, recipes, steps
from tianji_core.store.samples import Sample
from tianji_core.store.steps import Step
from tianji_core.teachers import Answer, Sampling, TeacherChoice, make_teacher, price_of, provider
from tianji_core.teachers.asking import Ask, asking
from tianji_core.workspace import Workspace

NUMBER = 3
_SAMPLING = Sampling(temperature=0.9, max_tokens=4096)
"""Candidates should differ; a thinking model needs tokens before its answer."""
_DRAWS = 4
"""Attempts of the offline composer per candidate, until all of them differ."""


class Objection(BaseModel):
    """What a cleaning rule finds in a candidate."""

    model_config = ConfigDict(frozen=True)

    rule: str
    detail: Sentence


class Candidate(BaseModel):
    """One other wording, with what the cleaning rules find in it."""

    model_config = ConfigDict(frozen=True)

    text: str
    model: str
    objections: tuple[Objection, ...] = ()


class Rewriting(BaseModel):
    """The candidates for a sample at ``version``. ``faults`` says why each unusable answer is; ``cost`` is in
    the provider's currency, None where the price is unknown."""

    model_config = ConfigDict(frozen=True)

    sample_id: int
    version: int
    provider: str
    candidates: tuple[Candidate, ...] = ()
    faults: tuple[Sentence, ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


async def rewrite(
    workspace: Workspace,
    sample: Sample,
    choice: TeacherChoice,
    wish: str = "",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    retry: Retry | None = None,
) -> Rewriting:
    """Requests three other wordings at once, each again where it fails, stores the candidates and returns
    them; ``wish`` is a request of the person in words.

    Raises:
        TeacherError: no answer is usable. InputError: a teacher that answers no prompts does not know the
        cell. SettingsError, TeacherAuthError: the teacher is not usable.
    """
    recipe = recipes.current(workspace.engine, sample.recipe).recipe
    source = provider(workspace, choice.provider)
    errors: list[TeacherError] = []
    if source.can_chat:
        answers, errors = await _asked(workspace, recipe, sample, choice, wish, progress, retry)
    else:
        answers = await _composed(workspace, recipe, sample, choice)
        progress(NUMBER, NUMBER)
    candidates = _candidates(sample, cleaning.context_of(recipe), answers)
    if not candidates:
        raise (
            errors[0]
            if errors
            else TeacherError(_("回答和原来的内容一样，没有新的写法；请再问一次或写上要求"))
        )
    usage = Usage.of(*answers)
    rewriting = Rewriting(
        sample_id=sample.id,
        version=sample.version,
        provider=choice.provider,
        candidates=tuple(candidates),
        faults=tuple(str(error) for error in errors),
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cost=0.0 if source.offline else usage.cost(price_of(source, choice)),
    )
    path = _path(workspace, sample.id)
    path.parent.mkdir(exist_ok=True)
    write_json(path, rewriting.model_dump(mode="json", context=STORED))
    return rewriting


async def _asked(
    workspace: Workspace,
    recipe: Recipe,
    sample: Sample,
    choice: TeacherChoice,
    wish: str,
    progress: Callable[[int, int], None],
    retry: Retry | None,
) -> tuple[list[Answer], list[TeacherError]]:
    """Returns the answers to three requests sent at once, and the errors of those that failed."""
    found = findings.of(workspace.engine, [sample.id])[sample.id]
    problems = [finding.detail for finding in found if not finding.turn]
    prompt = rewrite_prompt(recipe, sample, problems, wish)
    answers: list[Answer] = []
    errors: list[TeacherError] = []

    def keep(fresh: list[Answer], failures: list[Failed[int]]) -> None:
        answers.extend(fresh)
        errors.extend(TeacherError(failure.message) for failure in failures)

    def report(_fresh: list[Answer], _failures: list[Failed[int]]) -> None:
        progress(len(answers) + len(errors), NUMBER)

    price = price_of(provider(workspace, choice.provider), choice)
    async with asking(workspace, choice) as ask:
        lane = Lane(_RewritingClient(prompt, ask), iter(range(NUMBER)), choice, price)
        try:
            await dispatch.run([lane], keep, concurrency=NUMBER, items=NUMBER, on_stored=report, retry=retry)
        except TeacherError as error:
            errors.insert(0, error)
    return answers, errors


class _RewritingClient:
    """Asks one teacher for other wordings of one sample."""

    def __init__(self, prompt: str, ask: Ask) -> None:
        self._prompt = prompt
        self._ask = ask

    def expected(self, item: int) -> Usage:
        """Returns an estimate from the characters of the request, which holds the present text."""
        return expected_usage(self._prompt, len(self._prompt))

    async def ask(self, item: int, attempts: int) -> Outcome[Answer]:
        """Sends one request.

        Raises:
            TeacherError: no usable answer.
        """
        answer = await self._ask(self._prompt, _SAMPLING)
        return Outcome(answer, Usage.of(answer))


async def _composed(
    workspace: Workspace, recipe: Recipe, sample: Sample, choice: TeacherChoice
) -> list[Answer]:
    """Returns other texts for the same cell from a teacher that answers no prompts."""
    if not (sample.name and sample.scene and sample.style):
        raise InputError(_("看不出这条样本是哪个格子、哪种写法，离线造句写不了；请换一个接口模型"))
    teacher = make_teacher(workspace, choice)
    start = SystemRandom().randrange(1_000_000)
    answers: dict[str, Answer] = {}
    for number in range(NUMBER * _DRAWS):
        task = Task(
            number, sample.name, sample.scene, sample.style, start + number, sample.options, sample.fact
        )
        answer = await teacher.answer(brief(recipe, task, start), Sampling())
        if answer.text != sample.output:
            answers.setdefault(answer.text, answer)
        if len(answers) == NUMBER:
            break
    return list(answers.values())


def rewrite_prompt(recipe: Recipe, sample: Sample, problems: list[str], wish: str = "") -> str:
    """Returns the request for another wording, in Chinese whatever the language of the pages."""
    name, scene, style = recipe.name(sample.name), recipe.scene(sample.scene), recipe.style(sample.style)
    if name is not None and scene is not None and style is not None:
        asked = teacher_prompt(
            recipe, name, scene, styled(recipe, style, sample.options), "", "", sample.fact
        )
    else:
        asked = f"写作任务：{sample.input.strip()}"
    return recipe.request(
        "rewriting",
        asked=asked,
        text=sample.output.strip(),
        problems="它有这些毛病，重写时要避免：" + "；".join(problems) if problems else "",
        wish=f"另外的要求：{wish.strip()}" if wish.strip() else "",
    )


def _candidates(sample: Sample, context: Context, answers: list[Answer]) -> list[Candidate]:
    """Returns the answers as they would be stored: safe fixes applied, duplicates and the present text left
    out."""
    candidates: dict[str, Candidate] = {}
    for answer in answers:
        subject = about(sample, answer.text.strip())
        text = cleaning.clean_text(subject, context, SAFE_RULES)
        if not text or text == sample.output:
            continue
        objections = tuple(
            Objection(rule=finding.rule, detail=finding.detail)
            for finding in cleaning.check(subject._replace(output=text), context)
            if finding.rule in BY_ID
        )
        if answer.finish_reason in UNFINISHED and all(each.rule != UNFINISHED_RULE for each in objections):
            note = unfinished_note(answer.finish_reason)
            objections = (*objections, Objection(rule=UNFINISHED_RULE, detail=note))
        candidates.setdefault(text, Candidate(text=text, model=answer.model, objections=objections))
    return list(candidates.values())


def load_rewriting(workspace: Workspace, sample: Sample) -> Rewriting | None:
    """Returns the candidates for a sample; None where there are none, or the sample has changed since."""
    try:
        rewriting = Rewriting.model_validate_json(_path(workspace, sample.id).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return rewriting if rewriting.version == sample.version else None


def forget_rewriting(workspace: Workspace, sample_id: int) -> None:
    """Deletes the candidates for a sample."""
    remove(_path(workspace, sample_id))


def take_candidate(
    workspace: Workspace, sample: Sample, candidate: Candidate, who: str, state: str | None = None
) -> Step | None:
    """Makes a candidate the sample's text, as an edit whose note names the teacher; returns the step, if any.

    Raises:
        ConflictError: the sample has changed meanwhile.
    """
    note = _("{model} 改写", model=candidate.model)
    step = steps.edit(
        workspace.engine, sample.recipe, sample.id, sample.version, candidate.text, who, state, note
    )
    forget_rewriting(workspace, sample.id)
    return step


def _path(workspace: Workspace, sample_id: int) -> Path:
    return workspace.home / "rewrites" / f"sample-{sample_id}.json"
