"""The catalogue of teachers: ``configs/providers.yaml``, extended and overridden by the workspace's
``providers.yaml``."""

import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.addresses import addresses_problem
from tianji_core.errors import SettingsError, YamlError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.project import CONFIGS
from tianji_core.recipe import explain
from tianji_core.teachers.choice import HIGHEST_PRICE
from tianji_core.teachers.off_peak import OffPeak
from tianji_core.workspace import Workspace
from tianji_core.yaml_reading import read_yaml

BUILT_IN = CONFIGS / "providers.yaml"


TextForm = Literal["", "json_object", "json_schema"]
"""The form of an answer that a server is asked to keep to, as the field ``response_format`` names it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelEntry(_Frozen):
    """One model of a provider. Prices are per million tokens, None where unknown; ``body`` holds request
    fields that this model needs beside the usual ones; ``response_format`` is the form in which it is
    asked for the texts of a plan as JSON, '' for plain text."""

    name: str = Field(min_length=1)
    input_price: float | None = Field(default=None, ge=0, le=HIGHEST_PRICE)
    output_price: float | None = Field(default=None, ge=0, le=HIGHEST_PRICE)
    body: dict[str, Any] = Field(default_factory=dict)
    response_format: TextForm = ""

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Returns what that many tokens cost in the provider's currency; None where a price is unknown."""
        if self.input_price is None or self.output_price is None:
            return None
        return (prompt_tokens * self.input_price + completion_tokens * self.output_price) / 1_000_000

    def at_share(self, share: float) -> "ModelEntry":
        """Returns the model at ``share`` (0-1) of its prices; an unknown one stays unknown."""
        prices = {"input_price": self.input_price, "output_price": self.output_price}
        return self.model_copy(
            update={name: price * share for name, price in prices.items() if price is not None}
        )


class BatchOffer(_Frozen):
    """A provider's interface for batches: files of requests that are answered within a day for less.
    ``endpoint`` is the address that each request names, ``price`` its share of the usual price (0-1)."""

    endpoint: str = Field(default="/v1/chat/completions", pattern=r"^/[\w/.-]+$")
    price: float = Field(default=0.5, ge=0, le=1)


class Provider(_Frozen):
    """A service that offers teachers, and how to reach it. ``key_variable`` names the environment variable of
    the key. ``concurrency`` and the limits per minute are what a run starts from; a person can change them
    for each run. ``sends_finish_reason`` is False for a server that never says why an answer ended: its
    answers count as complete. ``batch`` is None where it takes no batches, ``off_peak`` where it takes the
    same at every hour. ``transcribers`` are its models for recordings, the usual one first; others can be
    named. ``waits`` is for how many seconds a request may wait in the server's queue; it is not given up
    earlier."""

    key: str
    title: str = Field(min_length=1)
    sdk: Literal["composer", "openai", "zhipu"]
    base_url: str = ""
    editable_url: bool = False
    key_variable: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    key_required: bool = True
    currency: Literal["CNY", "USD"] = "CNY"
    prices_checked: datetime.date | None = None
    concurrency: int = Field(default=16, ge=1, le=512)
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=1_000_000_000)
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    sends_finish_reason: bool = True
    waits: float = Field(default=0.0, ge=0, le=3600)
    batch: BatchOffer | None = None
    off_peak: OffPeak | None = None
    transcribers: tuple[str, ...] = ()
    note: str = ""
    models: tuple[ModelEntry, ...] = ()

    @field_validator("base_url")
    @classmethod
    def _address_without_secrets(cls, address: str) -> str:
        if address and (problem := addresses_problem(address)):
            raise ValueError(problem)
        return address

    def model(self, name: str) -> ModelEntry:
        """Returns the model called ``name``; one that is not listed has unknown prices."""
        return next((m for m in self.models if m.name == name), ModelEntry(name=name or "?"))

    @property
    def offline(self) -> bool:
        """Whether it writes on this machine: it needs no key and no address, and costs nothing."""
        return self.sdk == "composer"

    @property
    def can_chat(self) -> bool:
        """Whether it answers any prompt, and so can judge, rate, suggest and read documents. One that cannot
        writes the texts of a plan only."""
        return self.sdk != "composer"

    @property
    def can_transcribe(self) -> bool:
        """Whether recordings may be sent to it: it speaks OpenAI's protocol, though not every server has
        that part of it."""
        return self.sdk == "openai"

    @property
    def needs_key(self) -> bool:
        """Whether nothing works without a key."""
        return self.key_variable is not None and self.key_required


