"""The verb that makes samples from documents: knowledge."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError, StudioError
from tianji_core.generation import knowledge as documents
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.verbs.common import (
    LARGEST,
    DetachOption,
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    show,
)
from tianji_core.verbs.teacher_options import (
    AddressOption,
    BudgetOption,
    BudgetTokensOption,
    ConcurrencyOption,
    MaxTokensOption,
    MinutesOption,
    ModelOption,
    ProviderOption,
    RequestsOption,
    TemperatureOption,
    TimeoutOption,
    TokensOption,
    run_options,
    sampling_plan,
    teacher_choice,
)


def knowledge(
    files: Annotated[
        list[Path] | None, typer.Argument(help="txt, md, docx, pdf or html files.", show_default=False)
    ] = None,
    provider: ProviderOption = "deepseek",
    model: ModelOption = "",
    base_url: AddressOption = "",
    size: Annotated[int, typer.Option(help="Characters of a chunk.")] = 600,
    overlap: Annotated[int, typer.Option(help="Characters repeated from the chunk before.")] = 60,
    pairs: Annotated[int, typer.Option(help="Questions with answers per chunk.")] = 3,
    turns: Annotated[int, typer.Option(help="Turns of each conversation.")] = 1,
    system: Annotated[str, typer.Option(help="System prompt of the samples; default: the recipe's.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Show the chunks and send nothing.")] = False,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
    concurrency: ConcurrencyOption = 8,
    timeout: TimeoutOption = 60.0,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensOption = None,
    budget: BudgetOption = None,
    budget_tokens: BudgetTokensOption = None,
    minutes: MinutesOption = None,
    resume: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Go on with this run; failed chunks too.", show_default=False),
    ] = None,
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a teacher ask and answer questions about documents; each answer becomes a sample to review."""
    space = opened(workspace)
    if resume is not None:
        run_id = resume
        job = documents.start_knowledge(space, run_id, retry_failed=True)
    else:
        try:
            settings = documents.KnowledgeSettings(
                size=size, overlap=overlap, pairs=pairs, turns=turns, system=system
            )
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error
        read = [_document(path) for path in files or ()]
        chunks = documents.split_documents(read, settings)
        if preview:
            show(
                [{"file": p.file, "number": p.number, "text": p.text} for p in chunks],
                as_json,
                "\n\n".join(f"{p.file} #{p.number}\n{p.text}" for p in chunks),
            )
            return
        choice = teacher_choice(
            provider=provider,
            model=model,
            base_url=base_url,
            timeout=timeout,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
        run = documents.create_knowledge_run(
            space,
            chosen_recipe(space, recipe),
            read,
            choice,
            sampling_plan(temperature, None, None, max_tokens),
            settings,
            concurrency,
            run_options(budget, budget_tokens, minutes),
        )
        run_id, job = run.id, documents.start_knowledge(space, run.id)
    if not detach:
        follow(space, job, quiet=as_json)
    state = documents.knowledge_state(space, run_id)
    counts = state.counts
    if counts.failed and not counts.done:
        raise StudioError(
            _(
                "资料批次 {run} 的 {n} 块全部失败：{reason}；修好后用 knowledge --resume {run} 再问一次",
                run=run_id,
                n=counts.failed,
                reason=state.errors[0].example,
            )
        )
    facts = {"run": run_id, "job": job.id, **vars(counts)}
    text = _(
        "资料批次 {run}：{pairs} 条问答，重复没要 {repeated}；完成 {done} 块，失败 {failed}，未做 {pending}",
        **facts,
    )
    show(facts, as_json, text)


def _document(path: Path) -> documents.Document:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(_("读不了 {file}：{detail}", file=path, detail=error.strerror)) from error
    return documents.read_document(path.name, data)
