"""Makes the teacher of a choice, with its key from the environment or ``.env``."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tianji_core.addresses import each_address
from tianji_core.errors import SettingsError, TeacherAuthError, TeacherError, UnknownModelError
from tianji_core.i18n import _
from tianji_core.teachers.base import ChatTeacher, Teacher
from tianji_core.teachers.batches import BatchServer, openai_batches, zhipu_batches
from tianji_core.teachers.choice import TeacherChoice
from tianji_core.teachers.faults import Endpoint, missing_key
from tianji_core.teachers.providers import ModelEntry, Provider, provider
from tianji_core.workspace import Workspace, sendable

if TYPE_CHECKING:
    from tianji_core.teachers.openai_compatible import OpenAICompatible

CHECK_SECONDS = 15.0


@dataclass(frozen=True)
class KeyState:
    """Whether a provider's key is set. ``variable`` is None where no key is used."""

    variable: str | None
    present: bool
    required: bool

    @property
    def missing(self) -> bool:
        """Whether the provider cannot be used until the key is set."""
        return self.required and not self.present


@dataclass(frozen=True)
class ConnectionReport:
    """The result of testing a connection: ``message`` in one sentence; ``models`` that the server lists."""

    ok: bool
    message: str
    models: list[str] = field(default_factory=list)


def key_state(workspace: Workspace, source: Provider) -> KeyState:
    """Returns whether the key of a provider is set."""
    if source.key_variable is None:
        return KeyState(None, present=True, required=False)
    return KeyState(source.key_variable, bool(workspace.key(source.key_variable)), source.needs_key)


def key_variables(workspace: Workspace, choices: Iterable[TeacherChoice]) -> tuple[str, ...]:
    """Returns the names of the variables with the keys of these teachers.

    Raises:
        SettingsError: no such provider.
    """
    variables = [provider(workspace, choice.provider).key_variable for choice in choices]
    return tuple(sorted({variable for variable in variables if variable is not None}))


def resolved_model(source: Provider, choice: TeacherChoice) -> str:
    """Returns the model name of a choice, or of the provider's first model; '' where it has none."""
    return choice.model.strip() or (source.models[0].name if source.models else "")


def price_of(source: Provider, choice: TeacherChoice, batch: bool = False) -> ModelEntry:
    """Returns the model of a choice with its prices: those of the choice, else those of the catalogue; with
    ``batch`` what the provider takes for them in a batch."""
    entry = source.model(resolved_model(source, choice))
    prices = {"input_price": choice.input_price, "output_price": choice.output_price}
    full = entry.model_copy(update={name: value for name, value in prices.items() if value is not None})
    return full.at_share(source.batch.price) if batch and source.batch is not None else full


def checked_choice(workspace: Workspace, choice: TeacherChoice, any_model: bool = False) -> Provider:
    """Returns the provider of a choice after every check that needs no request; with ``any_model`` the name
    of the model may be missing.

    Raises:
        SettingsError: no such provider, no model or no address.
        TeacherAuthError: the key is missing; the message names the variable.
    """
    chosen = provider(workspace, choice.provider)
    if chosen.offline:
        return chosen
    if not any_model and not resolved_model(chosen, choice):
        raise SettingsError(_("请填写 {title} 的模型名", title=_(chosen.title)))
    if not (choice.base_url or chosen.base_url):
        raise SettingsError(
            _("请填写 {title} 的接口地址，例如 http://127.0.0.1:8000/v1", title=_(chosen.title))
        )
    if key_state(workspace, chosen).missing:
        raise missing_key(_endpoint(workspace, chosen, choice))
    endpoint = _endpoint(workspace, chosen, choice)
    if endpoint.secret and not sendable(endpoint.secret):
        raise TeacherAuthError(
            _(
                "{title} 的密钥 {variable} 里有空格、换行或中文，请在设置页重新填写",
                title=endpoint.title,
                variable=endpoint.key_variable,
            )
        )
    return chosen


def _endpoint(workspace: Workspace, source: Provider, choice: TeacherChoice) -> Endpoint:
    return Endpoint(
        title=_(source.title),
        base_url=",".join(each_address(choice.base_url or source.base_url)),
        model=resolved_model(source, choice),
        key_variable=source.key_variable,
        timeout=max(choice.timeout, source.waits),
        secret=(workspace.key(source.key_variable) or "") if source.key_variable else "",
        sends_finish_reason=source.sends_finish_reason,
    )


def request_identity(workspace: Workspace, choice: TeacherChoice) -> dict[str, Any]:
    """Returns all but the messages and the sampling parameters that decides how a choice answers: addresses,
    model and the model's own fields, never a key.

    Raises:
        SettingsError: no such provider.
    """
    source = provider(workspace, choice.provider)
    model = resolved_model(source, choice)
    entry = source.model(model)
    addresses = sorted(each_address(choice.base_url or source.base_url))
    return {"addresses": addresses, "model": model, "body": entry.body, "form": entry.response_format}


