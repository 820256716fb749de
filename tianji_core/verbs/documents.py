"""The verb that makes samples, or examples of a style, from documents: knowledge."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError, StudioError, UnfinishedError
from tianji_core.generation import knowledge as documents
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.recipe import explain
from tianji_core.teachers import TeacherChoice, transcription_server
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
    words,
)
from tianji_core.verbs.document_examples import ExampleOptions, show_examples
from tianji_core.verbs.teacher_options import (
    BudgetOptions,
    MaxTokensOption,
    PaceOptions,
    SamplingOptions,
    TeacherOptions,
    TemperatureOption,
)
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class KnowledgeOptions:
    """How documents are cut and what is asked about each chunk; ``size`` and ``overlap`` in characters."""

    size: Annotated[int, typer.Option(help="Characters of a chunk.")] = 600
    overlap: Annotated[int, typer.Option(help="Characters repeated from the chunk before.")] = 60
    pairs: Annotated[int, typer.Option(help="Questions with answers per chunk.")] = 3
    turns: Annotated[int, typer.Option(help="Turns of each conversation.")] = 1
    system: Annotated[str, typer.Option(help="System prompt of the samples; default: the recipe's.")] = ""
    hide: Annotated[str, typer.Option(help="Names to replace before anything is sent, commas between.")] = ""

    def settings(self) -> documents.KnowledgeSettings:
        """Returns the settings of a run.

        Raises:
            InputError: a value is out of bounds, or the values do not go together.
        """
        try:
            plain = asdict(self)
            plain.pop("hide")
            return documents.KnowledgeSettings(**plain)
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error


@dataclass(frozen=True)
class TranscriptionOptions:
    """Where recordings among the files are written down; nowhere unless it is named."""

    transcriber: Annotated[
        str, typer.Option(help="Send recordings (wav, mp3, m4a, ogg, flac, webm) to this provider.")
    ] = ""
    transcriber_model: Annotated[
        str, typer.Option(help="Its model for recordings; default: the provider's usual one.")
    ] = ""
    transcriber_url: Annotated[
        str, typer.Option(help="Its OpenAI-compatible address; default: the provider's.")
    ] = ""

    def choice(self) -> TeacherChoice:
        """Returns the server that recordings are sent to.

        Raises:
            InputError: none was named, or the address cannot be one.
        """
        if not self.transcriber:
            raise InputError(
                _(
                    "录音要先转写成文字：加上 --transcriber 服务商（例如 siliconflow，或 custom 加 --transcriber-url 和 --transcriber-model）；录音本身会发到那里"
                )
            )
        try:
            return TeacherChoice(
                provider=self.transcriber,
                model=self.transcriber_model,
                base_url=self.transcriber_url,
                timeout=documents.REQUEST_SECONDS,
            )
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error


FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Documents, slides, tables, books, subtitles, pictures, letters, chats, recordings.",
        show_default=False,
    ),
]
PreviewOption = Annotated[
    bool,
    typer.Option("--preview", help="Show the chunks and send none; recordings go to --transcriber only."),
]


def knowledge(
    files: FilesArgument = None,
    teacher: TeacherOptions = TeacherOptions("deepseek"),
    options: KnowledgeOptions = KnowledgeOptions(),
    use: ExampleOptions = ExampleOptions(),
    transcription: TranscriptionOptions = TranscriptionOptions(),
    preview: PreviewOption = False,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
    pace: PaceOptions = PaceOptions(),
    budget: BudgetOptions = BudgetOptions(),
    resume: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Go on with this run; failed chunks too.", show_default=False),
    ] = None,
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Let a teacher ask and answer questions about documents; each answer becomes a sample to review.
    The exit code is 1 where a chunk got no answer at the end."""
    space = opened(workspace)

    def read_files() -> list[documents.Document]:
        return _documents(space, files or (), options, transcription, quiet=as_json)

    if use.wanted(resume):
        show_examples(space, chosen_recipe(space, recipe), use, read_files, as_json)
        return
    if resume is not None:
        run_id = resume
        job = documents.start_knowledge(space, run_id, retry_failed=True)
    else:
        settings = options.settings()
        read = read_files()
        # wrong documents are refused before a teacher is looked up
        chunks = documents.split_documents(read, settings)
        if preview:
            _show_chunks(chunks, as_json)
            return
        run = documents.create_knowledge_run(
            space,
            chosen_recipe(space, recipe),
            read,
            teacher.choice(pace),
            SamplingOptions(temperature, max_tokens=max_tokens, server_sampling=True).plan(),
            settings,
            pace.concurrency,
            budget.run_options(),
        )
        run_id, job = run.id, documents.start_knowledge(space, run.id)
    if not detach:
        follow(space, job, quiet=as_json)
    _show_run(space, run_id, job, as_json)
    if not detach:
        _check_complete(space, run_id)


