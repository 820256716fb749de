"""Writing the files of a dataset version to disk, with the hash of what was written."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from tianji_core.dataset.statistics import Tally
from tianji_core.store.samples import TrainingExample

_quoted = json.JSONEncoder(ensure_ascii=False).encode


def write_training_file(examples: Sequence[TrainingExample], path: Path) -> tuple[Tally, str]:
    """Writes examples as a list of {"conversation": [{"system", "input", "output"}]}, byte for byte what
    ``json.dump(…, ensure_ascii=False, indent=4)`` writes. Returns the counts and the SHA-256 of the file."""
    tally, hashed = Tally(), hashlib.sha256()
    with path.open("xb") as file:

        def write(text: str) -> None:
            data = text.encode()
            hashed.update(data)
            file.write(data)

        write("[")
        for example in examples:
            write(("," if tally.count else "") + "\n    {\n" + _conversation(example) + "\n    }")
            tally.add(
                example.name,
                example.scene,
                example.style,
                example.source,
                example.output,
                len(example.history) + 1,
            )
            tally.add_conditions(example.options, example.fact)
        write("\n]\n")
        file.flush()
        os.fsync(file.fileno())
    return tally, hashed.hexdigest()


def _conversation(example: TrainingExample) -> str:
    turns = [(turn["input"], turn["output"]) for turn in example.history] + [(example.input, example.output)]
    written = []
    for number, (question, answer) in enumerate(turns):
        fields = (("system", "" if number else example.system), ("input", question), ("output", answer))
        body = ",\n".join(f'                "{key}": {_quoted(value)}' for key, value in fields)
        written.append("            {\n" + body + "\n            }")
    return '        "conversation": [\n' + ",\n".join(written) + "\n        ]"


def write_synced(path: Path, text: str) -> None:
    """Writes UTF-8 text and waits until it is on the disk."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
