"""The vocabulary of one task (names, scenes, styles …), its suitability matrix, prompts and plans. Pure."""

from tianji_core.recipe.loading import built_in_recipes, dump_recipe, explain, load_recipe, parse_recipe
from tianji_core.recipe.model import (
    RELATION_TITLES,
    SCENE_KIND_TITLES,
    Name,
    Prompts,
    Pronoun,
    Recipe,
    Relation,
    Scene,
    SceneKind,
    Style,
    normalise,
)
from tianji_core.recipe.plan import Plan, Task, by_style, kept_cells, task_random, tasks
from tianji_core.recipe.prompts import Brief, brief, teacher_prompt, training_input
from tianji_core.recipe.suitability import (
    DOUBTFUL,
    SUITABLE,
    UNSUITABLE,
    VALUE_TITLES,
    Rating,
    Suitability,
    SuitabilityGroup,
)

__all__ = [
    "DOUBTFUL",
    "RELATION_TITLES",
    "SCENE_KIND_TITLES",
    "SUITABLE",
    "UNSUITABLE",
    "VALUE_TITLES",
    "Brief",
    "Name",
    "Plan",
    "Prompts",
    "Pronoun",
    "Rating",
    "Recipe",
    "Relation",
    "Scene",
    "SceneKind",
    "Style",
    "Suitability",
    "SuitabilityGroup",
    "Task",
    "brief",
    "built_in_recipes",
    "by_style",
    "dump_recipe",
    "explain",
    "kept_cells",
    "load_recipe",
    "normalise",
    "parse_recipe",
    "task_random",
    "tasks",
    "teacher_prompt",
    "training_input",
]
