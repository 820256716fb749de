"""Reads YAML within limits: no anchor can expand to more than a file of the largest size, and nothing is
nested deeper than a person would write."""

from pathlib import Path
from typing import Any

import yaml
from yaml import events

from tianji_core.errors import YamlError
from tianji_core.i18n import N_, _

LARGEST = 2_000_000
"""Characters of a text, also after its aliases are replaced by what they stand for."""
NODES = 200_000
"""Keys, values and lists of a text, likewise."""
DEPTH = 50
"""Lists and tables inside one another."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PROBLEMS = {
    "mapping values are not allowed": N_("这里不该有冒号：值里有冒号请加引号，否则检查上一行的缩进"),
    "cannot start any token": N_("缩进只能用空格，特殊符号开头的文字请加引号"),
    "could not find expected ':'": N_("这里缺一个冒号"),
    "found unexpected end of stream": N_("引号没有配对"),
    "expected <block end>": N_("缩进和上面不一致，或者引号没有配对"),
    "did not find expected key": N_("缩进和上面不一致，或者引号没有配对"),
    "did not find expected '-' indicator": N_("缩进和上面不一致，或者引号没有配对"),
    "expected ',' or ']'": N_("方括号没有配对，或者缺一个逗号"),
    "expected ',' or '}'": N_("花括号没有配对，或者缺一个逗号"),
    "maximum nesting depth": N_("套得太深"),
    "found unhashable key": N_("键应当是一个词"),
    "found undefined alias": N_("星号开头的文字请加引号"),
    "characters are not allowed": N_("有看不见的控制字符"),
}
"""Part of a message of PyYAML or libyaml → advice to the person."""


def read_yaml(path: Path) -> Any:
    """Returns the content of a YAML file as plain data.

    Raises:
        YamlError: it cannot be read, is not UTF-8, or is refused by :func:`parse_yaml`; names the file.
    """
    try:
        if path.exists() and not path.is_file():
            raise YamlError(_("读不了 {file}：{detail}", file=path, detail=_("不是文件")))
        if path.stat().st_size > 4 * LARGEST:
            raise YamlError(_("{file} 太大了，最多 {n} 个字符", file=path, n=LARGEST))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise YamlError(_("读不了 {file}：{detail}", file=path, detail=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise YamlError(_("{file} 不是 UTF-8 编码的文本，请另存为 UTF-8", file=path)) from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Any:
    """Returns the content of a YAML text as plain data; ``source`` names it in errors.

    Raises:
        YamlError: it is not YAML, with the line, or exceeds one of the limits.
    """
    if len(text) > LARGEST:
        raise YamlError(_("{file} 太大了，最多 {n} 个字符", file=source, n=LARGEST))
    try:
        _check_size(text, source)
        return yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise YamlError(_("{file} {problem}", file=source, problem=_problem(error, text))) from error
    except (ValueError, OverflowError) as error:
        raise YamlError(
            _("{file} 里有读不懂的数字或日期：{detail}", file=source, detail=str(error)[:100])
        ) from error


def _check_size(text: str, source: str) -> None:
    """Counts what a text contains once its aliases are expanded, without building it."""
    sizes: dict[str, tuple[int, int]] = {}
    open_nodes: list[tuple[str | None, int, int]] = []
    nodes = characters = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, events.CollectionStartEvent):
            open_nodes.append((event.anchor, nodes, characters))
            nodes += 1
            if len(open_nodes) > DEPTH:
                raise YamlError(_("{file} 的 YAML 套得太深，最多 {n} 层", file=source, n=DEPTH))
        elif isinstance(event, events.CollectionEndEvent):
            anchor, nodes_before, characters_before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = (nodes - nodes_before, characters - characters_before)
        elif isinstance(event, events.ScalarEvent):
            nodes, characters = nodes + 1, characters + len(event.value)
            if event.anchor is not None:
                sizes[event.anchor] = (1, len(event.value))
        elif isinstance(event, events.AliasEvent):
            if any(anchor == event.anchor for anchor, _nodes, _characters in open_nodes):
                raise YamlError(_("{file} 里的“*{name}”指向它自己所在的一段", file=source, name=event.anchor))
            more_nodes, more_characters = sizes.get(event.anchor or "", (1, 0))
            nodes, characters = nodes + more_nodes, characters + more_characters
        if nodes > NODES or characters > LARGEST:
            raise YamlError(_("{file} 展开后太大了，最多 {n} 项，请拆小", file=source, n=NODES))


def _problem(error: yaml.YAMLError, text: str) -> str:
    """Returns where and why a text is not YAML, on one line."""
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    if mark is not None:
        line = mark.line + 1
    elif isinstance(position, int):  # libyaml counts bytes
        line = text.encode("utf-8", "replace").count(b"\n", 0, position) + 1
    else:
        line = 1
    said = str(getattr(error, "problem", None) or error)[:500]
    known = next((_(advice) for part, advice in _PROBLEMS.items() if part in said), None)
    detail = known or " ".join(said.split())[:200]
    return _("第 {line} 行不是合法的 YAML：{detail}", line=line, detail=detail)
