"""The wire format: chat requests, answers and errors as in OpenAI's API."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from tianji_core.i18n import _
from tianji_core.model_folders.messages import ChatMessage

DEFAULT_MAX_TOKENS = 512
"""Maximum tokens of an answer when the request sets none; the longest blessing style needs about 400."""


class StreamOptions(BaseModel):
    """Whether the last chunk of a stream carries the token counts."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """``POST /v1/chat/completions``. Unknown fields are ignored, as other servers do."""

    model_config = ConfigDict(extra="ignore")

    model: str
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float = Field(default=1.0, ge=0, le=5)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: list[str] = Field(default=[], max_length=8)
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    repetition_penalty: float = Field(default=1.0, gt=0, le=5)
    n: int = Field(default=1, ge=1, le=8)

    @field_validator("stop", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        if value is None:
            return []
        return [value] if isinstance(value, str) else value

    @field_validator("stop")
    @classmethod
    def _no_empty_stop(cls, value: list[str]) -> list[str]:
        return [text for text in value if text]

    @field_validator("temperature", "top_p", "repetition_penalty", "n", mode="before")
    @classmethod
    def _null_is_default(cls, value: Any) -> Any:
        return 1 if value is None else value

    @property
    def token_limit(self) -> int:
        """The maximum number of tokens of an answer."""
        return self.max_completion_tokens or self.max_tokens or DEFAULT_MAX_TOKENS


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError(_("里有看不见的字符"))
    return name


AdapterName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
"""A name for requests, logs and metrics."""


class LoadRequest(BaseModel):
    """``POST /v1/load_lora_adapter``, as vLLM has it; ``base_model`` names the base where there are
    several."""

    model_config = ConfigDict(extra="forbid")

    lora_name: AdapterName
    lora_path: str = Field(min_length=1)
    base_model: str = ""


class UnloadRequest(BaseModel):
    """``POST /v1/unload_lora_adapter``; ``lora_int_id`` is vLLM's own number of an adapter, not used here."""

    model_config = ConfigDict(extra="forbid")

    lora_name: AdapterName
    lora_int_id: int | None = None


class ApiError(Exception):
    """An error answer; the server sends ``body`` with ``status``."""

    def __init__(self, status: int, message: str, kind: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def bad_request(message: str, code: str, param: str | None = None, status: int = 400) -> ApiError:
    """Returns the error for an invalid request."""
    return ApiError(status, message, "invalid_request_error", code, param)


def completion(
    request_id: str, created: int, model: str, choices: list[dict[str, Any]], usage: dict[str, int]
) -> dict[str, Any]:
    """Returns a complete answer."""
    return {
        "id": request_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": choices,
        "usage": usage,
    }


def chunk(
    request_id: str,
    created: int,
    model: str,
    choices: list[dict[str, Any]],
    usage: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Returns one event of a stream."""
    value: dict[str, Any] = {
        "id": request_id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": choices,
    }
    return value if usage is None else {**value, "usage": usage}


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """Returns the token counts of one request; those of several choices are summed."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
