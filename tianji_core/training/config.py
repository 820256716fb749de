"""Writing the xtuner config of one training: the preset's file with some constants replaced.

A config is Python that xtuner executes. Each value therefore replaces the old one at the position that
``ast`` reports, written with ``repr``: what a person types stays a string.
"""

import ast
from pathlib import Path

from tianji_core.dataset.versions import VALIDATION
from tianji_core.errors import TrainingError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.training.presets import Preset, constants
from tianji_core.training.profiles import AS_WRITTEN, AUTO, profile, profiled
from tianji_core.training.settings import CONSTANTS, TrainingSettings

CONFIG_NAME = "config.py"


def rendered_config(
    chosen: Preset, settings: TrainingSettings, data_path: Path, runs_code: bool = False
) -> str:
    """The text of a config with these settings and this training file, and the validation file beside it
    where there is one. ``runs_code`` says that loading the base may run Python code in its folder.

    Raises:
        TrainingError: the preset lacks a constant.
    """
    values = {CONSTANTS[name]: getattr(settings, name) for name in chosen.fields}
    values["data_path"] = str(data_path)
    if "validation_path" in constants(chosen.source):
        held = data_path.with_name(VALIDATION)
        values["validation_path"] = str(held) if held.is_file() else ""
    values["trust_remote_code"] = runs_code
    # EvaluateChatHook calls str.format on the system prompt, so a lone brace would be read as a placeholder.
    values["SYSTEM"] = settings.system.replace("{", "{{").replace("}", "}}")
    source = replaced_constants(chosen.source, values)
    if settings.profile not in (AS_WRITTEN, AUTO):
        source = profiled(source, profile(settings.profile), chosen.device)
    return source


def replaced_constants(source: str, values: dict[str, object]) -> str:
    """``source`` with the values of top-level assignments replaced by ``repr`` of the new ones; the rest
    stays.

    Raises:
        TrainingError: a constant is not assigned in the source.
    """
    assigned = constants(source)
    if missing := sorted(values.keys() - assigned.keys()):
        raise TrainingError(_("训练配置里没有这些常量：{names}", names=_("、").join(missing)))
    encoded = source.encode("utf-8")  # ast counts columns in UTF-8 bytes
    starts = [0]
    for line in encoded.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = []
    for name, value in values.items():
        node = assigned[name]
        assert node.end_lineno is not None and node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        spans.append((begin, end, repr(value).encode("utf-8", errors="replace")))
    for begin, end, text in sorted(spans, reverse=True):
        encoded = encoded[:begin] + text + encoded[end:]
    result = encoded.decode("utf-8")
    ast.parse(result)
    return result


def write_config(
    chosen: Preset, settings: TrainingSettings, data_path: Path, work_dir: Path, runs_code: bool = False
) -> Path:
    """Write the config of a training into its work folder and return its path."""
    path = work_dir / CONFIG_NAME
    write_text(path, rendered_config(chosen, settings, data_path, runs_code))
    return path
