"""The settings of the single sign-on: an OpenID Connect provider in ``access/oidc.toml`` of the workspace, in
the form that Streamlit's ``st.login`` documents for its secrets::

    [auth]
    redirect_uri = "https://studio.example.com/oauth2callback"
    client_id = "…"
    client_secret = "…"
    server_metadata_url = "https://login.example.com/.well-known/openid-configuration"
"""

import secrets
import stat
import tomllib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.access.hosts import AllowedHosts, is_loopback, origin_authority
from tianji_core.access.users import access_folder
from tianji_core.errors import SettingsError
from tianji_core.i18n import _
from tianji_core.workspace import Workspace

CALLBACK_PATH = "/oauth2callback"
"""Where the provider sends a person back to."""
FILE_NAME = "oidc.toml"
_MOST_BYTES = 64 * 1024


class SignOnSettings(BaseModel):
    """The provider and what it knows the studio by. ``trust_email`` accepts addresses that the provider does
    not mark as verified; it is for a provider that hands the addresses out itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    redirect_uri: str
    client_id: str = Field(min_length=1)
    client_secret: str = Field(min_length=1)
    server_metadata_url: str
    client_kwargs: dict[str, str] = {}
    cookie_secret: str = Field(default_factory=lambda: secrets.token_urlsafe(32), min_length=32)
    trust_email: bool = False

    @field_validator("redirect_uri", "server_metadata_url")
    @classmethod
    def _encrypted(cls, address: str) -> str:
        parts = urlsplit(address)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise ValueError("https://")
        return address

    @field_validator("redirect_uri")
    @classmethod
    def _leads_back(cls, address: str) -> str:
        if urlsplit(address).query or not address.endswith(CALLBACK_PATH):
            raise ValueError(f"…{CALLBACK_PATH}")
        return address

    def as_secrets(self) -> dict[str, Any]:
        """Returns the section ``auth`` of Streamlit's secrets."""
        return {"auth": self.model_dump(exclude={"trust_email"})}


def sign_on_settings(workspace: Workspace, hosts: AllowedHosts) -> SignOnSettings | None:
    """Returns the settings, or None where the workspace has no single sign-on.

    Raises:
        SettingsError: the file cannot be read, others than its owner may read it, a value is missing or
            wrong, or the studio does not answer to the name in ``redirect_uri``.
    """
    path = access_folder(workspace) / FILE_NAME
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise SettingsError(_("别人也能读 {file}，里面有密钥；请先执行 chmod 600 {file}", file=path))
            settings = _parsed(file.read(_MOST_BYTES).decode("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        detail = _first_reason(error) if isinstance(error, ValidationError) else type(error).__name__
        raise SettingsError(
            _("单点登录的设置 {file} 不对：{detail}；写法见 README", file=path, detail=detail)
        ) from None
    asked = urlsplit(settings.redirect_uri)
    origin = origin_authority(f"{asked.scheme}://{asked.netloc}")
    if origin is None or origin not in hosts:
        raise SettingsError(
            _(
                "{file} 里的 redirect_uri 指向 {host}，工坊不接受这个名字；启动时加上 --allow-host {host}",
                file=path,
                host=asked.netloc[:100],
            )
        )
    return settings


def verified_email(claims: Mapping[str, Any], trust_email: bool) -> str:
    """Returns the e-mail address in the claims of an identity token in lower case, or '' where there is none
    that the provider vouches for. Only ASCII: a look-alike of an address is another address."""
    email, verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(email, str) or not email.isascii() or not email.isprintable() or "@" not in email:
        return ""
    if verified is True or verified == "true" or (trust_email and verified is None):
        return email.lower()
    return ""


def _parsed(text: str) -> SignOnSettings:
    return SignOnSettings.model_validate(tomllib.loads(text).get("auth", {}))


def _first_reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"auth.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
