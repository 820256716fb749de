"""Builds the manual with MkDocs into ``site/`` (or the folder that is named), every warning an error.

Its reference pages (verbs, presets, cleaning rules, teachers, names of fields in files, errors) are
written from the code on the way, in both languages; nothing of them is kept in the repository.
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

from tianji_core import errors  # noqa: E402
from tianji_core.cleaning import RULES  # noqa: E402
from tianji_core.cli import app  # noqa: E402
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
        for step in source.glob("*/steps/*.md"):
            step.write_text(_with_the_pages_text(step), encoding="utf-8")
        for language in LANGUAGES:
            set_language(language)
            (source / language / "reference").mkdir(exist_ok=True)
            for name, page in PAGES.items():
                (source / language / "reference" / f"{name}.md").write_text(page(language), encoding="utf-8")
        set_language("zh")
        config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(source), site_dir=str(site), strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()


def _with_the_pages_text(path: Path) -> str:
    """A page of the steps with the text that the studio's page shows in place of its mark."""
    return re.sub(
        r"<!-- as on the page: (\w+) -->",
        lambda mark: (path.parents[1] / f"{mark[1]}.md").read_text(encoding="utf-8"),
        path.read_text(encoding="utf-8"),
    )


def verbs(language: str) -> str:
    """Every verb with its options."""
    head = {
        "zh": "# 命令\n\n网页里能做的，命令行也能做：`python -m tianji_core 命令`，装成包以后是 `tianji 命令`；不写命令就打开工坊。`--install-completion` 给终端装上补全。"
        "成功退出码 0，输入有错 2，做的时候出错 1。说明从程序里取出，是英文。\n",
        "en": "# Verbs\n\nWhat a page does, a verb does too: `python -m tianji_core "
        "VERB`, or `tianji VERB` where "
        "it is installed; without a verb the studio opens. `--install-completion` completes verbs "
        "in your shell. The exit code is 0 on success, 2 for bad input, 1 "
        "for what went wrong on the way.\n",
    }[language]
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    parts = [head]
    for name, command in group.commands.items():
        parts.append(f"\n## {name}\n\n{_prose(command.help or '')}\n")
        rows = []
        for parameter in command.params:
            names = [*parameter.opts, *parameter.secondary_opts]
            shown = " ".join(f"`{name}`" for name in names if name.startswith("-"))
            title = shown or f"`{str(parameter.name).upper()}`"
            rows.append((title, _cell(getattr(parameter, "help", None) or "")))
        parts.append(_table(rows, {"zh": ("选项", "意思"), "en": ("option", "meaning")}[language]))
    return "".join(parts)


