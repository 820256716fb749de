"""Making a knowledge run, and how far one is."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.dispatch.budget import Usage
from tianji_core.dispatch.options import RunOptions
from tianji_core.errors import InputError, PlanError
from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt
from tianji_core.generation.knowledge.documents import Document, Piece, cut
from tianji_core.generation.runs import MAX_CONCURRENCY, cost_of
from tianji_core.generation.writing import MESSAGE_TOKENS, TOKENS_PER_CHARACTER
from tianji_core.i18n import _
from tianji_core.store import knowledge as rows
from tianji_core.store import recipes
from tianji_core.store.knowledge import ChunkCounts, KnowledgeRun
from tianji_core.store.provenance import ErrorCount
from tianji_core.teachers import (
    SamplingPlan,
    TeacherChoice,
    checked_choice,
    price_of,
    provider,
    resolved_model,
)
from tianji_core.workspace import Workspace

PAIR_TOKENS = 120
"""Tokens that a question with its answer usually takes."""


@dataclass(frozen=True)
class KnowledgeState:
    """How far a run is; ``latest`` holds (file, chunk number, question, answer), newest first."""

    run: KnowledgeRun
    counts: ChunkCounts
    errors: list[ErrorCount]
    latest: list[tuple[str, int, str, str]]


def cut_all(documents: Sequence[Document], settings: KnowledgeSettings) -> list[Piece]:
    """The chunks of several documents; the same document twice counts once.

    Raises:
        InputError: there is no document, or size and overlap do not go together.
    """
    once = {document.sha256: document for document in documents}
    if not once:
        raise InputError(_("先选至少一个文件"))
    return [piece for document in once.values() for piece in cut(document, settings.size, settings.overlap)]


def create_knowledge_run(
    workspace: Workspace,
    recipe: str,
    documents: Sequence[Document],
    teacher: TeacherChoice,
    sampling: SamplingPlan,
    settings: KnowledgeSettings,
    concurrency: int = 8,
    options: RunOptions | None = None,
) -> KnowledgeRun:
    """Store a run with all its chunks; nothing is sent yet. A system prompt '' becomes the recipe's.

    Raises:
        InputError: no document, or a teacher that cannot read. PlanError: the concurrency is out of range.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise PlanError(_("并发数应当在 1 到 {most} 之间，现在是 {n}", most=MAX_CONCURRENCY, n=concurrency))
    chosen = checked_choice(workspace, teacher)
    if chosen.sdk == "composer":
        raise InputError(_("离线造句不会读资料，请换一个接口模型"))
    pieces = cut_all(documents, settings)
    stored = recipes.current(workspace.engine, recipe)
    if not settings.system.strip():
        settings = settings.model_copy(update={"system": stored.recipe.prompts.system})
    model = resolved_model(chosen, teacher)
    names = list(dict.fromkeys(piece.file for piece in pieces))
    shown = _("、").join(names[:2]) + (_("等 {n} 个", n=len(names)) if len(names) > 2 else "")
    new = rows.NewKnowledgeRun(
        recipe=recipe,
        title=f"{shown} · {model}",
        teacher=teacher.model_copy(update={"model": model}).model_dump(mode="json"),
        sampling=sampling.model_dump(mode="json", exclude_defaults=True),
        settings={
            "asking": settings.model_dump(mode="json"),
            "options": (options or RunOptions()).model_dump(mode="json"),
        },
        concurrency=concurrency,
    )
    return rows.add(
        workspace.engine, new, [rows.NewChunk(p.file, p.sha256, p.number, p.text) for p in pieces]
    )


def asking_of(run: KnowledgeRun) -> KnowledgeSettings:
    """What a run asks for."""
    return KnowledgeSettings.model_validate(run.settings["asking"])


def knowledge_options_of(run: KnowledgeRun) -> RunOptions:
    """Budget and deadline of a run."""
    return RunOptions.model_validate(run.settings["options"])


def expected_of(settings: KnowledgeSettings, file: str, text: str) -> Usage:
    """Tokens that the request for a chunk will probably use."""
    asked = len(knowledge_prompt(settings, file, text)) * TOKENS_PER_CHARACTER + MESSAGE_TOKENS
    return Usage(round(asked), settings.pairs * settings.turns * PAIR_TOKENS)


def estimate_knowledge(
    workspace: Workspace, pieces: Sequence[Piece], settings: KnowledgeSettings, teacher: TeacherChoice
) -> tuple[Usage, float | None]:
    """(tokens, cost in the provider's currency or None) of asking about these chunks."""
    each = [expected_of(settings, piece.file, piece.text) for piece in pieces]
    usage = Usage(sum(u.prompt for u in each), sum(u.completion for u in each))
    price = price_of(provider(workspace, teacher.provider), teacher)
    return usage, cost_of(price, usage.prompt, usage.completion)


def knowledge_state(workspace: Workspace, run_id: int) -> KnowledgeState:
    """How far a run is, from what is stored.

    Raises:
        InputError: there is no such run.
    """
    engine = workspace.engine
    return KnowledgeState(
        rows.get(engine, run_id),
        rows.counts(engine, run_id),
        rows.errors(engine, run_id),
        rows.latest(engine, run_id),
    )
