"""Importing files of conversations as samples of a recipe."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core.dataset.conversation import Conversation, ShapeError, conversation_of
from tianji_core.dataset.reading import Source, bytes_source, file_source, files_under
from tianji_core.dataset.streaming import BrokenLine
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, PENDING, NewSample
from tianji_core.workspace import Workspace

_BATCH = 2000
MOST_BAD = 10_000
"""Number of bad items from which a file with more bad than good items is refused."""


@dataclass(frozen=True)
class ImportReport:
    """The result of one file: ``added`` new samples, ``known`` items that were in the recipe already or occur
    twice in the file, ``bad`` items left out as (index from 0, reason). ``unplaced`` counts good items whose
    name or scene is unknown. ``form`` is the most frequent form of its items."""

    import_id: int
    file: str
    form: str
    encoding: str
    added: int
    known: int
    bad: tuple[tuple[int, str], ...]
    unplaced: int


def report_lines(report: ImportReport) -> list[str]:
    """Returns the result of one file as text, for the log and the command line."""
    first = _(
        "{file}：新增 {added}，已有 {known}，有问题 {bad}",
        file=report.file,
        added=report.added,
        known=report.known,
        bad=len(report.bad),
    )
    return [first, *(_("  第 {index} 项：{reason}", index=i + 1, reason=reason) for i, reason in report.bad)]


Progress = Callable[[int, int], None]
"""Called with the bytes read so far and in total."""


def import_path(
    workspace: Workspace,
    recipe_key: str,
    path: Path,
    state: str = PENDING,
    progress: Progress | None = None,
    called: str = "",
) -> list[ImportReport]:
    """Imports a file, or every JSON, JSONL, CSV and Parquet file in a folder; returns one report for each. A
    file is stored as a whole or, if it is broken or this process is killed, not at all; all files of a folder
    are checked before the first one is stored. ``called`` precedes the names of the files; '' adds nothing.

    Raises:
        ImportFileError: a file cannot be read or is not what it seems; says where.
    """
    files = files_under(path)
    names = [f"{called}/{file.relative_to(path) if file != path else file.name}" for file in files]
    sources = [file_source(file, name if called else "") for file, name in zip(files, names, strict=True)]
    if len(sources) > 1:
        for source in sources:
            deque(source.items(), maxlen=0)
    return _import(workspace, recipe_key, sources, state, progress)


def import_bytes(
    workspace: Workspace, recipe_key: str, content: bytes, name: str, state: str = PENDING
) -> ImportReport:
    """Imports an uploaded file; raises as :func:`import_path`."""
    return _import(workspace, recipe_key, [bytes_source(content, name)], state, None)[0]


def _import(
    workspace: Workspace, recipe_key: str, sources: Sequence[Source], state: str, progress: Progress | None
) -> list[ImportReport]:
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    guess = CellGuess(recipe)
    total, before, reports = sum(source.size for source in sources), 0, []
    for source in sources:

        def told(done: int, start: int = before) -> None:
            if progress is not None:
                progress(start + done, total)

        reports.append(_store(workspace, recipe, source, guess, state, told))
        before += source.size
    return reports


def _store(
    workspace: Workspace,
    recipe: Recipe,
    source: Source,
    guess: "CellGuess",
    state: str,
    told: Callable[[int], None],
) -> ImportReport:
    bad: list[tuple[int, str]] = []
    forms: Counter[str] = Counter()
    good = added = unplaced = 0
    with writing(workspace.engine) as connection:
        number = datasets.insert_import(connection, recipe.key, source.name, source.sha256, "")
        batch: list[NewSample] = []
        for index, item in enumerate(source.items(told)):
            conversation = _read(item)
            if isinstance(conversation, str):
                bad.append((index, conversation))
                _refuse_strange(source.name, bad, good)
                continue
            forms[conversation.form] += 1
            batch.append(_sample(recipe, conversation, guess, state))
            good += 1
            unplaced += not (batch[-1].name and batch[-1].scene)
            if len(batch) >= _BATCH:
                added += len(samples.insert_new(connection, batch, IMPORT, number))
                batch = []
        added += len(samples.insert_new(connection, batch, IMPORT, number))
        form = forms.most_common(1)[0][0] if forms else ""
        datasets.finish_import(connection, number, form, added, good - added, bad)
    return ImportReport(
        import_id=number,
        file=source.name,
        form=form,
        encoding=source.encoding,
        added=added,
        known=good - added,
        bad=tuple(bad),
        unplaced=unplaced,
    )


def _read(item: Any) -> Conversation | str:
    """Returns the conversation in an item, or the reason why there is none."""
    if isinstance(item, BrokenLine):
        return item.reason
    try:
        return conversation_of(item)
    except ShapeError as error:
        return str(error)


def _refuse_strange(file: str, bad: Sequence[tuple[int, str]], good: int) -> None:
    if len(bad) > MOST_BAD and len(bad) > good:
        raise ImportFileError(
            _(
                "{file} 里有问题的已经超过 {n} 项，比能用的还多，不像对话数据，什么也没有导入；第一项（从 0 数第 {index} 项）：{reason}",
                file=file,
                n=MOST_BAD,
                index=bad[0][0],
                reason=bad[0][1],
            )
        )


def _sample(recipe: Recipe, conversation: Conversation, guess: "CellGuess", state: str) -> NewSample:
    last = conversation.turns[-1]
    name, scene, style = guess.of(conversation.turns[0].input, conversation.style)
    return NewSample(
        recipe=recipe.key,
        system=conversation.system or recipe.prompts.system,
        input=last.input,
        output=last.output,
        name=name,
        scene=scene,
        style=style,
        history=tuple((turn.input, turn.output) for turn in conversation.turns[:-1]),
        prompt=conversation.prompt,
        state=state,
    )


class CellGuess:
    """Finds the name, scene and style that a training input asks for, by the words of the recipe; longer
    words come first ('邻居赵大妈' before '邻居')."""

    def __init__(self, recipe: Recipe) -> None:
        self.names = sorted((n.text for n in recipe.names), key=len, reverse=True)
        words = {word: scene.text for scene in recipe.scenes for word in (scene.text, scene.wish)}
        self.scenes = sorted(words.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.styles = {style.text for style in recipe.styles}
        named = {suffix: s.text for s in recipe.styles if (suffix := s.suffix.strip(",， "))}
        self.suffixes = sorted(named.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.plain = next((s.text for s in recipe.styles if not s.suffix.strip()), "")

    def of(self, asked: str, style: str = "") -> tuple[str, str, str]:
        """Returns (name, scene, style) of an input, '' for what it does not contain. ``style`` is the one
        given by the file."""
        style = style if style in self.styles else ""
        rest = asked
        if not style:
            for suffix, text in self.suffixes:
                if rest.rstrip("。.!！ ").endswith(suffix):
                    style = text
                    rest = rest[: rest.rindex(suffix)]
                    break
        name = next((n for n in self.names if n in rest), "")
        rest = rest.replace(name, "，", 1) if name else rest
        scene = next((text for word, text in self.scenes if word in rest), "")
        if not style and name and scene:
            style = self.plain
        return name, scene, style
