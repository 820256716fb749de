"""What a job is about: one model for each kind of job, stored as JSON with the job.

A room declares the model beside the functions that start its jobs. Reading is tolerant: fields that a model
does not know are ignored, so a model of the few fields that tell jobs apart also reads jobs that older
versions stored.
"""

from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.store.jobs import Job


class JobSubject(BaseModel):
    """Base of these models. It never holds a key: workers read keys from the workspace."""

    model_config = ConfigDict(frozen=True)

    worker: ClassVar[str] = ""
    """``module:function`` of the :class:`~tianji_core.jobs.child.Worker` that does the work; '' for jobs with
    a command line of their own."""


S = TypeVar("S", bound=JobSubject)


def subject_of(job: Job, model: type[S]) -> S | None:
    """What a job is about, read as ``model``; None where the job is about something else."""
    try:
        return model.model_validate(job.subject)
    except ValidationError:
        return None


class WorkspaceUse(JobSubject):
    """What a job of any kind uses of the workspace: a training, and models by name. Whoever deletes something
    asks for it, without knowing the kinds of the rooms above."""

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
    """What a job uses of the workspace."""
    return subject_of(job, WorkspaceUse) or WorkspaceUse()