def same_model(one: str, other: str) -> bool:
    """Whether two names are of one model: servers list models/x and x:latest, and answer to x."""
    return _bare(one) == _bare(other)


def _bare(name: str) -> str:
    return name.strip().removeprefix("models/").removesuffix(":latest")


def load_providers(path: Path) -> dict[str, Provider]:
    """Returns every provider of one file, by key.

    Raises:
        SettingsError: unreadable, not YAML, or a provider that is not valid (with file, key and value).
    """
    try:
        value = read_yaml(path)
    except YamlError as error:
        raise SettingsError(str(error)) from error
    if not isinstance(value, dict):
        raise SettingsError(_("{file} 应当是一张“键: 值”的表，每个造数模型一项", file=path))
    return {str(key): _provider(str(key), fields, path) for key, fields in value.items()}


def _provider(key: str, fields: object, path: Path) -> Provider:
    if not isinstance(fields, dict):
        raise SettingsError(_("{file}：{key} 应当是一张“键: 值”的表", file=path, key=key))
    try:
        return Provider.model_validate({**fields, "key": key})
    except ValidationError as error:
        raise SettingsError(
            _("{file}：{key} 的 {detail}", file=path, key=key, detail=explain(error))
        ) from error


@lru_cache(maxsize=16)
def _loaded(path: Path, _modified: int) -> dict[str, Provider]:
    return load_providers(path)


def providers(workspace: Workspace) -> dict[str, Provider]:
    """Returns every provider that can be chosen, by key: the built-in ones, overridden and extended by the
    workspace's file.

    Raises:
        SettingsError: one of the two files is not valid.
    """
    known = dict(_loaded(BUILT_IN, BUILT_IN.stat().st_mtime_ns))
    own = own_providers_path(workspace)
    if own.exists():
        known.update(_loaded(own, own.stat().st_mtime_ns))
    return known


def own_providers_path(workspace: Workspace) -> Path:
    """Returns the path of the workspace's own providers."""
    return workspace.home / "providers.yaml"


def save_provider(workspace: Workspace, changed: Provider) -> None:
    """Saves a provider in the workspace's own file and replaces one with the same key; the others stay.
    Comments in the file are lost.

    Raises:
        SettingsError: the file that is there is not valid.
    """
    path = own_providers_path(workspace)
    own = load_providers(path) if path.exists() else {}
    own[changed.key] = changed
    _write(path, own)


def forget_provider(workspace: Workspace, key: str) -> None:
    """Removes a provider from the workspace's own file; a built-in one is restored.

    Raises:
        SettingsError: the file does not have it, or is not valid.
    """
    path = own_providers_path(workspace)
    own = load_providers(path) if path.exists() else {}
    if own.pop(key, None) is None:
        raise SettingsError(_("工作区的 providers.yaml 里没有“{key}”", key=key))
    _write(path, own)


def _write(path: Path, own: dict[str, Provider]) -> None:
    plain = {
        key: entry.model_dump(mode="json", exclude={"key"}, exclude_defaults=True, by_alias=True)
        for key, entry in own.items()
    }
    for fields, entry in zip(plain.values(), own.values(), strict=True):
        fields.update(title=entry.title, sdk=entry.sdk)
    write_text(path, yaml.safe_dump(plain, allow_unicode=True, sort_keys=False))


def provider(workspace: Workspace, key: str) -> Provider:
    """Returns one provider.

    Raises:
        SettingsError: there is none with this key, or the file is not valid.
    """
    known = providers(workspace)
    if key not in known:
        raise SettingsError(_("没有造数模型“{key}”，可以选的是：{known}", key=key, known=_("、").join(known)))
    return known[key]
