"""Jobs that older versions stored are found by what they are about: they held less than a worker needs
today."""

from typing import Any

import pytest

from tianji_core import advice, dataset, generation, jobs, models
from tianji_core.advice import ListKind
from tianji_core.cleaning import judging
from tianji_core.comparison import voting
from tianji_core.evaluation import sweep
from tianji_core.generation import imitation, knowledge
from tianji_core.review.job import rewriting_job
from tianji_core.serving import server_url
from tianji_core.store import jobs as rows
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def stored(workspace: Workspace, kind: str, subject: dict[str, Any]) -> jobs.Job:
    argv = ["python", "-m", "tianji_core.an_older.worker", "7"]
    job = rows.add(workspace.engine, kind, "旧任务", argv, {}, subject)
    rows.change(workspace.engine, job.id, state="succeeded", exit_code=0)
    return jobs.get(workspace, job.id)


FINDERS = {
    "generate": ({"run_id": 7}, lambda w: generation.jobs_by_run(w)[7]),
    "knowledge": ({"knowledge_run_id": 7}, lambda w: knowledge.knowledge_jobs(w)[7]),
    "imitation": ({"imitation_run_id": 7}, lambda w: imitation.imitation_jobs(w)[7]),
    "rewrite": ({"sample_id": 7}, lambda w: rewriting_job(w, 7)),
    "rate": ({"recipe": "wishes"}, lambda w: advice.rating_job(w, "wishes")),
    "suggest": (
        {"recipe": "wishes", "wanted": "scenes", "style": ""},
        lambda w: advice.suggesting_job(w, "wishes", ListKind.SCENES),
    ),
    "judge": ({"recipe": "wishes", "judge": "somebody"}, lambda w: judging.judge_job(w, "wishes")),
    "vote": ({"board": "abc", "recipe": "wishes"}, lambda w: voting.voting_job(w, "abc")),
    "sweep": ({"training_run_id": 7, "recipe": "wishes"}, lambda w: sweep.sweep_job(w, 7)),
    "import": (
        {"dataset_id": "a/b", "endpoint": "", "recipe": "wishes", "after": 3},
        lambda w: dataset.import_job(w, "wishes"),
    ),
}


@pytest.mark.parametrize("kind", FINDERS)
def test_an_older_job_is_found(workspace: Workspace, kind: str) -> None:
    subject, find = FINDERS[kind]
    job = stored(workspace, "generate" if kind in ("knowledge", "imitation") else kind, subject)
    assert find(workspace).id == job.id


def test_jobs_about_something_else_are_not_taken_for_it(workspace: Workspace) -> None:
    stored(workspace, "generate", {"knowledge_run_id": 7})
    stored(workspace, "generate", {})
    assert generation.jobs_by_run(workspace) == {}
    assert list(knowledge.knowledge_jobs(workspace)) == [7]


def test_the_judge_of_an_older_job_is_known_where_it_was_stored(workspace: Workspace) -> None:
    choice = TeacherChoice(provider="custom", model="m", base_url="http://127.0.0.1:9/v1")
    subject = {"recipe": "wishes", "judge": choice.model_dump(mode="json")}
    assert judging.judge_of(stored(workspace, "judge", subject)) == choice
    assert judging.judge_of(stored(workspace, "judge", {"recipe": "wishes", "judge": "m"})) is None


def test_an_older_server_and_an_older_download_are_followed(workspace: Workspace) -> None:
    server = stored(workspace, "serve", {"port": 6123, "models": ["甲"], "adapters": [], "keyed": True})
    assert server_url(server) == "http://127.0.0.1:6123/v1"
    rows.add(workspace.engine, "download", "下载", ["true"], {}, {"model_id": "组织/模型", "name": ""})
    assert models.downloading(workspace) == {"组织/模型"}
