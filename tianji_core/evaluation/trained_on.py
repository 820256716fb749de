"""The training texts of a model, with which copied answers are recognised."""

from pathlib import Path

from tianji_core.dataset import training_file
from tianji_core.errors import DatasetError, ModelError
from tianji_core.evaluation.checks import Checker, training_pairs
from tianji_core.models import artefact
from tianji_core.recipe import Recipe
from tianji_core.store import datasets
from tianji_core.workspace import Workspace


def training_file_of(workspace: Workspace, model: str) -> Path | None:
    """Returns the training file of a model of this workspace; None for a base, a model of another server, or
    where the dataset version was deleted."""
    try:
        name = artefact(workspace, model).dataset_name
        version = datasets.find(workspace.engine, name) if name else None
        return training_file(workspace, version) if version is not None else None
    except (ModelError, DatasetError):
        return None


def checker_of(workspace: Workspace, recipe: Recipe, model: str) -> Checker:
    """Returns the checks of a recipe, with the texts that ``model`` was trained on."""
    file = training_file_of(workspace, model)
    try:
        pairs = training_pairs(recipe, file) if file is not None else []
    except DatasetError:  # the file is damaged; the other checks still work
        pairs = []
    return Checker(recipe, pairs)
