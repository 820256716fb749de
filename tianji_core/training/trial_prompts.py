"""试写输入: the prompts that a model answers while it trains, from the cells and styles of a recipe."""

from tianji_core.recipe import Recipe, Suitability, training_input

PROMPTS = 4
"""Few, since each is answered before training and at every interval."""


def trial_prompts(recipe: Recipe, count: int = PROMPTS) -> list[str]:
    """1 to ``count`` training inputs of suitable cells, each in another style where there are enough, spread
    over the recipe's names and scenes; always the same for the same recipe."""
    suitability = Suitability.from_groups(recipe.suitability)
    names = [name for name in recipe.names if name.enabled] or list(recipe.names)
    scenes = [scene for scene in recipe.scenes if scene.enabled] or list(recipe.scenes)
    styles = [style for style in recipe.styles if style.enabled] or list(recipe.styles)
    cells = [
        (name, scene)
        for name in names
        for scene in scenes
        if suitability.value(name.text, scene.text) >= max(1, recipe.threshold)
    ] or [(names[0], scenes[0])]
    # A step that has no divisor in common with most numbers of scenes, so that names and scenes both change.
    step = max(1, len(cells) // count + 1)
    prompts = []
    for number in range(count):
        name, scene = cells[number * step % len(cells)]
        style = styles[number % len(styles)]
        prompts.append(training_input(recipe.input_templates[0], name, scene, style))
    return list(dict.fromkeys(prompts))
