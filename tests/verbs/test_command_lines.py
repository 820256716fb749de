"""Every verb and option stays as it was written down in ``command_lines.txt``: scripts of other people rely
on them.

Where a verb or an option changes on purpose, write the file anew: ``python -m
tests.verbs.test_command_lines``.
"""

import difflib
import inspect
import re
from pathlib import Path
from typing import Any

import typer.main
from babel.messages.pofile import read_po

from tianji_core.cli import VERBS, program

SNAPSHOT = Path(__file__).with_name("command_lines.txt")
CATALOGUE = Path(__file__).parents[2] / "locale" / "en" / "LC_MESSAGES" / "studio.po"


def described_parameter(parameter: Any) -> str:
    """One option or argument: how it is written, its type and bounds, its default, its help."""
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    bounds = [
        f"{sign}{limit}" for sign, limit in (("≥", parameter.min), ("≤", parameter.max)) if limit is not None
    ]
    flags = [
        name for name in ("required", "multiple", "is_flag", "hidden") if getattr(parameter, name, False)
    ]
    facts = [
        parameter.param_type_name,
        inspect.formatannotation(parameter.type_descriptor.annotation),
        *bounds,
        *flags,
        f"nargs {parameter.nargs}",
        f"default {parameter.default!r}",
        f"show_default {parameter.show_default}",
    ]
    return f"  {names}: {', '.join(facts)}\n    {parameter.help or ''}".rstrip()


def described() -> str:
    """All verbs with their help, arguments and options in the order of the help."""
    group: Any = typer.main.get_command(program())
    lines = []
    for name, command in group.commands.items():
        lines.append(f"{name}\n  {' '.join((command.help or '').split())}")
        lines += [described_parameter(parameter) for parameter in command.params]
    return "\n".join(lines) + "\n"


def test_every_verb_and_option_is_as_it_was() -> None:
    before, now = SNAPSHOT.read_text(encoding="utf-8"), described()
    changes = difflib.unified_diff(before.splitlines(), now.splitlines(), "before", "now", lineterm="", n=2)
    assert before == now, "\n".join(changes)


def test_the_snapshot_holds_every_verb() -> None:
    verbs = [line for line in SNAPSHOT.read_text(encoding="utf-8").splitlines() if not line.startswith(" ")]
    assert verbs == list(VERBS)


def test_sentences_that_tell_a_command_name_options_of_that_verb() -> None:
    group: Any = typer.main.get_command(program())
    with CATALOGUE.open("rb") as file:
        sentences = [message.id for message in read_po(file) if isinstance(message.id, str)]
    commands = [
        (match[1], option)
        for sentence in sentences
        for match in re.finditer(
            rf"(?<![\w-])({'|'.join(VERBS)})((?: (?:--[a-z-]+|\{{\w+\}}|[\w.=]+))+)", sentence
        )
        for option in re.findall(r"--[a-z-]+", match[2])
    ]
    assert ("convert", "--checkpoint") in commands and len(commands) > 3
    wrong = [
        (verb, option)
        for verb, option in commands
        if not any(option in parameter.opts for parameter in group.commands[verb].params)
    ]
    assert wrong == []


if __name__ == "__main__":
    SNAPSHOT.write_text(described(), encoding="utf-8")
