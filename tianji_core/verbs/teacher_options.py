"""Options of the verbs that ask a teacher, and what they mean."""

from typing import Annotated

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError
from tianji_core.generation import RunOptions
from tianji_core.i18n import _
from tianji_core.recipe import explain
from tianji_core.teachers import SamplingPlan, TeacherChoice

ProviderOption = Annotated[str, typer.Option(help="Provider key of configs/providers.yaml.")]
ModelOption = Annotated[str, typer.Option(help="Model; default: the provider's first.")]
AddressOption = Annotated[str, typer.Option(help="Address; default: the provider's.")]
TemperatureOption = Annotated[float | None, typer.Option(min=0, max=2, show_default=False)]
MaxTokensOption = Annotated[int | None, typer.Option(min=1, show_default=False)]
ConcurrencyOption = Annotated[int, typer.Option(min=1, help="Requests under way at once.")]
TimeoutOption = Annotated[float, typer.Option(min=1, help="Seconds for one request.")]
RequestsOption = Annotated[
    int | None, typer.Option(min=1, help="At most this many requests a minute.", show_default=False)
]
TokensOption = Annotated[
    int | None, typer.Option(min=1, help="At most this many tokens a minute.", show_default=False)
]
BudgetOption = Annotated[
    float | None, typer.Option(help="Stop before it costs more than this.", show_default=False)
]
BudgetTokensOption = Annotated[
    int | None, typer.Option(min=1, help="Stop before it takes more tokens than this.", show_default=False)
]
MinutesOption = Annotated[
    float | None, typer.Option(help="Stop after this many minutes.", show_default=False)
]


def teacher_choice(**fields: object) -> TeacherChoice:
    """A teacher from options.

    Raises:
        InputError: options that do not go together.
    """
    try:
        return TeacherChoice.model_validate(fields)
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error


def sampling_plan(
    temperature: float | None, temperature_to: float | None, top_p: float | None, max_tokens: int | None
) -> SamplingPlan:
    """How a run samples, from options; errors as :func:`teacher_choice`."""
    drawn = temperature
    if temperature_to is not None:
        if temperature is None:
            raise InputError(_("--temperature-to 要和 --temperature 一起用"))
        drawn = (temperature, temperature_to)  # type: ignore[assignment]
    try:
        return SamplingPlan(temperature=drawn, top_p=top_p, max_tokens=max_tokens)
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error


def run_options(
    budget: float | None, budget_tokens: int | None, minutes: float | None, ban_openings: bool = True
) -> RunOptions:
    """Where a run ends, from options; errors as :func:`teacher_choice`."""
    try:
        return RunOptions(
            budget_cost=budget, budget_tokens=budget_tokens, minutes=minutes, ban_openings=ban_openings
        )
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error
