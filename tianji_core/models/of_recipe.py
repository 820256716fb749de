"""Removing a recipe with everything that was made with it, as one, and bringing it back."""

import math

from tianji_core.models.catalogue import Trashed, artefacts, delete, restore, trashed
from tianji_core.recipe import DEFAULT_RECIPE
from tianji_core.store import recipes, training
from tianji_core.workspace import Workspace

_MOST = 100_000
"""More trainings than a recipe has."""


def remove_recipe(workspace: Workspace, key: str) -> int:
    """Removes a recipe from every list, with its samples, dataset versions and trainings, and moves the
    models made of them to the trash; returns how many models there were. Where the recipe was the one in
    use, the default one is. Nothing is lost: :func:`bring_back_recipe` undoes all of it.

    Raises:
        RecipeError: no such recipe, or a built-in one. ModelError: a job uses one of its models, or one
        is the base of an adapter of another recipe; then nothing is removed.
    """
    trainings = _trainings(workspace, key)
    removed: list[Trashed] = []
    recipes.remove(workspace.engine, key)
    try:
        newest = sorted(artefacts(workspace), key=lambda model: model.created_at, reverse=True)
        for model in newest:  # what is made of another model before that model
            if model.training_run_id in trainings:
                removed.append(delete(workspace, model.name))
    except Exception:
        recipes.bring_back(workspace.engine, key)
        for deleted in removed:
            restore(workspace, deleted.token)
        raise
    settings = workspace.settings()
    if settings.recipe == key:
        workspace.save_settings(settings.model_copy(update={"recipe": DEFAULT_RECIPE}))
    return len(removed)


def bring_back_recipe(workspace: Workspace, key: str) -> None:
    """Brings a removed recipe back, with the models that went with it and are still in the trash.

    Raises:
        RecipeError: it is not removed.
    """
    # The trash tells milliseconds.
    since = math.floor(recipes.bring_back(workspace.engine, key).timestamp() * 1000) / 1000
    trainings = _trainings(workspace, key)
    for deleted in trashed(workspace):
        if deleted.deleted_at >= since and deleted.artefact.training_run_id in trainings:
            restore(workspace, deleted.token)


def _trainings(workspace: Workspace, key: str) -> set[int | None]:
    return {run.id for run in training.listed(workspace.engine, key, _MOST)}
