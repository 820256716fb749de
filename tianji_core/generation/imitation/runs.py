"""Creates imitation runs, carries their seeds to other receivers and occasions, and reports their state."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tianji_core.dispatch import RunOptions, Usage, expected_usage
from tianji_core.errors import InputError
from tianji_core.gate import standard_characters
from tianji_core.generation.estimate import GUESSED_LATENCY, measured_latency
from tianji_core.generation.imitation.asking import ImitationSettings, Wanted, first_request
from tianji_core.generation.runs import check_concurrency
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Style, kept_cells
from tianji_core.recipe.prompts import estimated_tokens
from tianji_core.store import imitation as rows
from tianji_core.store import recipes
from tianji_core.store.imitation import Imitation, ImitationCounts, ImitationRun, NewImitation
from tianji_core.store.provenance import ErrorCount
from tianji_core.store.runs import DONE
from tianji_core.store.samples import ACCEPTED, PENDING
from tianji_core.teachers import (
    SamplingPlan,
    TeacherChoice,
    checked_choice,
    price_of,
    provider,
    resolved_model,
)
from tianji_core.workspace import Workspace, highest_number

LONGEST = 4000
"""Characters of one paragraph."""
MOST_PARAGRAPHS, MOST_TEXTS = 50, 20_000
AGAIN_CHARACTERS = 200
"""Characters of a request to write a text once more."""


@dataclass(frozen=True)
class ImitationState:
    """The state of a run: its texts as a tree, by position, with the parents before their children."""

    run: ImitationRun
    counts: ImitationCounts
    errors: list[ErrorCount]
    texts: list[Imitation]


@dataclass(frozen=True)
class ImitationEstimate:
    """What a run takes at least, where every first answer is usable, and at most, where none is. Costs are in
    the provider's currency, None where its price is unknown; times in seconds."""

    texts: int
    most_requests: int
    least_tokens: int
    most_tokens: int
    least_cost: float | None
    most_cost: float | None
    least_seconds: float
    most_seconds: float


def paragraphs_of(pasted: str) -> list[str]:
    """Returns the paragraphs of a text, which blank lines part; one that occurs twice counts once.

    Raises:
        InputError: there is none, there are too many, or one is too long; says which.
    """
    parts = re.split(
        r"\n[^\S\n]*\n\s*", standard_characters(pasted.replace("\r\n", "\n").replace("\r", "\n"))
    )
    found = list(dict.fromkeys(part.strip() for part in parts if any(c.isalnum() for c in part)))
    if not found:
        raise InputError(_("先贴一段自己喜欢的文字，几段之间空一行"))
    if len(found) > MOST_PARAGRAPHS:
        raise InputError(_("一次最多 {most} 段，现在有 {n} 段；请分几次", most=MOST_PARAGRAPHS, n=len(found)))
    for number, text in enumerate(found, start=1):
        if len(text) > LONGEST:
            raise InputError(
                _(
                    "第 {number} 段（“{beginning}…”）有 {n:,} 字，一段最多 {most:,} 字；请挑最有味道的一部分，或用空行分成几段",
                    number=number,
                    beginning=text[:10],
                    n=len(text),
                    most=LONGEST,
                )
            )
    return found


def fitting_style(recipe: Recipe, paragraphs: Sequence[str]) -> Style:
    """Returns the enabled style whose length limits fit the most paragraphs, the first of several."""
    styles = [style for style in recipe.styles if style.enabled] or list(recipe.styles)
    return max(
        styles,
        key=lambda style: sum(style.min_chars <= len(text) <= style.max_chars for text in paragraphs),
    )


