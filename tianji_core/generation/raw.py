"""Writes the raw file of a run in the tutorial's form: every answer before any cleaning."""

import json
from pathlib import Path

from tianji_core.files import atomic_writer
from tianji_core.store.run_lines import RawLine, each_raw_line
from tianji_core.workspace import Workspace

_encoded = json.JSONEncoder(ensure_ascii=False).encode


def raw_path(workspace: Workspace, run_id: int) -> Path:
    """Returns the path of the raw file, which is written when the run ends or stops."""
    return workspace.run_folder(run_id) / "raw.json"


def write_raw(workspace: Workspace, run_id: int) -> Path:
    """Writes every text of the run as
    ``[{"conversation": [{system, src_input, style_name, input, output}]}]`` by task position, replaces an
    earlier file in one step and returns its path. Memory use does not grow with the number of texts."""
    path = raw_path(workspace, run_id)
    with atomic_writer(path) as file:
        separator = "[\n"
        for line in each_raw_line(workspace.engine, run_id):
            file.write(separator + _entry(line))
            separator = ",\n"
        file.write("[]\n" if separator == "[\n" else "\n]\n")
    return path


def _entry(line: RawLine) -> str:
    """Returns one conversation in the layout of ``json.dump(indent=4)``, which is ten times slower."""
    turn = {
        "system": line.system,
        "src_input": line.prompt,
        "style_name": line.style,
        "input": line.input,
        "output": line.output,
    }
    fields = ",\n".join(f'                "{key}": {_encoded(value)}' for key, value in turn.items())
    return f'    {{\n        "conversation": [\n            {{\n{fields}\n            }}\n        ]\n    }}'
