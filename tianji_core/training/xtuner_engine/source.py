"""The text of a config: Python that xtuner executes, read and changed here without executing it.

Values stand in top-level assignments of literals. Each new value replaces the old one at the position that
``ast`` reports, written with ``repr``: what a person types stays a string.
"""

import ast
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tianji_core.errors import TrainingError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.training.settings import PAIRS_FIELDS

CONSTANTS = {
    "base": "pretrained_model_name_or_path",
    "template": "template",
    "max_length": "max_length",
    "batch_size": "batch_size",
    "accumulation": "accumulative_counts",
    "epochs": "max_epochs",
    "learning_rate": "lr",
    "beta": "beta",
    "anchor": "anchor",
    "weight_decay": "weight_decay",
    "max_norm": "max_norm",
    "warmup_ratio": "warmup_ratio",
    "lora_r": "lora_r",
    "lora_alpha": "lora_alpha",
    "lora_dropout": "lora_dropout",
    "save_interval": "save_steps",
    "eval_interval": "evaluation_freq",
    "keep_checkpoints": "save_total_limit",
    "log_interval": "log_interval",
    "seed": "seed",
    "system": "SYSTEM",
    "eval_prompts": "evaluation_inputs",
    "eval_tokens": "eval_max_new_tokens",
}
"""Field of :class:`~tianji_core.training.settings.TrainingSettings` → the constant of a config that holds
it."""
DATA, PAIRS = "data_path", "pairs_path"
"""The constant that holds the path of what a config learns from: a training file, or preference pairs."""
_FILLED = (DATA, "trust_remote_code")
"""The constants that the studio fills in for each training, whatever a person's own config says."""


@functools.lru_cache(maxsize=8)  # one after the other, card and settings of the same text are read
def constants(source: str) -> dict[str, ast.expr]:
    """The top-level assignments ``name = value`` of a config, by name."""
    return {
        node.targets[0].id: node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }


def header(source: str) -> str:
    """The text at the head of a config, for people: model, memory, how to download and launch."""
    return ast.get_docstring(ast.parse(source)) or ""


def read_card(source: str, file: str) -> object:
    """What a config says about itself in ``preset``. ``file`` names it in errors.

    Raises:
        TrainingError: it cannot be parsed, or says nothing.
    """
    return _value(file, _assigned(source, file), "preset")


def read_values(source: str, file: str, optional: Sequence[str] = ()) -> dict[str, Any]:
    """The settings in a config, by their fields; those of ``optional`` may be missing, and so may
    those that only presets for pairs have.

    Raises:
        TrainingError: it cannot be parsed or lacks something; says what and where.
    """
    assigned = _assigned(source, file)
    values = {
        name: _value(file, assigned, constant)
        for name, constant in CONSTANTS.items()
        if constant in assigned or name not in (*optional, *PAIRS_FIELDS)
    }
    if not isinstance(values["base"], str):
        raise TrainingError(_("{file} 里的 {name} 要写成文字", file=file, name=CONSTANTS["base"]))
    return values


def lacking(source: str) -> str:
    """The first constant that the studio fills in for each training and a config lacks; '' for none."""
    known = constants(source)
    learnt = {DATA: PAIRS} if PAIRS in known else {}
    return next((name for name in _FILLED if learnt.get(name, name) not in known), "")


def data_file(source: str) -> Path:
    """The file that the config of a training learns from.

    Raises:
        TrainingError: it names none.
    """
    assigned = _assigned(source, "config")
    return Path(str(_value("config", assigned, PAIRS if PAIRS in assigned else DATA)))


