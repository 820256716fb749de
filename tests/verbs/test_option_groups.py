"""A group of options is taken by a verb as one parameter, and each of its fields is an option of the command
line."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from tianji_core.verbs.option_groups import flattened


@dataclass(frozen=True)
class Colours:
    """A required option, one with bounds, and one that may be given several times."""

    paint: Annotated[str, typer.Option(help="Which colour.")]
    coats: Annotated[int, typer.Option(min=1)] = 2
    also: Annotated[list[str] | None, typer.Option()] = None


def paint_wall(wall: str, colours: Colours, dry: Annotated[bool, typer.Option("--dry")] = False) -> None:
    """Paint a wall."""
    typer.echo(f"{wall} {colours.paint} {colours.coats} {colours.also} {dry}")


def paint_door(colours: Colours = Colours("red", coats=3)) -> None:
    """Paint a door, in red unless another colour is asked for."""
    typer.echo(f"{colours.paint} {colours.coats}")


def output(verb, *arguments: str) -> str:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(flattened(verb))
    result = CliRunner().invoke(app, list(arguments))
    return result.output.strip() if result.exit_code == 0 else f"exit {result.exit_code}"


def test_the_options_stand_where_the_group_stands() -> None:
    assert list(inspect.signature(flattened(paint_wall)).parameters) == [
        "wall",
        "paint",
        "coats",
        "also",
        "dry",
    ]


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ("--paint blue", "north blue 2 None False"),
        ("--paint blue --coats 4 --also a --also b --dry", "north blue 4 ['a', 'b'] True"),
        ("", "exit 2"),  # a field without a default is required
        ("--paint blue --coats 0", "exit 2"),
    ],
)
def test_a_verb_gets_its_group_filled(arguments: str, printed: str) -> None:
    assert output(paint_wall, "north", *arguments.split()) == printed


def test_a_verb_brings_defaults_of_its_own() -> None:
    assert output(paint_door) == "red 3"
    assert output(paint_door, "--coats", "1") == "red 1"


def test_two_groups_with_the_same_option_are_refused() -> None:
    def twice(first: Colours, second: Colours) -> None: ...

    with pytest.raises(ValueError, match="duplicate parameter name"):
        flattened(twice)
