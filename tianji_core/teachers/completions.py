"""Turns the body of an answer from any server into an :class:`Answer`: the gate reads it, the thinking is
split off, and what is no usable text becomes an error of its kind."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tianji_core.errors import (
    GateError,
    RedirectError,
    TeacherAnswerError,
    TeacherError,
    TeacherRefusalError,
    TeacherRequestError,
    TeacherThoughtOnlyError,
)
from tianji_core.gate import (
    END,
    REASONING_CHARACTERS,
    TEXT_CHARACTERS,
    Complaint,
    Completion,
    clean_beginning,
    clean_name,
    clean_text,
    decoded,
    events,
    is_event_stream,
    is_json_lines,
    read_chunk,
    read_complaint,
    read_completion,
    read_json,
    read_transcript,
    shortened,
    standard_characters,
    too_long,
)
from tianji_core.i18n import _
from tianji_core.teachers.base import Answer
from tianji_core.teachers.faults import Endpoint, no_interface, unreadable
from tianji_core.teachers.statuses import from_complaint
from tianji_core.teachers.text_form import text_field

_TAG = re.compile(r"<(/?)think(?:ing)?>", re.IGNORECASE)
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Split:
    """A text and the thinking that was taken out of it."""

    text: str
    reasoning: str


def split_thinking(content: str) -> Split:
    """Splits ``<think>…</think>`` off. Some servers swallow the opening tag; a block that never closes is
    thinking throughout."""
    text: list[str] = []
    thought: list[str] = []
    inside, at = False, 0
    for tag in _TAG.finditer(content):
        closing = bool(tag[1])
        if inside and not closing:
            continue
        before = content[at : tag.start()]
        if inside:
            thought.append(before)
        elif closing:
            thought.append("".join((*text, before)))
            text.clear()
        else:
            text.append(before)
        inside, at = not closing, tag.end()
    (thought if inside else text).append(content[at:])
    return Split("".join(text).strip(), "\n".join(filter(None, map(str.strip, thought))))


def read_answer(
    endpoint: Endpoint, content: bytes, content_type: str, latency: float, request_id: str = ""
) -> Answer:
    """Returns the answer in the body of a response with status 200, whole or as the events of a stream.

    Raises:
        TeacherAnswerError: no choice, no text, cut off in transit, or not a completion at all.
        TeacherRefusalError: the model or the content filter declined.
        TeacherError: an error object instead of a completion, by its code.
    """
    try:
        if is_event_stream(content, content_type):
            found = assembled(events(_pieces(decoded(content, content_type).encode())))
        elif is_json_lines(content, content_type):
            found = assembled(filter(str.strip, decoded(content, content_type).split("\n")))
        else:
            found = read_completion(read_json(decoded(content, content_type)))
            if isinstance(found, Completion) and not found.finish and endpoint.sends_finish_reason:
                found = found.model_copy(update={"finish": "cut"})  # nothing says that it is whole
    except GateError as error:
        raise _no_answer(endpoint, content, content_type, error) from None
    if isinstance(found, Complaint):
        raise from_complaint(endpoint, found)
    split = split_thinking(standard_characters(found.text if found.text.strip() else _argument(found.called)))
    text = clean_text(split.text)  # what was taken out may have stood within a secret
    reasoning = "\n".join(filter(None, (found.reasoning, split.reasoning)))
    _check(endpoint, found, text, reasoning)
    return Answer(
        text=text,
        model=found.model or endpoint.model,
        prompt_tokens=found.prompt_tokens,
        completion_tokens=found.completion_tokens,
        latency=latency,
        request_id=clean_name(request_id) or found.request_id,
        finish_reason=found.finish,
        reasoning=shortened(reasoning, REASONING_CHARACTERS),
    )


def _argument(called: str) -> str:
    """Returns the text among the arguments of a function that was called in place of an answer, '' without
    one."""
    try:
        value = read_json(called) if called else None
    except GateError:
        return ""
    return text_field(value) if isinstance(value, dict) else ""


def read_words(endpoint: Endpoint, content: bytes, content_type: str) -> str:
    """Returns the words in the body of a transcription with status 200.

    Raises:
        TeacherAnswerError: there are none, or it is no transcription. TeacherError: an error object instead
            of one, by its code.
    """
    try:
        found = read_transcript(read_json(decoded(content, content_type)))
    except GateError as error:
        raise _no_answer(endpoint, content, content_type, error) from None
    if isinstance(found, Complaint):
        raise from_complaint(endpoint, found)
    if not found:
        raise TeacherAnswerError(_("{title} 没有从录音里听出话来", title=endpoint.title))
    return found


def _no_answer(endpoint: Endpoint, content: bytes, content_type: str, error: GateError) -> TeacherAnswerError:
    """The error for a body that cannot be read: a web page tells that the address is another one."""
    complaint = read_complaint(content, content_type)
    return no_interface(endpoint, complaint.message) if complaint.page else unreadable(endpoint, error)


def _check(endpoint: Endpoint, found: Completion, text: str, reasoning: str) -> None:
    title = endpoint.title
    if found.finish == "filtered" or found.refusal:
        said = endpoint.clean(found.refusal) or _("内容审核")
        raise TeacherRefusalError(_("{title} 拒绝写这一条：{said}", title=title, said=said))
    if found.finish == "broken":
        raise TeacherAnswerError(_("{title} 写到一半出错了，没有写完", title=title))
    if text:
        return
    if found.finish == "length" or reasoning:
        raise TeacherThoughtOnlyError(
            _("{title} 只思考没有写出正文，请加大 max_tokens 或关掉思考", title=title)
        )
    raise TeacherAnswerError(_("{title} 的回答是空的", title=title))


def assembled(stream: Iterable[str]) -> Completion | Complaint:
    """Returns the completion that the chunks of a stream make up, or the error in one of them.

    Raises:
        GateError: a chunk is not one, or the stream ends without saying that it is complete.
    """
    text: list[str] = []
    thought: list[str] = []
    called: list[str] = []
    whole: dict[str, object] = {}
    characters = 0
    ended = False
    for data in stream:
        if data.strip() == END:
            ended = True
            break
        chunk = read_chunk(read_json(data))
        if isinstance(chunk, Complaint):
            return chunk
        text.append(chunk.text)
        called.append(chunk.called)
        characters += len(chunk.text) + len(chunk.called)
        if characters > TEXT_CHARACTERS:
            raise too_long(characters)
        thought.append(chunk.reasoning)
        given = chunk.model_dump(exclude={"text", "reasoning", "called"}, exclude_defaults=True)
        whole.update({name: value for name, value in given.items() if value or name not in whole})
    if not ended and not whole.get("finish"):
        raise GateError(_("没有说完就断了"))
    reasoning = clean_beginning("".join(thought), REASONING_CHARACTERS).strip()
    joined, arguments = clean_text("".join(text)), clean_text("".join(called))
    return Completion.model_validate({**whole, "text": joined, "reasoning": reasoning, "called": arguments})


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]


def not_accepted(endpoint: Endpoint, error: GateError) -> TeacherError:
    """Returns the error for a response that the gate does not take in."""
    if isinstance(error, RedirectError):
        return TeacherRequestError(f"{endpoint.title} · {endpoint.base_url}：{endpoint.clean(error)}")
    return unreadable(endpoint, error)
