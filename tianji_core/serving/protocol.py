"""Errors and token counts in the form of OpenAI's API."""

LONGEST = 1000
"""Characters of a message; it may quote what a request says."""


class ApiError(Exception):
    """An error answer; the server sends ``body`` with ``status``."""

    def __init__(self, status: int, message: str, kind: str, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        shown = message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
        self.body = {"error": {"message": shown, "type": kind, "param": param, "code": code}}


def bad_request(message: str, code: str, param: str | None = None, status: int = 400) -> ApiError:
    """Returns the error for an invalid request."""
    return ApiError(status, message, "invalid_request_error", code, param)


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """Returns the token counts of one request; those of several choices are summed."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
