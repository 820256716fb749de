"""The whole exception tree. Imports nothing.

A message is one sentence in the user's language that says what is wrong, where, and what to do. Pages and the
command line turn it into one line; nothing else catches :class:`StudioError`.
"""


class StudioError(Exception):
    """An error to be reported to a person, never a bug. ``exit_code`` is the exit code of the command
    line."""

    exit_code = 1


class InputError(StudioError):
    """A request that cannot be carried out as given."""

    exit_code = 2


class InterruptedWorkError(StudioError):
    """Ctrl-C stopped a verb; the message says what was kept and how to go on."""

    exit_code = 130


class SettingsError(InputError):
    """A setting, an environment variable or the workspace folder is unusable."""


class DatabaseLostError(SettingsError):
    """The workspace's database is missing, empty, broken or that of another workspace, while its files are
    there. Restoring a backup helps, or starting anew."""


class RecipeError(InputError):
    """A recipe is not valid; the message names file, key and value."""


class YamlError(InputError):
    """A text is not YAML or exceeds the limits of size; the message names the file and the line."""


class SlowPatternError(InputError):
    """A regular expression takes too long on a text."""


class CsvError(InputError):
    """A table in CSV cannot be read; the message names the line."""


class PlanError(InputError):
    """A plan without tasks, or with a task unknown to the recipe. ``kind`` is stored with a failed task."""

    kind = "plan"


class ComposerError(InputError):
    """The offline composer lacks phrases for a task; the message names file and key. ``kind`` is stored with
    a failed task."""

    kind = "composer"


class ImportFileError(InputError):
    """A file to import is unreadable or of the wrong shape; the message says where."""


class DatasetError(InputError):
    """A dataset version cannot be made, found or trusted."""


class TrainingError(InputError):
    """A training cannot start with these settings."""


class PlaceError(InputError):
    """A place to train elsewhere is described wrongly, refuses, or lacks something; says where and what to
    do."""


class MissingBaseError(PlaceError):
    """The base of a training is not on the machine that is to train."""


class ForgottenJobError(PlaceError):
    """The cluster no longer knows a job, because it ended some time ago."""


class PlaceUnreachableError(StudioError):
    """A place to train cannot be reached now; what runs there goes on, and asking again may help."""


class ModelError(InputError):
    """A model, adapter or checkpoint is missing, incomplete or does not fit."""


class ChatTemplateError(ModelError):
    """A tokenizer's own chat template cannot be used. ``fault`` and ``detail`` say why in a form that another
    process can put into its own language."""

    def __init__(self, message: str, fault: str, detail: str = "") -> None:
        super().__init__(message)
        self.fault, self.detail = fault, detail


class PushError(InputError):
    """A push cannot be carried out as given: its target, the token, the rights, or a repository that is
    there."""


class JobError(InputError):
    """A job does not exist, or its state does not allow the action."""


class ConflictError(InputError):
    """Somebody else has saved the same thing first; nothing was overwritten."""


class ForbiddenError(InputError):
    """The person's role does not allow it."""


class LoginError(InputError):
    """A user account or a login is not valid."""


class NoticeError(StudioError):
    """A notice did not arrive, or the machine cannot be switched off; the message names the channel or the
    command."""


class RobotLimitError(NoticeError):
    """A robot takes no more messages for a while."""


class ServerError(StudioError):
    """The model server cannot be reached or answered with an error."""


class GateError(StudioError):
    """What came from outside is too large, cannot be read, or is not of the shape that was asked for. The
    message is a phrase that the reader of the answer puts into a sentence."""


class RedirectError(GateError):
    """A server sends a request on to another address; nothing was sent there."""


class InstallError(StudioError):
    """Packages could not be installed; what was installed stays, and the next attempt goes on from there."""


class DiskFullError(StudioError):
    """There is no room on the disk; the same can be done again once there is."""


class StorageError(StudioError):
    """The database cannot take one of the rows, and none of its batch was stored. ``kind`` is stored with the
    failed task."""

    kind = "storage"


class RunLimitError(StudioError):
    """A generation has reached its limit of money, tokens or time; it can continue with a higher limit."""


class UnfinishedError(StudioError):
    """Some of many things that were asked got no usable answer. What was answered is stored, and starting
    again asks only for what is missing."""


class TeacherError(StudioError):
    """A teacher gave no usable answer. ``kind`` is stored with the failed task; ``retryable`` says whether
    another request can help."""

    kind = "error"
    retryable = False


class TeacherAuthError(TeacherError):
    """The key is missing, wrong, or has no access or credit."""

    kind = "auth"
    exit_code = 2


class TeacherRequestError(TeacherError):
    """The endpoint refuses the request: unknown model, bad parameter, wrong address."""

    kind = "request"
    exit_code = 2


class UnknownModelError(TeacherRequestError):
    """The server does not list the model. ``models`` are those that it lists."""

    def __init__(self, message: str, models: list[str]) -> None:
        super().__init__(message)
        self.models = models


class TeacherUnreachableError(TeacherError):
    """No connection, a connection reset, or a 5xx answer. ``retry_after`` is the wait that the server asks
    for in seconds, or None."""

    kind = "unreachable"
    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TeacherTimeoutError(TeacherError):
    """No answer within the time limit."""

    kind = "timeout"
    retryable = True


class TeacherRateLimitError(TeacherError):
    """Status 429. ``retry_after`` is the wait that the server asks for in seconds, or None."""

    kind = "rate_limit"
    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TeacherAnswerError(TeacherError):
    """An answer that is empty, not text, or cannot be read."""

    kind = "answer"
    retryable = True


class TeacherThoughtOnlyError(TeacherAnswerError):
    """The tokens were used up before the text began; a larger limit helps, another request may."""


class TeacherRefusalError(TeacherError):
    """The model or its content filter declined; another request would not help."""

    kind = "refusal"
