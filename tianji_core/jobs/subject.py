"""What a job is about: one model for each kind of job, stored as JSON with the job.

A room declares the model beside the functions that start its jobs. Unknown fields are ignored, so a model
with only the identifying fields also reads the jobs of older versions.
"""

from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.store.jobs import Job


class JobSubject(BaseModel):
    """The base of these models. It never holds a key: workers read keys from the workspace."""

    model_config = ConfigDict(frozen=True)

    worker: ClassVar[str] = ""
    """``module:function`` of the :class:`~tianji_core.jobs.child.Worker` that does the work; '' for jobs
    with their own command line."""


S = TypeVar("S", bound=JobSubject)


def subject_of(job: Job, model: type[S]) -> S | None:
    """Returns what a job is about as ``model``; None where the job is about something else."""
    try:
        return model.model_validate(job.subject)
    except ValidationError:
        return None


class EndsSlowly(JobSubject):
    """A job that has something to stop elsewhere before it ends. ``grace`` is the time in seconds from TERM
    to KILL."""

    grace: float


class WorkspaceUse(JobSubject):
    """The parts of the workspace that a job of any kind uses: a training, and models by name. Deleting
    something checks it without knowing the kinds of jobs."""

    training_run_id: int | None = None
    name: str = ""
    adapter: str = ""
    models: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()

    @property
    def model_names(self) -> set[str]:
        """Names of the models that the job reads or makes."""
        return {self.name, self.adapter, *self.models, *self.adapters} - {""}


def workspace_use(job: Job) -> WorkspaceUse:
    """Returns the parts of the workspace that a job uses."""
    return subject_of(job, WorkspaceUse) or WorkspaceUse()
