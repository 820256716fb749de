"""Options of the verbs that ask a teacher: which one, how fast, how it samples, and where the run ends."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError
from tianji_core.generation import RunOptions
from tianji_core.i18n import _
from tianji_core.recipe import EXAMPLES, explain
from tianji_core.teachers import USUAL, SamplingPlan, TeacherChoice

ConcurrencyOption = Annotated[int, typer.Option(min=1, help="Requests under way at once.")]
TemperatureOption = Annotated[float | None, typer.Option(min=0, max=2, show_default=False)]
MaxTokensOption = Annotated[int | None, typer.Option(min=1, show_default=False)]


def _usual(field: str) -> str:
    """The help of an option whose default is that of the generation page."""
    return f"Default: {getattr(USUAL, field)}."


@dataclass(frozen=True)
class PaceOptions:
    """How fast a teacher is asked; ``timeout`` in seconds."""

    concurrency: ConcurrencyOption = 8
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one request.")] = 60.0
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="At most this many requests a minute.", show_default=False)
    ] = None
    tokens_per_minute: Annotated[
        int | None, typer.Option(min=1, help="At most this many tokens a minute.", show_default=False)
    ] = None


@dataclass(frozen=True)
class TeacherOptions:
    """Which teacher answers."""

    provider: Annotated[str, typer.Option(help="Provider key of configs/providers.yaml.")]
    model: Annotated[str, typer.Option(help="Model; default: the provider's first.")] = ""
    base_url: Annotated[
        str,
        typer.Option(help="Address, or several of one model with commas between; default: the provider's."),
    ] = ""

    def choice(self, pace: PaceOptions | None = None, mistakes: float = 0.0) -> TeacherChoice:
        """Returns the teacher; ``mistakes`` is the offline composer's share (0-1) of planted mistakes.

        Raises:
            InputError: options that do not go together.
        """
        limits = asdict(pace) if pace is not None else {}
        limits.pop("concurrency", None)
        try:
            return TeacherChoice.model_validate({**asdict(self), **limits, "mistakes": mistakes})
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error


@dataclass(frozen=True)
class SamplingOptions:
    """How answers are drawn; what is not given is as on the generation page, so that a run of either knows
    the answers that the other has got."""

    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help=_usual("temperature"), show_default=False)
    ] = None
    temperature_to: Annotated[
        float | None,
        typer.Option(min=0, max=2, help="Draw each task's temperature between the two.", show_default=False),
    ] = None
    top_p: Annotated[float | None, typer.Option(min=0, max=1, help=_usual("top_p"), show_default=False)] = (
        None
    )
    max_tokens: Annotated[int | None, typer.Option(min=1, help=_usual("max_tokens"), show_default=False)] = (
        None
    )
    server_sampling: Annotated[
        bool, typer.Option("--server-sampling", help="Leave to the server what is not given here.")
    ] = False

    def plan(self) -> SamplingPlan:
        """Returns the sampling of a run.

        Raises:
            InputError: options that do not go together.
        """
        given: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        if self.temperature_to is not None:
            if self.temperature is None:
                raise InputError(_("--temperature-to 要和 --temperature 一起用"))
            given["temperature"] = (self.temperature, self.temperature_to)
        usual = {} if self.server_sampling else USUAL.model_dump()
        try:
            return SamplingPlan(**usual | {name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error


@dataclass(frozen=True)
class BudgetOptions:
    """Where a run ends; ``budget`` in the provider's currency."""

    budget: Annotated[
        float | None, typer.Option(help="Stop before it costs more than this.", show_default=False)
    ] = None
    budget_tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Stop before it takes more tokens than this.", show_default=False),
    ] = None
    minutes: Annotated[
        float | None, typer.Option(help="Stop after this many minutes.", show_default=False)
    ] = None

    def run_options(
        self,
        ban_openings: bool = True,
        examples: int = EXAMPLES,
        batch: bool = False,
        ban_phrases: bool = False,
        reuse: bool = False,
        cheap_hours: bool = False,
    ) -> RunOptions:
        """Returns the limits of a run.

        Raises:
            InputError: a limit that is not above zero.
        """
        try:
            return RunOptions(
                budget_cost=self.budget,
                budget_tokens=self.budget_tokens,
                minutes=self.minutes,
                ban_openings=ban_openings,
                ban_phrases=ban_phrases,
                batch=batch,
                reuse=reuse,
                cheap_hours=cheap_hours,
                examples=examples,
            )
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error
