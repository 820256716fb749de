"""The training texts of a model, with which copied answers are recognised."""

from pathlib import Path

from tianji_core.dataset import training_file
from tianji_core.errors import DatasetError, ModelError
from tianji_core.evaluation.checks import Checker, training_pairs
from tianji_core.models import artefact
from tianji_core.recipe import Recipe
from tianji_core.store import datasets
from tianji_core.store.datasets import DatasetVersion
from tianji_core.workspace import Workspace


def training_file_of(workspace: Workspace, model: str) -> Path | None:
    """Returns the training file of a model of this workspace; None for a base, a model of another server, or
    where the dataset version was deleted."""
    version = _version_of(workspace, model)
    try:
        return training_file(workspace, version) if version is not None else None
    except DatasetError:
        return None


def recipe_of(workspace: Workspace, model: str) -> str:
    """Returns the key of the recipe that a model learnt; that of the workspace where nothing says so."""
    version = _version_of(workspace, model)
    return version.recipe if version is not None else workspace.settings().recipe


def _version_of(workspace: Workspace, model: str) -> DatasetVersion | None:
    try:
        name = artefact(workspace, model).dataset_name
    except ModelError:
        return None
    return datasets.find(workspace.engine, name) if name else None


def checker_of(workspace: Workspace, recipe: Recipe, model: str) -> Checker:
    """Returns the checks of a recipe, with the texts that ``model`` was trained on."""
    file = training_file_of(workspace, model)
    try:
        pairs = training_pairs(recipe, file) if file is not None else []
    except DatasetError:  # the file is damaged; the other checks still work
        pairs = []
    return Checker(recipe, pairs)
