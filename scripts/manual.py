"""Builds the manual with MkDocs into ``site/`` (or the folder that is named), every warning an error.

On the way marks in its pages are filled: ``<!-- as on the page: train -->`` with the text that the studio's
page shows, ``<!-- from the code: verbs -->`` with what :data:`PARTS` writes from the code.
"""

import ast
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import typer
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import MkDocsException

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.pins import pin_table  # noqa: E402
from tianji_core import errors  # noqa: E402
from tianji_core.cleaning import RULES  # noqa: E402
from tianji_core.cli import program  # noqa: E402
from tianji_core.dataset.conversation import FORM_TITLES  # noqa: E402
from tianji_core.dataset.fields import field_names  # noqa: E402
from tianji_core.i18n import LANGUAGES, _, set_language  # noqa: E402
from tianji_core.project import CONFIGS  # noqa: E402
from tianji_core.teachers.providers import load_providers  # noqa: E402
from tianji_core.training import presets  # noqa: E402


def manual(site: Path) -> None:
    """Builds the manual into a folder.

    Raises:
        MkDocsException: a link or a page is missing, or anything else that MkDocs warns of.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "guide"
        shutil.copytree(ROOT / "docs" / "guide", source)
        for language in LANGUAGES:
            set_language(language)
            for page in (source / language).rglob("*.md"):
                page.write_text(_filled(page.read_text(encoding="utf-8"), language), encoding="utf-8")
        set_language("zh")
        config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(source), site_dir=str(site), strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()


def _filled(text: str, language: str) -> str:
    """A page with its marks filled."""
    text = re.sub(
        r"<!-- as on the page: (\w+) -->",
        lambda mark: (ROOT / "docs" / "guide" / language / f"{mark[1]}.md").read_text(encoding="utf-8"),
        text,
    )
    return re.sub(r"<!-- from the code: (\w+) -->", lambda mark: PARTS[mark[1]](language), text)


def verbs(language: str) -> str:
    """Every verb with its options."""
    columns = {"zh": ("选项", "意思"), "en": ("option", "meaning")}[language]
    group = typer.main.get_command(program())
    assert isinstance(group, typer.core.TyperGroup)
    parts = []
    for name, command in group.commands.items():
        parts.append(f"\n## {name}\n\n{_prose(command.help or '')}\n")
        rows = []
        for parameter in command.params:
            names = [*parameter.opts, *parameter.secondary_opts]
            shown = " ".join(f"`{name}`" for name in names if name.startswith("-"))
            title = shown or f"`{str(parameter.name).upper()}`"
            rows.append((title, _cell(getattr(parameter, "help", None) or "")))
        parts.append(_table(rows, columns))
    return "".join(parts)


def preset_table(language: str) -> str:
    """Every preset for training, with its memory and what learns in it."""
    columns = {
        "zh": ("预设", "名称", "说明", "底模", "内存"),
        "en": ("preset", "title", "what it is", "base", "memory"),
    }[language]
    rows = [
        (
            f"`{one.key}`",
            _cell(_(one.title)),
            _cell(_(one.summary)),
            one.model_id or "-",
            _cell(one.memory_text),
        )
        for one in presets()
    ]
    return _table(rows, columns)


def rules(language: str) -> str:
    """Every cleaning rule, with examples of what it finds."""
    safe, not_safe, finds, makes = {
        "zh": ("自动修", "给人看", "会报", "修成"),
        "en": ("fixed", "for a person", "reports", "becomes"),
    }[language]
    parts = []
    for rule in RULES:
        kind = safe if rule.safe else not_safe
        parts.append(f"\n## {_(rule.title)}\n\n`{rule.id}` · {kind}\n\n{_prose(_(rule.why))}\n")
        for example in [each for each in rule.bad if each.output.strip()][:2]:
            parts.append(_example(finds, example.output))
            if example.fixed:
                parts.append(_example(makes, example.fixed))
    return "".join(parts)


def _example(title: str, text: str) -> str:
    return f'\n```text title="{title}"\n{_fenced(text)}\n```\n'


def teachers(language: str) -> str:
    """The teachers that are listed, with their addresses and where each takes its key from."""
    columns = {"zh": ("模型", "输入", "输出"), "en": ("model", "input", "output")}[language]
    parts = []
    for key, one in load_providers(CONFIGS / "providers.yaml").items():
        variable = f"`{one.key_variable}`" if one.key_variable else "-"
        facts = " · ".join([f"`{key}`", one.sdk, one.base_url or "-", variable])
        parts.append(f"\n## {_cell(_(one.title))}\n\n{facts}\n\n{_prose(_(one.note))}\n")
        rows = [
            (
                f"`{each.name}`",
                _price(each.input_price, one.currency),
                _price(each.output_price, one.currency),
            )
            for each in one.models
        ]
        parts.append(_table(rows, columns) if rows else "")
    return "".join(parts)


def export_forms(language: str) -> str:
    """The forms of export."""
    rows = [(f"`{form}`", _cell(_(title))) for form, title in FORM_TITLES.items()]
    return _table(rows, {"zh": ("格式", "是什么"), "en": ("form", "what it is")}[language])


def known_fields(language: str) -> str:
    """The names of fields that an import knows."""
    rows = [
        (f"`{field}`", " ".join(f"`{name}`" for name in sorted(names)))
        for field, names in field_names().items()
    ]
    return _table(rows, {"zh": ("字段", "名字"), "en": ("field", "names")}[language])


def error_list(_language: str) -> str:
    """Every sentence with which the program refuses something, by the room that says it."""
    parts = []
    for room in sorted(path for path in (ROOT / "tianji_core").iterdir() if path.is_dir()):
        found = sorted({each for path in room.rglob("*.py") for each in _refusals(path)})
        if found:
            parts.append(f"\n## {room.name}\n\n")
            parts += [f"- {_cell(_(text))}\n" for text in found]
    return "".join(parts)


def _refusals(path: Path) -> Iterator[str]:
    """The messages that a module raises an error of :mod:`tianji_core.errors` with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Raise(
                exc=ast.Call(
                    func=ast.Name(id=name),
                    args=[ast.Call(func=ast.Name(id="_"), args=[text, *_rest]), *_more],
                )
            ):
                if isinstance(getattr(errors, name, None), type) and isinstance(text, ast.Constant):
                    yield str(text.value)


def _price(price: float | None, currency: str) -> str:
    return "?" if price is None else f"{price:g} {currency}"


def _prose(text: str) -> str:
    return " ".join(_escaped(text).split())


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


def _escaped(text: str) -> str:
    for mark in "\\<*_[]":
        text = text.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return text


def _fenced(text: str) -> str:
    return text.replace("```", "'''")


def _table(rows: Sequence[tuple[str, ...]], columns: tuple[str, ...]) -> str:
    """A table of Markdown."""
    lines = [columns, tuple("---" for _column in columns), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


PARTS: dict[str, Callable[[str], str]] = {
    "verbs": verbs,
    "presets": preset_table,
    "rules": rules,
    "teachers": teachers,
    "export_forms": export_forms,
    "field_names": known_fields,
    "errors": error_list,
    "pins": pin_table,
}
"""What each mark of the code is filled with, in the language of the page."""


if __name__ == "__main__":
    try:
        manual(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site")
    except MkDocsException as error:
        sys.exit(f"docs: {error}")