def reference_model(source: str) -> str:
    """The folder of the model that a config compares with, where it names another than its base; '' else."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "ref_llm":
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.keyword) and inner.arg == CONSTANTS["base"]:
                    given = inner.value
                    return str(given.value) if isinstance(given, ast.Constant) else _named(source, given)
    return ""


def _named(source: str, node: ast.expr) -> str:
    """The value of a constant that a config refers to by its name; '' for its base and what is no literal."""
    name = node.id if isinstance(node, ast.Name) else ""
    value = constants(source).get(name) if name != CONSTANTS["base"] else None
    return str(value.value) if isinstance(value, ast.Constant) else ""


def with_values(source: str, values: Mapping[str, object]) -> str:
    """A config with other settings, by their fields.

    Raises:
        TrainingError: it lacks one of them.
    """
    return replaced_constants(source, {CONSTANTS[name]: value for name, value in values.items()})


def with_base(source: str, folder: Path) -> str:
    """A config of a training whose base lies in ``folder``, in every place that names it: once the trainer
    has run, mmengine has written the value of each constant wherever it is used.

    Raises:
        TrainingError: it names no base.
    """
    old = _value("config", _assigned(source, "config"), CONSTANTS["base"])
    if old == str(folder):
        return source
    named = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return _rewritten(source, [(node, str(folder)) for node in named if node.value == old])


def with_card(source: str, changes: Mapping[str, object]) -> str:
    """A config that says something else about itself."""
    card = _literal(constants(source)["preset"])
    return replaced_constants(source, {"preset": {**card, **changes}})


def with_weights(source: str, checkpoint: Path) -> str:
    """A config of a training that begins with the weights of a checkpoint.

    Raises:
        TrainingError: it has no place for them.
    """
    return replaced_constants(source, {"load_from": str(checkpoint)})


def replaced_constants(source: str, values: dict[str, object]) -> str:
    """``source`` with the values of top-level assignments replaced by ``repr`` of the new ones; the rest
    stays.

    Raises:
        TrainingError: a constant is not assigned in the source.
    """
    assigned = constants(source)
    if missing := sorted(values.keys() - assigned.keys()):
        raise TrainingError(_("训练配置里没有这些常量：{names}", names=_("、").join(missing)))
    return _rewritten(source, [(assigned[name], value) for name, value in values.items()])


def _rewritten(source: str, changes: Sequence[tuple[ast.expr, object]]) -> str:
    """``source`` with ``repr`` of a new value in the place of each of these expressions."""
    encoded = source.encode("utf-8")  # ast counts columns in UTF-8 bytes
    starts = [0]
    for line in encoded.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = []
    for node, value in changes:
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        spans.append((begin, end, repr(value).encode("utf-8", errors="replace")))
    for begin, end, text in sorted(spans, reverse=True):
        encoded = encoded[:begin] + text + encoded[end:]
    result = encoded.decode("utf-8")
    ast.parse(result)
    return result


def _assigned(source: str, file: str) -> dict[str, ast.expr]:
    try:
        return constants(source)
    except SyntaxError as error:
        raise TrainingError(
            _("{file} 第 {line} 行有语法错误：{detail}", file=file, line=error.lineno, detail=error.msg)
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        # A NUL, or an expression too deep for the parser.
        raise TrainingError(
            _("训练预设文件 {file} 不完整：{detail}", file=file, detail=first_line(error))
        ) from error


def _value(file: str, assigned: dict[str, ast.expr], name: str) -> Any:
    if name not in assigned:
        raise TrainingError(
            _("{file} 里缺少这一行的赋值：{name} = …；没有它，工坊填不了设置", file=file, name=name)
        )
    try:
        return _literal(assigned[name])
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise TrainingError(
            _(
                "{file} 第 {line} 行的 {name} 要直接写出值，不能是算式或函数，工坊才填得了",
                file=file,
                line=assigned[name].lineno,
                name=name,
            )
        ) from error


def _literal(node: ast.expr) -> Any:
    """The value of a literal. mmengine writes a dictionary as a call of ``dict`` when the trainer replaces
    the config by one in which every constant is substituted."""
    match node:
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=given) if all(each.arg for each in given):
            return {each.arg: ast.literal_eval(each.value) for each in given}
    return ast.literal_eval(node)
