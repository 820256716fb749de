"""Importing files of conversations as samples of a recipe."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core.dataset.conversation import Conversation, ShapeError, conversation_of
from tianji_core.dataset.reading import BrokenLine, Source, files_under, read_bytes, read_file
from tianji_core.recipe import Recipe
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, PENDING, NewSample
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class ImportReport:
    """What came of one file: ``added`` new samples, ``known`` items that were there already (or twice in the file),
    ``bad`` items left out as (index from 0, reason). ``unplaced`` counts added samples whose name or scene could not be
    told. ``form`` is the most frequent form of its items."""

    import_id: int
    file: str
    form: str
    encoding: str
    added: int
    known: int
    bad: tuple[tuple[int, str], ...]
    unplaced: int


def import_path(
    workspace: Workspace, recipe_key: str, path: Path, state: str = PENDING
) -> list[ImportReport]:
    """Import a file, or every JSON and JSONL file in a folder, one report each. Files are read before the first one is
    stored, so that a broken file leaves nothing half done.

    Raises:
        ImportFileError: a file cannot be read or is not JSON; says where.
    """
    sources = [read_file(file) for file in files_under(path)]
    return _import(workspace, recipe_key, sources, state)


def import_bytes(
    workspace: Workspace, recipe_key: str, content: bytes, name: str, state: str = PENDING
) -> ImportReport:
    """Import an uploaded file; as :func:`import_path`."""
    return _import(workspace, recipe_key, [read_bytes(content, name)], state)[0]


def _import(
    workspace: Workspace, recipe_key: str, sources: Sequence[Source], state: str
) -> list[ImportReport]:
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    guess = CellGuess(recipe)
    return [_store(workspace, recipe, source, guess, state) for source in sources]


def _store(
    workspace: Workspace, recipe: Recipe, source: Source, guess: "CellGuess", state: str
) -> ImportReport:
    good: list[NewSample] = []
    bad: list[tuple[int, str]] = []
    forms: Counter[str] = Counter()
    for index, item in enumerate(source.items):
        if isinstance(item, BrokenLine):
            bad.append((index, item.reason))
            continue
        try:
            conversation = conversation_of(item)
        except ShapeError as error:
            bad.append((index, str(error)))
            continue
        forms[conversation.form] += 1
        good.append(_sample(recipe, conversation, guess, state))
    form = forms.most_common(1)[0][0] if forms else ""
    with writing(workspace.engine) as connection:
        number = datasets.insert_import(connection, recipe.key, source.name, source.sha256, form)
        added = samples.insert_new(connection, good, IMPORT, number)
        datasets.finish_import(connection, number, len(added), len(good) - len(added), bad)
    unplaced = sum(not (sample.name and sample.scene) for sample in good)
    return ImportReport(
        import_id=number,
        file=source.name,
        form=form,
        encoding=source.encoding,
        added=len(added),
        known=len(good) - len(added),
        bad=tuple(bad),
        unplaced=unplaced,
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
    """Which name, scene and style a training input asks for, by the recipe's own words; longer words are tried
    first ('邻居赵大妈' before '邻居')."""

    def __init__(self, recipe: Recipe) -> None:
        self.names = sorted((n.text for n in recipe.names), key=len, reverse=True)
        words = {word: scene.text for scene in recipe.scenes for word in (scene.text, scene.wish)}
        self.scenes = sorted(words.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.styles = {style.text for style in recipe.styles}
        named = {suffix: s.text for s in recipe.styles if (suffix := s.suffix.strip(",， "))}
        self.suffixes = sorted(named.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.plain = next((s.text for s in recipe.styles if not s.suffix.strip()), "")

    def of(self, asked: str, style: str = "") -> tuple[str, str, str]:
        """(name, scene, style) of an input; '' for what it does not say. ``style`` is what the file itself says."""
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
