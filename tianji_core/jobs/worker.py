"""``python -m tianji_core.jobs.worker JOB --workspace DIR``: the child process of every job whose work is
a function of the studio. The stored job names that function and holds its arguments."""

import argparse
import pkgutil
import sys
import traceback

from pydantic import ValidationError

from tianji_core.errors import JobError, StudioError
from tianji_core.gate import clean_sentence, without_secrets
from tianji_core.i18n import _, set_language
from tianji_core.jobs.child import Worker, keep_printing_on_a_full_disk
from tianji_core.jobs.control import WORKER, settle
from tianji_core.jobs.progress import Reporter
from tianji_core.store import jobs as job_store
from tianji_core.store.jobs import Job
from tianji_core.workspace import Workspace, open_workspace


def run_worker(workspace: Workspace, job: Job, reporter: Reporter) -> int:
    """Does the work of a stored job in this process; returns the exit code.

    Raises:
        JobError: the job names no worker, or its arguments are incomplete.
        StudioError: the work failed.
    """
    try:
        worker = pkgutil.resolve_name(job.subject[WORKER])
        if not isinstance(worker, Worker):
            raise TypeError
        subject = worker.subject.model_validate(job.subject)
    except (KeyError, ValueError, ImportError, AttributeError, TypeError, ValidationError) as error:
        detail = clean_sentence(error)
        raise JobError(
            _("任务 {id} 的记录不完整，做不了；请重新开始它（{detail}）", id=job.id, detail=detail)
        ) from error
    return worker.run(workspace, subject, reporter)


def main(argv: list[str]) -> int:
    """Does the work of a stored job, in the language of the settings. Returns the exit code; an error of
    the studio becomes one line on standard error and the job's note."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.jobs.worker", description="work on one job")
    parser.add_argument("job", type=int)
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args(argv)
    reporter = Reporter()
    workspace: Workspace | None = None
    try:
        workspace = open_workspace(arguments.workspace)
        set_language(workspace.settings().language)
        code = run_worker(workspace, job_store.get(workspace.engine, arguments.job), reporter)
    except StudioError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        reporter.fail(str(error))
        if workspace is not None:
            settle(workspace, error.exit_code, str(error))
        return error.exit_code
    except Exception:  # a fault of this program; the log of the job shows it without keys
        print(without_secrets(traceback.format_exc()), file=sys.stderr)
        return 1
    settle(workspace, code)
    return code


if __name__ == "__main__":
    keep_printing_on_a_full_disk()
    sys.exit(main(sys.argv[1:]))
