"""The report about a problem: its files, and the zip of them."""

import io
import json
import os
import platform
import shutil
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from tianji_core import jobs
from tianji_core.addresses import named_as_secret
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.outputs import output_file
from tianji_core.problems.faults import faults_path
from tianji_core.problems.redaction import without_private, without_texts
from tianji_core.project import ENGINE_PACKAGES
from tianji_core.release import version
from tianji_core.store.database import reading, schema_revision
from tianji_core.store.row_counts import row_counts
from tianji_core.workspace import Workspace

LOG_BYTES = 400_000
"""Bytes of each log, its end."""
LISTED_JOBS = 50
PACKAGES = (
    *("streamlit", "sqlalchemy", "pydantic", "openai", "zhipuai", "torch", "transformers", "peft"),
    *("bitsandbytes", "accelerate", "datasets", *ENGINE_PACKAGES, "modelscope", "huggingface-hub"),
)


@dataclass(frozen=True)
class ReportFile:
    """One file of a report; ``about`` says in a few words what it holds."""

    name: str
    about: str
    content: str


@dataclass(frozen=True)
class ProblemReport:
    """The files of a report, as they are handed over."""

    files: tuple[ReportFile, ...]

    def packed(self) -> bytes:
        """Returns them as a zip."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in self.files:
                archive.writestr(file.name, file.content)
        return packed.getvalue()


def prepare_report(
    workspace: Workspace, job_ids: Sequence[int] | None = None, texts: bool = False
) -> ProblemReport:
    """Returns what a report would hold: version, machine, packages, settings, counts, recent jobs, the traces
    of the studio, and the logs of the given jobs (None: of the newest failed one). ``texts`` leaves in what
    people and models wrote in logs. Keys never are in it.

    Raises:
        JobError: there is no job with one of the numbers.
    """
    listed = jobs.listed(workspace, limit=LISTED_JOBS)
    if job_ids is None:
        job_ids = [job.id for job in listed if job.state in ("failed", "lost")][:1]
    chosen = [jobs.get(workspace, number) for number in dict.fromkeys(job_ids)]
    files = [
        _json("machine.json", _("版本、系统、软件包、磁盘和内存"), _machine(workspace)),
        _json("settings.json", _("设置，不含审核人和密钥；密钥只说设了哪几个"), _settings(workspace)),
        _json("counts.json", _("数据库每张表有多少行，和它的结构版本"), _counts(workspace)),
        _json("jobs.json", _("最近的任务：种类、状态、用时、原因"), [_job(job, texts) for job in listed]),
    ]
    if faults := _read(faults_path(workspace)):
        files.append(_log("studio.log", _("工坊自己出错的经过"), faults, texts))
    for job in chosen:
        output = jobs.log_bytes(workspace, job.id, LOG_BYTES).decode("utf-8", errors="replace")
        files.append(_log(f"job-{job.id}.log", _("任务 {id} 的日志", id=job.id), output, texts))
    return ProblemReport(tuple(files))


def write_report(workspace: Workspace, report: ProblemReport, path: Path, overwrite: bool = False) -> None:
    """Writes a report as a zip.

    Raises:
        InputError: the file cannot be written, or is there already and is not to be replaced.
    """
    with output_file(workspace, path, overwrite) as draft, draft.open("r+b") as file:
        file.write(report.packed())


def _json(name: str, about: str, value: object) -> ReportFile:
    text = json.dumps(_public(value), ensure_ascii=False, indent=2)
    return ReportFile(name, about, text + "\n")


def _public(value: object) -> object:
    """The value with every text in it as a report may say it."""
    if isinstance(value, dict):
        return {key: _public(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_public(item) for item in value]
    return without_private(value[:]) if isinstance(value, str) else value


def _log(name: str, about: str, text: str, texts: bool) -> ReportFile:
    return ReportFile(name, about, without_private(text if texts else without_texts(text)))


def _machine(workspace: Workspace) -> dict[str, object]:
    disk = shutil.disk_usage(workspace.home)
    return {
        "version": version(),
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "disk_free_gb": round(disk.free / 1e9, 1),
        "packages": {name: _installed(name) for name in PACKAGES},
        "database": workspace.database_url.split(":", 1)[0],
    }


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def _settings(workspace: Workspace) -> dict[str, object]:
    settings = workspace.settings()
    named = sorted(name for name in os.environ if name.startswith("TIANJI_") or named_as_secret(name.lower()))
    return {
        "language": settings.language,
        "zone": settings.zone,
        "model_mirror": bool(settings.model_mirror),
        "variables_set": named,
    }


def _counts(workspace: Workspace) -> dict[str, object]:
    with reading(workspace.engine) as connection:
        revision = schema_revision(connection) or ""
    return {"schema": revision, "rows": row_counts(workspace.engine)}


def _job(job: Job, texts: bool) -> dict[str, object]:
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "exit_code": job.exit_code,
        "seconds": round(job.seconds, 1),
        "note": job.note if texts else without_texts(job.note).strip(),
        **({"title": job.title} if texts else {}),
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
