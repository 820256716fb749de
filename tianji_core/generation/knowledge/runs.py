"""Creates knowledge runs and reports their state."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.dispatch import RunOptions, Usage, expected_usage
from tianji_core.errors import InputError
from tianji_core.generation.knowledge.asking import KnowledgeSettings, knowledge_prompt
from tianji_core.generation.knowledge.documents import Document, DocumentChunk, split_document
from tianji_core.generation.runs import check_concurrency
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import knowledge as knowledge_store
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
from tianji_core.workspace import Workspace, highest_number

PAIR_TOKENS = 120
"""Tokens that a question with its answer usually needs."""


@dataclass(frozen=True)
class KnowledgeState:
    """The state of a run; ``latest`` holds (file, chunk number, question, answer), newest first."""

    run: KnowledgeRun
    counts: ChunkCounts
    errors: list[ErrorCount]
    latest: list[tuple[str, int, str, str]]


def split_documents(documents: Sequence[Document], settings: KnowledgeSettings) -> list[DocumentChunk]:
    """Returns the chunks of several documents; a document that occurs twice counts once.

    Raises:
        InputError: there is no document, or size and overlap do not go together.
    """
    once = {document.sha256: document for document in documents}
    if not once:
        raise InputError(_("先选至少一个文件"))
    return [
        chunk
        for document in once.values()
        for chunk in split_document(document, settings.size, settings.overlap)
    ]


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
    """Stores a run with all its chunks; nothing is sent yet. A system prompt of '' becomes the recipe's.

    Raises:
        InputError: no document, or a teacher that cannot read. PlanError: the concurrency is out of range.
        SettingsError, TeacherAuthError: the teacher is not usable.
    """
    check_concurrency(concurrency)
    chosen = checked_choice(workspace, teacher)
    if not chosen.can_chat:
        raise InputError(_("离线造句不会读资料，请换一个接口模型"))
    chunks = split_documents(documents, settings)
    stored = recipes.current(workspace.engine, recipe)
    if not settings.system.strip():
        settings = settings.model_copy(update={"system": stored.recipe.prompts.system})
    model = resolved_model(chosen, teacher)
    names = list(dict.fromkeys(chunk.file for chunk in chunks))
    shown = _("、").join(names[:2]) + (_("等 {n} 个", n=len(names)) if len(names) > 2 else "")
    new = knowledge_store.NewKnowledgeRun(
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
    return knowledge_store.add(
        workspace.engine,
        new,
        [knowledge_store.NewChunk(c.file, c.sha256, c.number, c.text) for c in chunks],
        highest_number(workspace.runs, "knowledge-"),
    )


def asking_of(run: KnowledgeRun) -> KnowledgeSettings:
    """Returns what a run asks for."""
    return KnowledgeSettings.model_validate(run.settings["asking"])


def knowledge_options_of(run: KnowledgeRun) -> RunOptions:
    """Returns budget and deadline of a run."""
    return RunOptions.model_validate(run.settings["options"])


def expected_of(recipe: Recipe, settings: KnowledgeSettings, file: str, text: str) -> Usage:
    """Returns the tokens that the request for a chunk is likely to use."""
    return expected_usage(
        knowledge_prompt(recipe, settings, file, text), settings.pairs * settings.turns * PAIR_TOKENS
    )


def estimate_knowledge(
    workspace: Workspace,
    recipe: Recipe,
    chunks: Sequence[DocumentChunk],
    settings: KnowledgeSettings,
    teacher: TeacherChoice,
) -> tuple[Usage, float | None]:
    """Returns the tokens of asking about these chunks, and their cost in the provider's currency or None."""
    usage = sum((expected_of(recipe, settings, chunk.file, chunk.text) for chunk in chunks), Usage())
    return usage, usage.cost(price_of(provider(workspace, teacher.provider), teacher))


def knowledge_state(workspace: Workspace, run_id: int) -> KnowledgeState:
    """Returns the state of a run, from what is stored.

    Raises:
        InputError: there is no such run.
    """
    engine = workspace.engine
    return KnowledgeState(
        knowledge_store.get(engine, run_id),
        knowledge_store.counts(engine, run_id),
        knowledge_store.errors(engine, run_id),
        knowledge_store.latest(engine, run_id),
    )
