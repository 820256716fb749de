"""What judging costs, before and after."""

from dataclasses import dataclass

from tianji_core.cleaning.judging.asking import judge_prompt
from tianji_core.dispatch.budget import Usage
from tianji_core.generation.knowledge.runs import MESSAGE_TOKENS, TOKENS_PER_CHARACTER
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


def expected_usage(recipe: Recipe, sample: Sample) -> Usage:
    """Tokens that judging one sample will probably use."""
    asked = len(judge_prompt(recipe, sample)) * TOKENS_PER_CHARACTER + MESSAGE_TOKENS
    return Usage(round(asked), VERDICT_TOKENS)


def estimate_judging(workspace: Workspace, wanted: SampleFilter, choice: TeacherChoice) -> JudgeEstimate:
    """What judging the matching samples without a score will use, from the first hundred of them."""
    recipe = recipes.current(workspace.engine, wanted.recipe).recipe
    number = judgements.waiting_count(workspace.engine, wanted)
    first = judgements.waiting(workspace.engine, wanted, limit=_SAMPLED)
    if not first:
        return JudgeEstimate(number, Usage(), 0.0)
    each = [expected_usage(recipe, sample) for sample in first]
    prompt = sum(usage.prompt for usage in each) / len(each)
    usage = Usage(round(number * prompt), number * VERDICT_TOKENS)
    return JudgeEstimate(number, usage, _cost(workspace, choice, usage))


def judging_cost(workspace: Workspace, recipe_key: str, choice: TeacherChoice) -> tuple[Usage, float | None]:
    """Tokens of all verdicts that a recipe's samples have, and their cost at the prices of ``choice``."""
    used = judgements.usage(workspace.engine, recipe_key)
    usage = Usage(used.prompt_tokens, used.completion_tokens)
    return usage, _cost(workspace, choice, usage)


def _cost(workspace: Workspace, choice: TeacherChoice, usage: Usage) -> float | None:
    price = price_of(provider(workspace, choice.provider), choice)
    if price.input_price is None or price.output_price is None:
        return None
    return usage.cost(price)