def preset_table(language: str) -> str:
    """Every preset for training, with its memory and what learns in it."""
    head = {
        "zh": "# 训练预设\n\n“推算”是按模型形状算出的显存。每个预设是一份完整的 xtuner 配置（`configs/training/`），"
        "可以直接交给 xtuner 跑，也可以在高级里改。\n\n",
        "en": "# Training presets\n\nMemory is reckoned from the shape of the base "
        "unless it says measured. Each "
        "preset is a complete config of xtuner (`configs/training/`), which runs by hand too.\n\n",
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
    columns = {
        "zh": ("预设", "名称", "说明", "底模", "内存"),
        "en": ("preset", "title", "what it is", "base", "memory"),
    }
    return head + _table(rows, columns[language])


def rules(language: str) -> str:
    """Every cleaning rule, with an example of what it finds."""
    head = {
        "zh": "# 清洗规则\n\n标“自动修”的规则，修法只会删掉肯定不属于祝福语的部分，可以一次用在全部样本上。"
        "其他的留给人看。例子都是程序里的测试。\n",
        "en": "# Cleaning rules\n\nThe fix of a rule that says “fixed” only removes what surely is not the "
        "blessing and may be applied to all samples at once. The others are "
        "left to a person. The examples are "
        "tests of the program.\n",
    }[language]
    words = {
        "zh": ("自动修", "给人看", "会报", "修成"),
        "en": ("fixed", "for a person", "reports", "becomes"),
    }[language]
    parts = [head]
    for rule in RULES:
        kind = words[0] if rule.safe else words[1]
        parts.append(f"\n## {_(rule.title)}\n\n`{rule.id}` · {kind}\n\n{_prose(_(rule.why))}\n")
        for example in [each for each in rule.bad if each.output.strip()][:2]:
            parts.append(f'\n```text title="{words[2]}"\n{_fenced(example.output)}\n```\n')
            if example.fixed:
                parts.append(f'\n```text title="{words[3]}"\n{_fenced(example.fixed)}\n```\n')
    return "".join(parts)


def teachers(language: str) -> str:
    """The teachers that are listed, with their addresses and where each takes its key from."""
    head = {
        "zh": "# 造数模型\n\n列表在 `configs/providers.yaml`；工作区里同样格式的 `providers.yaml` 会添上或换掉同名的。"
        "价格按每百万 token，写着查看日期，以服务商页面为准。\n",
        "en": "# Teachers\n\nThe list is `configs/providers.yaml`; a "
        "`providers.yaml` of the same form in the "
        "workspace adds to it or replaces entries. Prices are per million "
        "tokens, with the date they were read.\n",
    }[language]
    parts = [head]
    columns = {"zh": ("模型", "输入", "输出"), "en": ("model", "input", "output")}[language]
    for key, one in load_providers(CONFIGS / "providers.yaml").items():
        facts = [
            f"`{key}`",
            one.sdk,
            one.base_url or "-",
            f"`{one.key_variable}`" if one.key_variable else "-",
        ]
        parts.append(f"\n## {_cell(_(one.title))}\n\n{' · '.join(facts)}\n\n{_prose(_(one.note))}\n")
        rows = [
            (
                f"`{each.name}`",
                *(_price(price, one.currency) for price in (each.input_price, each.output_price)),
            )
            for each in one.models
        ]
        parts.append(_table(rows, columns) if rows else "")
    return "".join(parts)


def forms(language: str) -> str:
    """Forms of export, and the names of fields that an import knows."""
    head = {
        "zh": "# 文件格式\n\n## 导出\n\n",
        "en": "# File forms\n\n## Export\n\n",
    }[language]
    rows = [(f"`{form}`", _cell(_(title))) for form, title in FORM_TITLES.items()]
    names = {
        "zh": "\n## 导入认得的名字\n\nJSON、JSON Lines、CSV、Parquet 用同一张表；看内容认格式，不看后缀。大小写、空格、"
        "下划线不算。\n\n",
        "en": "\n## Names that an import knows\n\nOne table for JSON, JSON Lines, "
        "CSV and Parquet; the form is read "
        "from the content, not from the suffix. Case, spaces and underscores do not matter.\n\n",
    }[language]
    known = [
        (f"`{field}`", " ".join(f"`{name}`" for name in sorted(them)))
        for field, them in field_names().items()
    ]
    titles = {"zh": ("格式", "是什么"), "en": ("form", "what it is")}[language]
    columns = {"zh": ("字段", "名字"), "en": ("field", "names")}[language]
    return head + _table(rows, titles) + names + _table(known, columns)


def error_list(language: str) -> str:
    """Every sentence with which the program refuses something, by the room that says it."""
    head = {
        "zh": "# 出错时的话\n\n程序里每一句拒绝的话，按说话的地方排；花括号里的到时候换成真的名字和数。"
        "每句话都写着哪里不对、怎么办。用页面上方的搜索找你看到的那句。\n",
        "en": "# Errors\n\nEvery sentence with which the program refuses something, "
        "by the room that says it; "
        "braces stand for names and figures. Each says what is wrong and what "
        "to do. Search for the one you see.\n",
    }[language]
    parts = [head]
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


PAGES: dict[str, Callable[[str], str]] = {
    "verbs": verbs,
    "presets": preset_table,
    "rules": rules,
    "teachers": teachers,
    "forms": forms,
    "errors": error_list,
}


if __name__ == "__main__":
    try:
        manual(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site")
    except MkDocsException as error:
        sys.exit(f"docs: {error}")
