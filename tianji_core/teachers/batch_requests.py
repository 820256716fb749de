"""What a teacher needs so that its requests can be sent in files."""

from abc import ABC, abstractmethod
from typing import Any

from tianji_core.recipe import Brief
from tianji_core.teachers.base import Answer, Sampling
from tianji_core.teachers.completions import read_answer
from tianji_core.teachers.faults import Endpoint
from tianji_core.teachers.text_form import FormRequest


class BatchRequests(ABC):
    """A :class:`~tianji_core.teachers.base.BatchTeacher` out of the form of its texts, its server, and the
    body of its requests."""

    _form: FormRequest
    _endpoint: Endpoint

    @abstractmethod
    def _body(self, prompt: str, sampling: Sampling, system: str) -> dict[str, Any]:
        """The fields of a request."""

    def batch_body(self, brief: Brief, sampling: Sampling) -> dict[str, Any]:
        """Returns the body of a request for the brief, for a batch."""
        prompt, fields = self._form.asked(brief.prompt)
        return self._body(prompt, sampling, brief.system) | fields

    def batch_answer(self, body: bytes, request_id: str) -> Answer:
        """Returns the answer in a body out of a batch.

        Raises:
            TeacherError: one of its kinds.
        """
        return self._form.read(read_answer(self._endpoint, body, "application/json", 0.0, request_id))
