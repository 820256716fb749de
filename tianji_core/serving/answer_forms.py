"""The two forms of OpenAI's answers, chats and completions, whole and as events of a stream. Imported by the
server process only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tianji_core.serving.likelihood import Likelihood
from tianji_core.serving.vocabulary import Vocabulary


@dataclass
class AnswerChoice:
    """One answer as far as it is known; ``reason`` is why it ended, '' while it goes on."""

    text: str = ""
    reason: str = ""
    likelihoods: list[Likelihood] = field(default_factory=list)


class AnswerForm(Protocol):
    """How a request's answers are written. ``prefix`` begins the id; ``whole_kind`` and ``event_kind`` are
    the names of the two objects."""

    prefix: str
    whole_kind: str
    event_kind: str

    def opening(self, index: int) -> dict[str, Any] | None:
        """Returns the first event of a choice, None where there is none."""

    def piece(self, index: int, text: str, likelihoods: Sequence[Likelihood]) -> dict[str, Any]:
        """Returns an event with new text."""

    def closing(self, index: int, reason: str) -> dict[str, Any]:
        """Returns the last event of a choice."""

    def whole(self, index: int, choice: AnswerChoice) -> dict[str, Any]:
        """Returns a choice of a whole answer."""


class ChatForm:
    """``/v1/chat/completions``. ``likely`` is the number of likely tokens beside each, None for no log
    probabilities."""

    prefix, whole_kind, event_kind = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def __init__(self, vocabulary: Vocabulary, likely: int | None) -> None:
        self._vocabulary = vocabulary
        self._likely = likely

    def opening(self, index: int) -> dict[str, Any]:
        """Returns the event that names the role."""
        return self._event(index, {"role": "assistant", "content": ""})

    def piece(self, index: int, text: str, likelihoods: Sequence[Likelihood]) -> dict[str, Any]:
        """Returns an event with new text."""
        return self._event(index, {"content": text}, logprobs=self._logprobs(likelihoods))

    def closing(self, index: int, reason: str) -> dict[str, Any]:
        """Returns the last event of a choice."""
        return self._event(index, {}, reason)

    def whole(self, index: int, choice: AnswerChoice) -> dict[str, Any]:
        """Returns a choice of a whole answer."""
        return {
            "index": index,
            "message": {"role": "assistant", "content": choice.text, "refusal": None},
            "logprobs": self._logprobs(choice.likelihoods),
            "finish_reason": choice.reason,
        }

    @staticmethod
    def _event(
        index: int, delta: dict[str, str], reason: str | None = None, logprobs: Any = None
    ) -> dict[str, Any]:
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, likelihoods: Sequence[Likelihood]) -> dict[str, Any] | None:
        if self._likely is None:
            return None
        content = [
            {
                **self._named(each.token, each.logprob),
                "top_logprobs": [self._named(token, logprob) for token, logprob in each.top],
            }
            for each in likelihoods
        ]
        return {"content": content, "refusal": None}

    def _named(self, token: int, logprob: float) -> dict[str, Any]:
        spelt = self._vocabulary.bytes_of[token]
        return {
            "token": self._vocabulary.name(token),
            "logprob": logprob,
            "bytes": list(spelt) if spelt else None,
        }


class CompletionForm:
    """``/v1/completions``. ``likely`` as for :class:`ChatForm`; ``beginnings`` are the texts that stand
    before each choice, '' for none."""

    prefix, whole_kind, event_kind = "cmpl", "text_completion", "text_completion"

    def __init__(self, vocabulary: Vocabulary, likely: int | None, beginnings: Sequence[str]) -> None:
        self._vocabulary = vocabulary
        self._likely = likely
        self._beginnings = beginnings
        self._offsets = [0] * len(beginnings)

    def opening(self, index: int) -> dict[str, Any] | None:
        """Returns an event with the text that stands before a choice, None where there is none."""
        return self._choice(index, self._beginnings[index], ()) if self._beginnings[index] else None

    def piece(self, index: int, text: str, likelihoods: Sequence[Likelihood]) -> dict[str, Any]:
        """Returns an event with new text."""
        return self._choice(index, text, likelihoods)

    def closing(self, index: int, reason: str) -> dict[str, Any]:
        """Returns the last event of a choice."""
        return self._choice(index, "", (), reason)

    def whole(self, index: int, choice: AnswerChoice) -> dict[str, Any]:
        """Returns a choice of a whole answer."""
        return self._choice(index, self._beginnings[index] + choice.text, choice.likelihoods, choice.reason)

    def _choice(
        self, index: int, text: str, likelihoods: Sequence[Likelihood], reason: str | None = None
    ) -> dict[str, Any]:
        logprobs = None if self._likely is None else self._logprobs(index, likelihoods)
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, index: int, likelihoods: Sequence[Likelihood]) -> dict[str, Any]:
        name, offsets = self._vocabulary.name, []
        for each in likelihoods:
            offsets.append(self._offsets[index])
            self._offsets[index] += len(self._vocabulary.bytes_of[each.token].decode(errors="ignore"))
        return {
            "tokens": [name(each.token) for each in likelihoods],
            "token_logprobs": [each.logprob for each in likelihoods],
            "top_logprobs": [{name(token): logprob for token, logprob in each.top} for each in likelihoods],
            "text_offset": offsets,
        }
