"""Estimates what judging costs, and adds up what it has cost."""

from dataclasses import dataclass

from tianji_core.cleaning.judging.asking import judge_prompt
from tianji_core.dispatch import Usage, expected_usage
from tianji_core.recipe import Recipe
from tianji_core.store import judgements, recipes
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.teachers import TeacherChoice, price_of, provider
from tianji_core.workspace import Workspace

VERDICT_TOKENS = 70
"""Tokens of an answer: three numbers and one short sentence."""
_SAMPLED = 100


@dataclass(frozen=True)
class JudgeEstimate:
    """``cost`` in the provider's currency, None where the price is unknown."""

    number: int
    usage: Usage
    cost: float | None


def usage_of(recipe: Recipe, sample: Sample) -> Usage:
    """Returns the tokens that judging one sample is likely to use."""
    return expected_usage(judge_prompt(recipe, sample), VERDICT_TOKENS)


def estimate_judging(workspace: Workspace, selection: SampleFilter, choice: TeacherChoice) -> JudgeEstimate:
    """Returns what judging the matching samples without a score is likely to use, from the first hundred of
    them."""
    recipe = recipes.current(workspace.engine, selection.recipe).recipe
    number = judgements.waiting_count(workspace.engine, selection)
    first = judgements.waiting(workspace.engine, selection, limit=_SAMPLED)
    if not first:
        return JudgeEstimate(number, Usage(), 0.0)
    prompt = sum(usage_of(recipe, sample).prompt for sample in first) / len(first)
    usage = Usage(round(number * prompt), number * VERDICT_TOKENS)
    return JudgeEstimate(number, usage, _cost(workspace, choice, usage))


def judging_cost(workspace: Workspace, recipe_key: str, choice: TeacherChoice) -> tuple[Usage, float | None]:
    """Returns the tokens of all verdicts on a recipe's samples, and their cost at the prices of ``choice`` or
    None."""
    used = judgements.usage(workspace.engine, recipe_key)
    usage = Usage(used.prompt_tokens, used.completion_tokens)
    return usage, _cost(workspace, choice, usage)


def _cost(workspace: Workspace, choice: TeacherChoice, usage: Usage) -> float | None:
    return usage.cost(price_of(provider(workspace, choice.provider), choice))
