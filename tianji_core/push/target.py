"""Where a push goes: hub, address, kind of repository and its name."""

import os
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from tianji_core.addresses import address_problem, on_this_machine, without_credentials
from tianji_core.errors import PushError
from tianji_core.i18n import _
from tianji_core.workspace import Workspace, sendable

Kind = Literal["model", "dataset"]
HUB_TITLES = {"modelscope": "ModelScope", "huggingface": "Hugging Face"}
TOKENS = {"modelscope": "MODELSCOPE_API_TOKEN", "huggingface": "HF_TOKEN"}
"""Hub → environment variable of its access token."""
_ADDRESSES = {"modelscope": "https://www.modelscope.cn", "huggingface": "https://huggingface.co"}
_ENDPOINTS = {"modelscope": "MODELSCOPE_ENDPOINT", "huggingface": "HF_ENDPOINT"}
_REPO = re.compile(r"[A-Za-z0-9][\w.\-]{0,95}/[A-Za-z0-9][\w.\-]{0,95}", re.ASCII)


@dataclass(frozen=True)
class PushTarget:
    """A repository: ``repo`` is ``owner/name`` on the hub at ``endpoint``, an address without final slash."""

    hub: str
    kind: Kind
    repo: str
    endpoint: str

    @property
    def url(self) -> str:
        """The address of the repository's page."""
        folder = {"dataset": "datasets/", "model": "models/" if self.hub == "modelscope" else ""}[self.kind]
        return f"{self.endpoint}/{folder}{self.repo}"


def checked_target(workspace: Workspace, hub: str, kind: Kind, repo: str, endpoint: str = "") -> PushTarget:
    """Returns a checked target. ``endpoint`` '' stands for ``HF_ENDPOINT`` or ``MODELSCOPE_ENDPOINT``, the
    mirror of the settings, or the hub itself.

    Raises:
        PushError: no such hub, another form of name, or an address that is none or that would carry the token
            unencrypted over a network.
    """
    if hub not in HUB_TITLES:
        raise PushError(_("不认识“{hub}”，可以推到 {known}", hub=hub, known=_("、").join(HUB_TITLES)))
    name = repo.strip()
    if not _REPO.fullmatch(name) or name.endswith((".git", ".")) or ".." in name or "--" in name:
        raise PushError(
            _("仓库名“{repo}”应为“账号或组织/名字”，只用字母、数字、点、横线和下划线", repo=name[:200])
        )
    return PushTarget(hub, kind, name, endpoint or _endpoint(workspace, hub))


def _endpoint(workspace: Workspace, hub: str) -> str:
    mirror = workspace.settings().model_mirror if hub == "modelscope" else ""
    address = (os.environ.get(_ENDPOINTS[hub], "").strip() or mirror or _ADDRESSES[hub]).rstrip("/")
    if "://" not in address:
        address = f"https://{address}"
    shown = without_credentials(address)[:200]
    if address_problem(address):
        raise PushError(
            _(
                "{variable} 的地址“{address}”不对，应当像 {example}",
                variable=_ENDPOINTS[hub],
                address=shown,
                example=_ADDRESSES[hub],
            )
        )
    parts = urlsplit(address)
    if parts.scheme == "http" and not on_this_machine(address):
        raise PushError(
            _("{address} 不加密，推送会让令牌明文经过网络；请改用 https:// 的地址", address=shown)
        )
    return address


def token_of(workspace: Workspace, hub: str) -> str:
    """Returns the access token of a hub, from the environment or ``.env``.

    Raises:
        PushError: there is none, or it cannot be sent in a header.
    """
    variable = TOKENS[hub]
    token = workspace.key(variable)
    if not token:
        raise PushError(
            _(
                "没有 {hub} 的令牌：请在它的网站上建一个能写的访问令牌，写进 .env 或环境变量 {variable}",
                hub=HUB_TITLES[hub],
                variable=variable,
            )
        )
    if not sendable(token):
        raise PushError(_("{variable} 的值里有空格、换行或中文，不像令牌，请重新复制一次", variable=variable))
    return token
