"""The training file of one training: that of the dataset version, or a copy with receivers and occasions
replaced and further versions mixed in as the settings ask."""

import json
from collections.abc import Iterator
from pathlib import Path

from tianji_core.dataset import CellGuess, Variation, training_file
from tianji_core.dataset.variants import NO_VARIATION, VARIED, Varying, rewritten, variation_facts
from tianji_core.dataset.writing import write_synced, write_training_file
from tianji_core.errors import RecipeError, TrainingError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import recipes
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import TrainingExample
from tianji_core.training.learnt_pairs import pairs_data
from tianji_core.training.mixed_data import plain_examples, write_mixed
from tianji_core.training.part import part_of
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace

VARIED_TRAIN = "varied_train.json"
"""The training file in the work folder of a training that varies its data."""


def training_data(
    workspace: Workspace, version: DatasetVersion, settings: TrainingSettings, folder: Path
) -> Path:
    """The path of the file that a training learns from. A varied copy and a file with several versions are
    written into its work ``folder``, the same for the same seed; so are the pairs that the settings name.

    Raises:
        TrainingError: the version's recipe is gone, so that nobody knows its names and occasions.
        DatasetError: the pairs are gone or were changed. StudioError: a further version cannot be mixed in.
    """
    if settings.pairs:
        return pairs_data(workspace, settings.pairs, folder)
    own = _own_data(workspace, version, settings, folder)
    return write_mixed(workspace, version, settings, own, folder) if settings.mix else own


def _own_data(
    workspace: Workspace, version: DatasetVersion, settings: TrainingSettings, folder: Path
) -> Path:
    """The file of the version itself, or a part or a varied copy of it."""
    file = part_of(training_file(workspace, version), settings, folder)
    variation = _further(version, settings)
    if not variation:
        return file
    try:
        recipe = recipes.current(workspace.engine, version.recipe).recipe
    except RecipeError as error:
        raise TrainingError(
            _("数据集“{name}”的配方不在了，没法换成名单外的人和事；请把两个份额改成 0", name=version.name)
        ) from error
    examples = list(read_examples(recipe, file))
    variants = Varying(recipe, variation).variants(examples)
    write_training_file(rewritten(examples, variants), folder / VARIED_TRAIN)
    listed = variation_facts(variation, variants)["samples"]
    write_synced(folder / VARIED, json.dumps(listed, ensure_ascii=False) + "\n")
    return folder / VARIED_TRAIN


def _further(version: DatasetVersion, settings: TrainingSettings) -> Variation:
    """What is left to vary: a version that was varied when it was frozen keeps its shares, and conversations
    that were imported as they are name neither receiver nor occasion."""
    if version.conversations:
        return NO_VARIATION
    done = version.manifest.get("varied", {})
    names, occasions = done.get("names_share", 0), done.get("occasions_share", 0)
    return Variation(
        max(0, settings.vary_names - names), max(0, settings.vary_occasions - occasions), settings.seed
    )


def read_examples(recipe: Recipe, file: Path) -> Iterator[TrainingExample]:
    """The samples of a training file; name, occasion and style as an import finds them in the last
    question."""
    guess = CellGuess(recipe)
    for example in plain_examples(file):
        name, scene, style = guess.of(example.input)
        yield example._replace(name=name, scene=scene, style=style)
