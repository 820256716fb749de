"""Asks a model every case and judges its answers: a model folder in a process of its own, or a server."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NotRequired, TypedDict

from tianji_core.errors import ModelError
from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.checks import Checker
from tianji_core.evaluation.folder_process import OnAnswers, answers_of, unheard
from tianji_core.evaluation.follow_ups import AskedNext, AskNext
from tianji_core.evaluation.report import Judged, Report, summarise
from tianji_core.i18n import _
from tianji_core.model_folders.trust import checked_code
from tianji_core.recipe import Style
from tianji_core.serving.client import ChatSampling, Message, chat_stream

BATCH = 128
"""Prompts in one batch."""


class ModelRequest(TypedDict):
    """One question to a model folder, a conversation of its own; ``max_tokens`` is the longest answer,
    ``history`` the turns before it as (asked, answered)."""

    system: str
    request: str
    max_tokens: int
    history: NotRequired[list[tuple[str, str]]]


def request_of(case: Case) -> ModelRequest:
    """Returns the request of a case."""
    return ModelRequest(system=case.system, request=case.request, max_tokens=longest(case.style))


def judge(cases: Sequence[Case], answers: Sequence[str], checker: Checker) -> Report:
    """Returns the report on answers, given in the order of their cases."""
    return summarise(
        [Judged(case, text, checker.check(case, text)) for case, text in zip(cases, answers, strict=True)],
        checker.recipe,
    )


def evaluate_folder(
    model: Path,
    adapter: Path | None,
    cases: Sequence[Case],
    checker: Checker,
    temperature: float = 0.0,
    seed: int = 0,
    threads: int | None = None,
    code_allowed: bool = False,
    on_answers: OnAnswers = unheard,
    top_p: float | None = None,
) -> Report:
    """Returns the report on a model folder in Hugging Face format; raises and reads its arguments as
    :func:`folder_texts`."""
    options = seed, threads, code_allowed, on_answers, top_p
    (answers,) = folder_answers(model, adapter, cases, [temperature], *options)
    return judge(cases, answers, checker)


def folder_answers(
    model: Path,
    adapter: Path | None,
    cases: Sequence[Case],
    temperatures: Sequence[float],
    seed: int = 0,
    threads: int | None = None,
    code_allowed: bool = False,
    on_answers: OnAnswers = unheard,
    top_p: float | None = None,
) -> list[list[str]]:
    """Returns a model folder's answers to the cases; reads its other arguments and raises as
    :func:`folder_texts`."""
    requests = [request_of(case) for case in cases]
    options = seed, threads, code_allowed, on_answers, top_p
    return folder_texts(model, adapter, requests, temperatures, *options)


def folder_texts(
    model: Path,
    adapter: Path | None,
    requests: Sequence[ModelRequest],
    temperatures: Sequence[float],
    seed: int = 0,
    threads: int | None = None,
    code_allowed: bool = False,
    on_answers: OnAnswers = unheard,
    top_p: float | None = None,
) -> list[list[str]]:
    """Returns a model folder's answers to the requests, in their order, for each of the temperatures.

    Temperature 0 is greedy; ``top_p`` None is the model's own; ``threads`` are CPU threads, None for torch's
    default; ``code_allowed`` lets the model run the Python code in its folder. ``on_answers`` gets the
    answers so far and how many there will be.

    Raises:
        ModelError: a folder is missing or holds code that is not allowed, or the model cannot be loaded or
            cannot answer.
    """
    for folder in filter(None, (model, adapter)):
        if not folder.is_dir():
            raise ModelError(_("没有模型文件夹 {folder}", folder=folder))
    asked = {
        "model": str(model.resolve()),
        "adapter": str(adapter.resolve()) if adapter else None,
        "requests": list(requests),
        "temperatures": list(temperatures),
        "batch": BATCH,
        "seed": seed,
        "top_p": top_p,
        "threads": threads,
        "runs_code": checked_code(model, code_allowed),
    }
    return answers_of(model, asked, on_answers)


def evaluate_server(
    url: str,
    model: str,
    cases: Sequence[Case],
    checker: Checker,
    temperature: float = 0.0,
    seed: int = 0,
    key: str | None = None,
    concurrency: int = 16,
    on_answers: OnAnswers = unheard,
) -> Report:
    """Returns the report on a model behind an OpenAI-compatible address; each case is a conversation of its
    own. ``on_answers`` gets the answers so far and how many there will be.

    Raises:
        InputError: ``url`` is not an address. ServerError: the server cannot be reached, or refuses.
    """

    def ask(case: Case) -> str:
        sampling = ChatSampling(temperature=temperature, max_tokens=longest(case.style), seed=seed)
        messages = [Message("system", case.system), Message("user", case.request)]
        return "".join(chunk.text for chunk in chat_stream(url, model, messages, sampling, key)).strip()

    with ThreadPoolExecutor(concurrency) as pool:
        return judge(cases, _heard(pool.map(ask, cases), len(cases), on_answers), checker)


def _heard(answers: Iterable[str], total: int, on_answers: OnAnswers) -> list[str]:
    """The answers, each told as it comes."""
    heard = []
    for answer in answers:
        heard.append(answer)
        on_answers(len(heard), total)
    return heard


def folder_follow_ups(
    model: Path,
    adapter: Path | None,
    temperature: float = 0.0,
    seed: int = 0,
    code_allowed: bool = False,
    on_answers: OnAnswers = unheard,
) -> AskNext:
    """Returns a function that asks a model folder for something after its answers; its arguments and errors
    are those of :func:`folder_texts`."""

    def ask(asked: Sequence[AskedNext]) -> Sequence[str]:
        requests = [
            ModelRequest(
                system=one.case.system,
                request=follow_up.request,
                max_tokens=2 * longest(style),
                history=[(one.case.request, one.answer)],
            )
            for one, follow_up, style in asked
        ]
        (answers,) = folder_texts(
            model, adapter, requests, [temperature], seed, None, code_allowed, on_answers
        )
        return [answer.strip() for answer in answers]

    return ask


def server_follow_ups(
    url: str,
    model: str,
    temperature: float = 0.0,
    seed: int = 0,
    key: str | None = None,
    concurrency: int = 16,
    on_answers: OnAnswers = unheard,
) -> AskNext:
    """Returns a function that asks a server for something after its answers; its arguments and errors are
    those of :func:`evaluate_server`."""

    def ask_one(each: AskedNext) -> str:
        one, follow_up, style = each
        sampling = ChatSampling(temperature=temperature, max_tokens=2 * longest(style), seed=seed)
        messages = [
            Message("system", one.case.system),
            Message("user", one.case.request),
            Message("assistant", one.answer),
            Message("user", follow_up.request),
        ]
        return "".join(chunk.text for chunk in chat_stream(url, model, messages, sampling, key)).strip()

    def ask(asked: Sequence[AskedNext]) -> Sequence[str]:
        with ThreadPoolExecutor(concurrency) as pool:
            return _heard(pool.map(ask_one, asked), len(asked), on_answers)

    return ask


def longest(style: Style) -> int:
    """Returns a limit in tokens that fits the longest allowed answer and a little more, so that longer ones
    show."""
    return style.max_chars + 24
