"""Held-out cells are fixed, and nothing that the base learns from touches them."""

from tianji_core.models.nano import held_out, split_cells
from tianji_core.models.nano.corpus import blessings_of, documents
from tianji_core.models.nano.reading import ReadingTasks
from tianji_core.recipe import built_in_recipes, kept_cells, load_recipe
from tianji_core.teachers.composer import Composer


def test_the_split_is_disjoint_complete_and_does_not_change():
    cells = kept_cells(load_recipe(built_in_recipes()["wishes"]), 1)
    learnt, kept = split_cells(cells)
    assert not set(learnt) & set(kept)
    assert set(learnt) | set(kept) == set(cells)
    assert 0.2 < len(kept) / len(cells) < 0.3
    assert split_cells(reversed(cells))[1] == kept[::-1]
    assert held_out("母亲", "生日")
    assert not held_out("母亲", "春节")


def test_every_name_and_scene_is_also_learnt():
    recipe = load_recipe(built_in_recipes()["wishes"])
    learnt, _kept = split_cells(kept_cells(recipe, 1))
    assert {name for name, _scene in learnt} == {n.text for n in recipe.names}
    assert {scene for _name, scene in learnt} == {s.text for s in recipe.scenes}


def test_no_blessing_of_a_held_out_cell_is_composed_for_the_base():
    recipe, composer = load_recipe(built_in_recipes()["wishes"]), Composer()
    learnt, kept = blessings_of(recipe, composer, 1, 0)
    assert not any(held_out(b.name, b.scene) for b in learnt)
    assert all(held_out(b.name, b.scene) for b in kept)
    assert not {b.text for b in learnt} & {b.text for b in kept}


def test_no_document_asks_for_a_blessing_of_a_cell():
    recipe, composer = load_recipe(built_in_recipes()["wishes"]), Composer()
    learnt, _kept = blessings_of(recipe, composer, 1, 0)
    reading = ReadingTasks(recipe, composer.phrases, learnt)
    asked = {
        template.format(name=n.text, scene=s.text, greeting=s.wish, suffix=style.suffix)
        for template in recipe.input_templates
        for n in recipe.names
        for s in recipe.scenes
        for style in recipe.styles
    }
    for document in documents(reading, 3000, 1):
        request = document.prompt.split("<|im_start|>user\n")[-1].split("<|im_end|>")[0]
        assert request not in asked
