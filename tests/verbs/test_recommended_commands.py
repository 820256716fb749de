"""Every command that a message, a page, the documentation or a config recommends can be typed as it stands:
the verb and its options exist, the values have the right form, and so do the targets of make, the modules
and the files that it names."""

import argparse
import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from babel.messages.pofile import read_po

from tianji_core import training
from tianji_core.cli import VERBS, program
from tianji_core.project import DEEPSPEED, XTUNER
from tianji_core.serving.server import parser as server_parser
from tianji_core.training.engine import DEEPSPEED as DEEPSPEED_SETTINGS

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "locale" / "en" / "LC_MESSAGES" / "studio.po"
WRITTEN = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", ".github/**/*.*", "configs/**/*.*", "Makefile", "benchmarks/*.py")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md" and path.suffix in ("", ".md", ".yml", ".yaml", ".py")
)
PROGRAM = re.compile(r"(?:python -m tianji_core|(?<![\w./-])tianji)(?= |$)")
BARE = re.compile(rf"(?<!tianji_core )(?<![\w-])(?:{'|'.join(map(re.escape, VERBS))}) --[a-z]")
"""A verb with an option, without the program's name."""
MAKE = re.compile(r"(?<![\w./@-])make(?: [a-z]+)(?: [A-Z]+=\S+)*")
VALUES = {"action": "list"}
"""What stands for a placeholder that takes one of a few words; a number stands for any other."""
ELSEWHERE = {"--help", "--no-deps", "--format", "--dbname"}
"""Options that every verb has, and those of pip, pg_dump and pg_restore."""


def messages() -> list[str]:
    """Every text that a person reads, in both languages."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    return [
        text
        for message in catalogue
        if message.id
        for part in (message.id, message.string)
        for text in ([part] if isinstance(part, str) else part)
    ]


def spans(text: str) -> Iterator[str]:
    """Where commands stand in a file: between backticks, and in lines up to a comment."""
    for line in text.splitlines():
        yield from re.findall(r"`([^`]+)`", line)
        yield re.split(r"\s#\s", re.sub(r"`[^`]+`", "", line).strip("# "))[0]


def commands_of(span: str) -> Iterator[str]:
    """The commands in one span; each ends at '&&' or with the span."""
    for part in span.split("&&"):
        if found := PROGRAM.search(part):
            yield part[found.end() :].strip()
        elif BARE.match(part):
            yield part.strip()


def ascii_words(text: str) -> str:
    """The words up to the first that is not part of a command: in a message Chinese text follows it."""
    words = []
    for word in text.split():
        plain = re.match(r"[!-~]*", word)
        assert plain is not None
        if plain[0]:
            words.append(plain[0].rstrip(",.;:"))
        if plain[0] != word or plain[0][-1] in ",.;:":
            break
    return " ".join(words)


def recommended() -> list[tuple[str, str]]:
    """Where each command stands, and its arguments."""
    found = [
        ("message", ascii_words(text[match.end() :]))
        for text in messages()
        for match in PROGRAM.finditer(text)
    ]
    for path in WRITTEN:
        for span in spans(path.read_text(encoding="utf-8")):
            found += [(str(path.relative_to(ROOT)), command) for command in commands_of(span)]
    return sorted({(where, command) for where, command in found if command})


COMMANDS = recommended()


@cache
def group() -> Any:
    return typer.main.get_command(program())


def filled(command: str) -> list[str]:
    """The words of a command with a value in place of each placeholder."""
    text = command.replace("{verb}--help", "--help").replace("[", "").replace("]", "")
    text = re.sub(r"\{(\w*)\}", lambda match: VALUES.get(match[1], "1"), text)
    text = re.sub(r"<[^>]*>|\b[A-Z]{2,}\b", "1", text)
    return shlex.split(text.replace("…", "nano-cpu-qlora"))


def parsed(words: list[str]) -> dict[str, Any]:
    """The values of a command line.

    Raises:
        typer.TyperException: it does not parse.
    """
    context = group().make_context("tianji_core", list(words))
    name, command, rest = group().resolve_command(context, words)
    return dict(command.make_context(name, rest, parent=context).params)


def test_commands_are_found_in_messages_documents_and_configs() -> None:
    places = {where for where, _command in COMMANDS}
    assert {"message", "README.md", "README_zh.md", "CONTRIBUTING.md", "configs/serving/vllm.yaml"} <= places
    assert ("message", "convert --training {run} --checkpoint {n}") in COMMANDS
    assert {("README.md", "sweep 1"), ("README.md", "queue --up 5")} <= set(COMMANDS)


@pytest.mark.parametrize(("where", "command"), COMMANDS, ids=lambda value: str(value)[:60])
def test_a_recommended_command_parses(where: str, command: str) -> None:
    words = filled(command)
    if words == ["--help"] or words[1:] == ["--help"]:
        assert words[0] == "--help" or words[0] in VERBS
        return
    values = parsed(words)
    if words[0] == "train":
        assert training.preset(values["preset"])
        assert values["deepspeed"] in ("", *DEEPSPEED_SETTINGS)


def test_a_command_that_does_not_exist_is_found() -> None:
    for wrong in ("sweeep 1", "convert --run 3", "convert --training x", "sweep", "train --gpu 0"):
        with pytest.raises((typer.TyperException, KeyError)):
            parsed(filled(wrong))


def test_no_message_names_a_verb_with_options_but_without_its_program() -> None:
    assert BARE.search("use convert --training 3") and not BARE.search(
        "python -m tianji_core convert --training 3"
    )
    assert [text for text in messages() if BARE.search(text)] == []


def test_every_option_in_a_message_exists() -> None:
    known = {
        name for command in group().commands.values() for each in command.params for name in each.opts
    } | ELSEWHERE
    for action in server_parser()._actions:
        assert isinstance(action, argparse.Action)
        known |= set(action.option_strings)
    named = {name for text in messages() for name in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    assert "--trust-remote-code" in named and named - known == set()


def test_every_target_of_make_exists() -> None:
    source = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", source, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) \?=", source, re.MULTILINE)) | set(
        re.findall(r"\$\(if \$\(([A-Z]+)\)", source)
    )
    # make hands what is set on its command line on to scripts/setup.
    setup = (ROOT / "scripts" / "setup").read_text(encoding="utf-8")
    variables |= set(re.findall(r"\$\{([A-Z]+):-\}", setup))
    spoken = [*messages(), *(span for path in WRITTEN for span in spans(path.read_text(encoding="utf-8")))]
    named = [
        match[0].split()[1:]
        for text in spoken
        for match in MAKE.finditer(text)
        if text.startswith("make") or "=" in match[0]
    ]
    assert {words[0] for words in named} <= targets
    assert {word.partition("=")[0] for words in named for word in words[1:]} <= variables
    assert {words[0] for words in named} >= {"run", "test", "quick", "check", "lint", "format", "lock"}


def test_every_module_and_script_that_is_named_exists() -> None:
    spoken = [*messages(), *(path.read_text(encoding="utf-8") for path in WRITTEN)]
    modules = {name for text in spoken for name in re.findall(r"python -m (tianji_core\.[\w.]*\w)", text)}
    assert modules and all(importlib.util.find_spec(name) for name in modules)
    files = {
        name
        for text in spoken
        for name in re.findall(r"(?<![\w/.])((?:scripts|benchmarks|tests)/[\w./]*\w)", text)
    }
    assert files and [name for name in files if not (ROOT / name).exists()] == []
    required = {name for text in spoken for name in re.findall(r"-r (requirements[\w-]*\.txt)", text)}
    assert required and all((ROOT / name).is_file() for name in required)


def test_packages_are_recommended_in_the_releases_that_the_studio_works_with() -> None:
    spoken = [*messages(), *(path.read_text(encoding="utf-8") for path in WRITTEN)]
    pinned = {name for text in spoken for name in re.findall(r"(?:deepspeed|xtuner)==[\d.]*\d", text)}
    assert pinned == {DEEPSPEED, XTUNER}
