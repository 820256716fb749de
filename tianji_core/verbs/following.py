"""The verb that asks for something after an answer: follow-up."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError
from tianji_core.generation import following
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.recipe import Recipe, explain
from tianji_core.recipe.following import FOLLOW_UP_TITLES
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    DetachOption,
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    show,
    words,
)
from tianji_core.verbs.teacher_options import BudgetOptions, PaceOptions, TeacherOptions


@dataclass(frozen=True)
class FollowUpOptions:
    """What is asked for after which answers."""

    kinds: Annotated[str, typer.Option(help="Of: shorter, longer, style, without; default: all.")] = ""
    leave_out: Annotated[str, typer.Option(help="Words that may be asked to go, with commas between.")] = ""
    limit: Annotated[int, typer.Option(help="At most so many accepted samples.")] = 200
    again: Annotated[int, typer.Option(help="Ask again at most so often where it was not done.")] = 2
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0

    def plan(self, recipe: Recipe) -> following.FollowingPlan:
        """Returns the plan for a recipe.

        Raises:
            InputError: a value is out of bounds, or there is no such kind.
        """
        given = {name: value for name, value in asdict(self).items() if name not in ("kinds", "leave_out")}
        if self.kinds:
            given["kinds"] = words(self.kinds)
        given["words"] = words(self.leave_out) or following.usual_words(recipe)
        try:
            return following.FollowingPlan(**given)
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error


def follow_up(
    teacher: TeacherOptions = TeacherOptions("deepseek"),
    options: FollowUpOptions = FollowUpOptions(),
    check: Annotated[bool, typer.Option(help="Only say how many, what they cost and how long.")] = False,
    pace: PaceOptions = PaceOptions(),
    budget: BudgetOptions = BudgetOptions(),
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask for a shorter or longer text, another style, or one without a word after accepted samples; the
    conversations of two turns become samples. Run again it asks only what is missing."""
    space = opened(workspace)
    key, choice = chosen_recipe(space, recipe), teacher.choice(pace)
    plan = options.plan(recipes.current(space.engine, key).recipe)
    expected = following.estimate_following(space, key, plan, choice, pace.concurrency)
    told = _estimate_text(expected)
    if check:
        show(asdict(expected), as_json, told)
        return
    show(None, False, None if as_json else told)
    job = following.start_following(space, key, plan, choice, pace.concurrency, budget.run_options())
    if not detach:
        job = follow(space, job, quiet=as_json)
    every = plan.model_copy(update={"limit": following.MOST_SAMPLES})
    left = len(following.planned_follow_ups(space, key, every))
    text = _("后台任务 {id}：{title}", id=job.id, title=job.title)
    facts = {"job": job.id, "waiting": left}
    show(facts, as_json, text if detach else _("追问完了，还剩 {n} 条", n=left))


def _estimate_text(expected: following.FollowUpEstimate) -> str:
    kinds = (f"{_(FOLLOW_UP_TITLES[kind])} {number}" for kind, number in expected.kinds.items())
    least, most = (
        _("未知") if cost is None else f"{cost:.2f}" for cost in (expected.least_cost, expected.most_cost)
    )
    return _(
        "追问 {n} 条（{kinds}），问 {n} 到 {most} 次；费用约 {least_cost} 到 {most_cost}，约 {least_time} 到 {most_time}",
        n=expected.number,
        kinds=_("、").join(kinds),
        most=expected.most_requests,
        least_cost=least,
        most_cost=most,
        least_time=duration_text(max(1.0, expected.least_seconds)),
        most_time=duration_text(max(1.0, expected.most_seconds)),
    )