def make_teacher(workspace: Workspace, choice: TeacherChoice, any_model: bool = False) -> Teacher:
    """Returns the teacher of a choice, ready to answer; nothing is sent yet. With ``any_model`` the name of
    the model may be missing: such a teacher can only be checked.

    Raises:
        SettingsError, TeacherAuthError: as :func:`checked_choice`.
    """
    chosen = checked_choice(workspace, choice, any_model)
    if chosen.sdk == "composer":
        from tianji_core.teachers.composer import Composer

        return Composer(mistakes=choice.mistakes)
    endpoint = _endpoint(workspace, chosen, choice)
    if any_model:  # a check waits in no queue
        endpoint = replace(endpoint, timeout=choice.timeout)
    addresses = each_address(endpoint.base_url)
    if len(addresses) > 1:
        from tianji_core.teachers.several_addresses import SeveralAddresses

        return SeveralAddresses(
            addresses, [_teacher_at(chosen, replace(endpoint, base_url=each)) for each in addresses]
        )
    return _teacher_at(chosen, endpoint)


def _teacher_at(chosen: Provider, endpoint: Endpoint) -> ChatTeacher:
    """Returns the teacher behind one address."""
    entry = chosen.model(endpoint.model)
    if chosen.sdk == "zhipu":
        from tianji_core.teachers.zhipu import Zhipu

        return Zhipu(endpoint, entry)
    from tianji_core.teachers.openai_compatible import OpenAICompatible

    return OpenAICompatible(endpoint, entry, chosen.max_tokens_field)


def transcription_server(workspace: Workspace, choice: TeacherChoice) -> Endpoint:
    """Returns the server that recordings are sent to by a choice, after every check that needs no request.
    Of several addresses it is the first; a choice without a model takes the provider's usual one.

    Raises:
        SettingsError: no such provider, one that takes no recordings, no model or no address.
        TeacherAuthError: the key is missing.
    """
    chosen = provider(workspace, choice.provider)
    title = _(chosen.title)
    if not chosen.can_transcribe:
        raise SettingsError(_("{title} 不转写录音，请换一个 OpenAI 兼容的接口", title=title))
    model = choice.model.strip() or next(iter(chosen.transcribers), "")
    if not model:
        raise SettingsError(_("请填写 {title} 用来转写录音的模型名，例如 whisper-1", title=title))
    named = choice.model_copy(update={"model": model})
    checked_choice(workspace, named)
    endpoint = _endpoint(workspace, chosen, named)
    return replace(endpoint, base_url=each_address(endpoint.base_url)[0])


def make_transcriber(workspace: Workspace, choice: TeacherChoice) -> "OpenAICompatible":
    """Returns the client of a choice for recordings; nothing is sent yet. Errors as
    :func:`transcription_server`."""
    from tianji_core.teachers.openai_compatible import OpenAICompatible

    endpoint = transcription_server(workspace, choice)
    return OpenAICompatible(endpoint, ModelEntry(name=endpoint.model))


def make_batch_server(workspace: Workspace, choice: TeacherChoice) -> BatchServer:
    """Returns the batches of a choice's account; nothing is sent yet.

    Raises:
        SettingsError: the provider takes no batches, or as :func:`checked_choice`.
        TeacherAuthError: as :func:`checked_choice`.
    """
    chosen = checked_choice(workspace, choice)
    endpoint = _endpoint(workspace, chosen, choice)
    if chosen.batch is None or len(each_address(endpoint.base_url)) > 1:
        raise SettingsError(_("{title} 没有批量接口，请关掉“批量”再开始", title=_(chosen.title)))
    make = zhipu_batches if chosen.sdk == "zhipu" else openai_batches
    return make(endpoint, chosen.batch.endpoint)


async def test_connection(workspace: Workspace, choice: TeacherChoice) -> ConnectionReport:
    """Tests a choice, which need not name a model: lists the models where the server can, and asks a model
    that is not listed for a few tokens. Never raises a TeacherError; the report says what is wrong."""
    short = choice.model_copy(update={"timeout": min(choice.timeout, CHECK_SECONDS)})
    try:
        teacher = make_teacher(workspace, short, any_model=True)
    except (TeacherError, SettingsError) as error:
        return ConnectionReport(False, str(error))
    if not isinstance(teacher, ChatTeacher):
        return ConnectionReport(True, _("离线造句随时可用，不用联网"))
    try:
        models = await teacher.check()
    except UnknownModelError as error:
        return ConnectionReport(False, str(error), error.models)
    except TeacherError as error:
        return ConnectionReport(False, str(error))
    finally:
        await teacher.aclose()
    if not models and not resolved_model(provider(workspace, choice.provider), choice):
        return ConnectionReport(True, _("连上了，但服务器没有列出模型；填写模型名之后再测一次"))
    if models:
        return ConnectionReport(True, _("连接正常，服务器列出 {n} 个模型", n=len(models)), models)
    return ConnectionReport(True, _("连接正常，模型有回答"))


test_connection.__test__ = False  # type: ignore[attr-defined]  # pytest collects functions by this name
