"""What the tests of cleaning share."""

import pytest

from tianji_core.cleaning import Context, context_of
from tianji_core.recipe import built_in_recipes, load_recipe


@pytest.fixture(scope="session")
def context() -> Context:
    return context_of(load_recipe(built_in_recipes()["wishes"]))