def create_imitation_run(
    workspace: Workspace,
    recipe: str,
    paragraphs: Sequence[str],
    teacher: TeacherChoice,
    sampling: SamplingPlan,
    settings: ImitationSettings,
    concurrency: int = 8,
    options: RunOptions | None = None,
) -> ImitationRun:
    """Stores a run with its paragraphs and the seeds to be written; nothing is sent yet. The run keeps the
    recipe at its present revision.

    Raises:
        InputError: a paragraph as in :func:`paragraphs_of`, too many texts, a name, scene or style that the
            recipe lacks, or a teacher that cannot talk. PlanError: the concurrency is out of range.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    check_concurrency(concurrency)
    given = paragraphs_of("\n\n".join(paragraphs))
    stored = recipes.current(workspace.engine, recipe)
    wanted_of(stored.recipe, settings.name, settings.scene, settings.style)
    number = len(given) * settings.seeds * (1 + settings.cells)
    if number > MOST_TEXTS:
        raise InputError(_("这样要写 {n:,} 条，一次最多 {most:,} 条", n=number, most=MOST_TEXTS))
    chosen = checked_choice(workspace, teacher)
    if not chosen.can_chat:
        raise InputError(_("离线造句不会照着写，请换一个接口模型"))
    model = resolved_model(chosen, teacher)
    cell = (settings.name, settings.scene, settings.style)
    texts = [NewImitation(None, rows.PARAGRAPH, *cell, text) for text in given]
    texts += [
        NewImitation(parent, rows.SEED, *cell) for parent in range(len(given)) for _n in range(settings.seeds)
    ]
    new = rows.NewImitationRun(
        recipe=recipe,
        recipe_revision=stored.revision,
        title=f"{given[0][:12]}… · {model}",
        teacher=teacher.model_copy(update={"model": model}).model_dump(mode="json"),
        sampling=sampling.model_dump(mode="json", exclude_defaults=True),
        settings={
            "asking": settings.model_dump(mode="json"),
            "options": (options or RunOptions()).model_dump(mode="json"),
        },
        concurrency=concurrency,
    )
    return rows.add(workspace.engine, new, texts, highest_number(workspace.runs, "imitation-"))


def wanted_of(recipe: Recipe, name: str, scene: str, style: str) -> Wanted:
    """Returns receiver, occasion and style by their texts.

    Raises:
        InputError: the recipe lacks one of them.
    """
    found = recipe.name(name), recipe.scene(scene), recipe.style(style)
    for entry, text in zip(found, (name, scene, style), strict=True):
        if entry is None:
            raise InputError(_("配方“{recipe}”里没有“{text}”", recipe=recipe.title, text=text))
    return Wanted(recipe, *found)  # type: ignore[arg-type]


def asking_of(run: ImitationRun) -> ImitationSettings:
    """Returns what a run asks for."""
    return ImitationSettings.model_validate(run.settings["asking"])


def imitation_options_of(run: ImitationRun) -> RunOptions:
    """Returns budget and deadline of a run."""
    return RunOptions.model_validate(run.settings["options"])


def change_imitation_options(
    workspace: Workspace, run_id: int, options: RunOptions, concurrency: int
) -> None:
    """Changes budget, deadline and concurrency of a stored run, for its next start.

    Raises:
        InputError: no such run. PlanError: the concurrency is out of range.
    """
    check_concurrency(concurrency)
    settings = rows.get(workspace.engine, run_id).settings
    changed = {**settings, "options": options.model_dump(mode="json")}
    rows.change(workspace.engine, run_id, changed, concurrency)


def recipe_of(workspace: Workspace, run: ImitationRun) -> Recipe:
    """Returns the recipe of a run as it was when the run was made."""
    return recipes.at(workspace.engine, run.recipe, run.recipe_revision).recipe


def text_of(item: Imitation) -> str:
    """Returns the present text: as a person has edited its sample, or as it was written or given."""
    return item.sample_text or item.text


def carried(recipe: Recipe, texts: Sequence[Imitation], settings: ImitationSettings) -> list[NewImitation]:
    """Returns the texts by which the usable seeds still lack children: each is carried to ``cells`` receivers
    and occasions that suit the style, drawn so that all seeds together spread evenly. A seed is usable once a
    person has accepted it, and, without ``only_accepted``, while nobody has rejected it and it is not too
    close."""
    order = list(kept_cells(recipe, recipe.threshold, settings.style))
    random.Random(settings.seed).shuffle(order)
    met: dict[int, set[tuple[str, str]]] = {}
    for text in texts:
        if text.stage == rows.CHILD and text.parent is not None:
            met.setdefault(text.parent, set()).add((text.name, text.scene))
    turn = _turning(order)
    new: list[NewImitation] = []
    for seed in texts:
        if not is_usable(seed, settings):
            continue
        taken = met.get(seed.position, set()) | {(seed.name, seed.scene)}
        lacking = settings.cells - (len(taken) - 1)
        for cell in [next(turn) for _each in order] if lacking > 0 else ():
            if cell not in taken and lacking > 0:
                taken.add(cell)
                lacking -= 1
                new.append(NewImitation(seed.position, rows.CHILD, *cell, settings.style))
    return new


def _turning(order: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yields the cells round and round, beginning one place later in each round."""
    start = 0
    while order:
        yield from (*order[start % len(order) :], *order[: start % len(order)])
        start += max(1, len(order) // 7)


def is_usable(text: Imitation, settings: ImitationSettings) -> bool:
    """Returns whether a text is a seed that may be carried on."""
    if text.stage != rows.SEED:
        return False
    if text.sample_state == ACCEPTED:
        return True
    return not settings.only_accepted and text.state == DONE and text.sample_state == PENDING


def estimate_imitation(
    workspace: Workspace,
    recipe: Recipe,
    paragraphs: Sequence[str],
    settings: ImitationSettings,
    teacher: TeacherChoice,
    concurrency: int,
) -> ImitationEstimate:
    """Returns what writing in the manner of these paragraphs takes."""
    wanted = wanted_of(recipe, settings.name, settings.scene, settings.style)
    per_paragraph = settings.seeds * (1 + settings.cells)
    least, most = Usage(), Usage()
    for text in paragraphs:
        length = estimated_tokens(text)
        first = expected_usage(first_request(wanted, text, ()), length)
        step = estimated_tokens("字" * AGAIN_CHARACTERS) + length  # the turns before are sent each time
        for turn in range(1 + settings.again):
            asked = Usage(first.prompt + turn * step, length)
            most += Usage(asked.prompt * per_paragraph, asked.completion * per_paragraph)
        least += Usage(first.prompt * per_paragraph, length * per_paragraph)
    texts = len(paragraphs) * per_paragraph
    requests = texts * (1 + settings.again)
    price = price_of(provider(workspace, teacher.provider), teacher)
    latency = measured_latency(workspace, teacher) or GUESSED_LATENCY
    pace = max(
        latency / concurrency, 60 / teacher.requests_per_minute if teacher.requests_per_minute else 0.0
    )
    return ImitationEstimate(
        texts,
        requests,
        least.total,
        most.total,
        least.cost(price),
        most.cost(price),
        texts * pace,
        requests * pace,
    )


def imitation_state(workspace: Workspace, run_id: int) -> ImitationState:
    """Returns the state of a run, from what is stored.

    Raises:
        InputError: there is no such run.
    """
    engine = workspace.engine
    return ImitationState(
        rows.get(engine, run_id),
        rows.counts(engine, [run_id])[run_id],
        rows.errors(engine, run_id),
        rows.tree(engine, run_id),
    )


def waiting(workspace: Workspace, run: ImitationRun) -> int:
    """Returns how many texts a run still has to ask for: those that are pending, and those by which its
    usable seeds lack children."""
    texts = rows.tree(workspace.engine, run.id)
    lacking = carried(recipe_of(workspace, run), texts, asking_of(run))
    return sum(text.state == PENDING for text in texts) + len(lacking)