def _show_chunks(chunks: Sequence[documents.DocumentChunk], as_json: bool) -> None:
    show(
        [{"file": chunk.file, "number": chunk.number, "text": chunk.text} for chunk in chunks],
        as_json,
        "\n\n".join(f"{chunk.file} #{chunk.number}\n{chunk.text}" for chunk in chunks),
    )


def _show_run(space: Workspace, run_id: int, job: Job, as_json: bool) -> None:
    """Prints how far a run is.

    Raises:
        StudioError: every chunk failed; names the most frequent reason.
    """
    state = documents.knowledge_state(space, run_id)
    counts = state.counts
    if counts.failed and not counts.done:
        raise StudioError(
            _(
                "资料批次 {run} 的 {n} 块全部失败：{reason}；修好后再问一次：python -m tianji_core knowledge --resume {run}",
                run=run_id,
                n=counts.failed,
                reason=state.errors[0].example,
            )
        )
    facts = {"run": run_id, "job": job.id, **vars(counts)}
    text = _(
        "资料批次 {run}：{pairs} 条问答，重复没要 {repeated}，没有用上 {unused}；完成 {done} 块，失败 {failed}，未做 {pending}",
        **facts,
    )
    show(facts, as_json, text)


def _check_complete(space: Workspace, run_id: int) -> None:
    """Checks that every chunk of a run that has ended got an answer.

    Raises:
        UnfinishedError: some did not; names the most frequent reason.
    """
    state = documents.knowledge_state(space, run_id)
    if state.counts.failed:
        raise UnfinishedError(
            _(
                "资料批次 {run} 还缺 {n} 块：{reason}；修好后只补缺的：python -m tianji_core knowledge --resume {run}",
                run=run_id,
                n=state.counts.failed,
                reason=state.errors[0].example,
            )
        )


def _documents(
    space: Workspace,
    files: Sequence[Path],
    options: KnowledgeOptions,
    transcription: TranscriptionOptions,
    quiet: bool,
) -> list[documents.Document]:
    """Returns the documents in files, without the names to replace. All others are read before a recording is
    sent anywhere."""
    recordings = [path for path in files if documents.is_recording(path.name)]
    choice = transcription.choice() if recordings else None
    found = {
        path: documents.read_document(path.name, _content(path)) for path in files if path not in recordings
    }
    if choice is not None:
        found |= _written_down(space, recordings, choice, quiet)
    hidden = words(options.hide)
    return [documents.without_names(found[path], hidden) for path in files]


def _written_down(
    space: Workspace, recordings: Sequence[Path], choice: TeacherChoice, quiet: bool
) -> dict[Path, documents.Document]:
    """Sends recordings in a job that reads documents; returns what is said in each.

    Raises:
        InputError: one of them was not written down. Those that were are not sent again.
    """
    server = transcription_server(space, choice)
    contents = {path: _content(path) for path in recordings}
    keys = {path: documents.document_key(path.name, data) for path, data in contents.items()}
    typer.echo(
        _("! 录音本身会发到 {title}（{url}），转写过的不再发", title=server.title, url=server.base_url),
        err=True,
    )
    try:
        job = documents.start_reading(space, [(path.name, contents[path]) for path in contents], choice)
        follow(space, job, quiet)
        read = {path: documents.read_so_far(space, key) for path, key in keys.items()}
    finally:
        documents.forget_reading(space, keys.values())
    for path, document in read.items():
        if isinstance(document, InputError):
            raise document
        if document is None:
            raise InputError(_("{file} 没有转写完，请再来一次", file=path.name))
    return {path: document for path, document in read.items() if isinstance(document, documents.Document)}


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(documents.LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(_("读不了 {file}：{detail}", file=path, detail=error.strerror)) from error
