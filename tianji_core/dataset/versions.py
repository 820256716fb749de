"""Freezing accepted samples into an immutable, hashed training file, and trusting it later."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tianji_core.dataset.statistics import Tally
from tianji_core.errors import DatasetError
from tianji_core.files import sha256
from tianji_core.i18n import _
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.database import writing
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import ACCEPTED, Line, SampleFilter
from tianji_core.workspace import Workspace

TRAIN, MANIFEST = "train.json", "manifest.json"
_NAME = re.compile(r"\w[\w.-]{0,59}")
_READ_ONLY = 0o444


def accepted(recipe_key: str) -> SampleFilter:
    """What is frozen unless something else is asked for."""
    return SampleFilter(recipe_key, states=(ACCEPTED,))


def check_name(workspace: Workspace, name: str) -> str:
    """The name as it will be used.

    Raises:
        DatasetError: not usable as a folder's name, or taken.
    """
    name = name.strip()
    if _NAME.fullmatch(name) is None or name.endswith("."):
        raise DatasetError(
            _(
                "数据集名字“{name}”不能用：请用 1-60 个汉字、字母、数字、下划线、连字符或点，开头不能是点和连字符",
                name=name,
            )
        )
    if datasets.find(workspace.engine, name) is not None:
        raise DatasetError(_("已经有名叫“{name}”的数据集版本了，请换一个名字", name=name))
    return name


def freeze(
    workspace: Workspace,
    recipe_key: str,
    name: str,
    wanted: SampleFilter | None = None,
    note: str = "",
) -> DatasetVersion:
    """Write the matching samples (default: all accepted ones) to ``datasets/<name>/train.json`` with a manifest beside
    it, read-only, and remember them as a version. Samples that are equal in every turn are written once. When this is
    interrupted at any point, either the whole version exists or none of it.

    Raises:
        DatasetError: nothing matches, or the name cannot be used.
    """
    name = check_name(workspace, name)
    revision = recipes.current(workspace.engine, recipe_key).revision
    wanted = wanted or accepted(recipe_key)
    target = workspace.datasets / name
    draft = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=workspace.datasets))
    try:
        tally, digest = _write_training_file(workspace, wanted, draft / TRAIN)
        if not tally.count:
            raise DatasetError(_("没有可以冻结的样本：请先到审核页采用一些样本"))
        manifest: dict[str, Any] = {
            "format": 1,
            "name": name,
            "note": note.strip(),
            "recipe": recipe_key,
            "recipe_revision": revision,
            "filter": {key: value for key, value in asdict(wanted).items() if value},
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "file": TRAIN,
            "sha256": digest,
            **tally.plain(),
        }
        manifest = json.loads(json.dumps(manifest))  # as it will be read back: tuples become lists
        _write_synced(draft / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
        for file in (TRAIN, MANIFEST):
            (draft / file).chmod(_READ_ONLY)
        draft.chmod(0o755)
        with writing(workspace.engine) as connection:
            folder = str(target.relative_to(workspace.home))
            number = datasets.insert_version(
                connection, recipe_key, name, folder, digest, tally.count, manifest
            )
            if target.exists():  # left by a freeze that was killed before its row was committed
                shutil.rmtree(target)
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return datasets.get(workspace.engine, number)


def _write_training_file(workspace: Workspace, wanted: SampleFilter, path: Path) -> tuple[Tally, str]:
    """Write the samples as a list of {"conversation": [{"system", "input", "output"}]}, indented by 4, non-ASCII
    kept: the bytes of ``json.dump(…, ensure_ascii=False, indent=4)`` without holding the list. Returns the counts and
    the SHA-256 of the file."""
    tally, hashed, seen = Tally(), hashlib.sha256(), set()
    with path.open("wb") as file:

        def write(text: str) -> None:
            data = text.encode()
            hashed.update(data)
            file.write(data)

        write("[")
        for line in samples.stream(workspace.engine, wanted):
            if line.digest in seen:
                continue
            seen.add(line.digest)
            write(("," if tally.count else "") + "\n    {\n" + _conversation(line) + "\n    }")
            tally.add(line.name, line.scene, line.style, line.source, line.output, len(line.history) + 1)
        write("\n]\n" if tally.count else "]\n")
        file.flush()
        os.fsync(file.fileno())
    return tally, hashed.hexdigest()


def _conversation(line: Line) -> str:
    turns = [(turn["input"], turn["output"]) for turn in line.history] + [(line.input, line.output)]
    written = []
    for number, (asked, answered) in enumerate(turns):
        fields = (("system", "" if number else line.system), ("input", asked), ("output", answered))
        body = ",\n".join(f'                "{key}": {_quoted(value)}' for key, value in fields)
        written.append("            {\n" + body + "\n            }")
    return '        "conversation": [\n' + ",\n".join(written) + "\n        ]"


_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def training_file(workspace: Workspace, version: DatasetVersion) -> Path:
    """Where the training file of a version stands."""
    return workspace.home / version.folder / TRAIN


def verify(workspace: Workspace, version: DatasetVersion) -> None:
    """Compare the training file with the hash that was taken when it was frozen.

    Raises:
        DatasetError: the file is gone, or is not what was frozen.
    """
    path = training_file(workspace, version)
    if not path.is_file():
        raise DatasetError(_("数据集“{name}”的文件 {file} 不见了", name=version.name, file=path))
    if sha256(path) != version.sha256:
        raise DatasetError(
            _(
                "数据集“{name}”的文件 {file} 被改过，和冻结时不一样了；请重新冻结一个版本",
                name=version.name,
                file=path,
            )
        )
