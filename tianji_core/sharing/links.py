"""The links of shared models: each is signed, ends by itself, and can be revoked.

``access/shares.json`` of the workspace (mode 600) says what each link opens, ``access/share.key`` signs. A
token is ``ID.SECONDS.SIGNATURE``: the share, its end in seconds since the epoch, and HMAC-SHA256 over both. A
changed link is thus refused by its signature, a revoked one by the file.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.access.users import access_folder
from tianji_core.errors import InputError, SettingsError
from tianji_core.files import write_json, write_text
from tianji_core.i18n import _
from tianji_core.locks import FileLock
from tianji_core.roles import bookkeeping
from tianji_core.workspace import Workspace

LONGEST_DAYS = 365
MOST_PER_MINUTE = 600
MOST_CHARACTERS = 200
"""Of a title and of a model's name."""
MOST = 500
"""Links that are kept; of those that have ended the oldest goes first."""
_TOKEN = re.compile(r"([0-9a-f]{16})\.([0-9]{1,11})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Share(BaseModel):
    """What one link opens. ``model`` is the name under which a server answers, ``service`` the address of a
    server of another program ('' for one of the studio's); ``per_minute`` bounds the questions of all who
    have the link; ``keep`` says that questions and answers are stored; with ``login`` a visitor also needs an
    account."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern="^[0-9a-f]{16}$")
    model: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    recipe: str = Field(min_length=1, max_length=MOST_CHARACTERS)
    title: str = Field(default="", max_length=MOST_CHARACTERS)
    service: str = Field(default="", max_length=2000)
    per_minute: int = Field(default=10, ge=1, le=MOST_PER_MINUTE)
    keep: bool = False
    login: bool = False
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def open(self, now: datetime | None = None) -> bool:
        """Returns whether the link still leads anywhere."""
        return self.revoked_at is None and (now or datetime.now(UTC)) < self.expires_at


class Shares:
    """The links of a workspace. Every call reads the file, so that a revocation counts at once, also that by
    another process."""

    def __init__(self, workspace: Workspace) -> None:
        folder = access_folder(workspace)
        self._path, self._key = folder / "shares.json", folder / "share.key"

    def listed(self) -> list[Share]:
        """Returns all links, the newest first.

        Raises:
            SettingsError: the file is damaged.
        """
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            found = [Share.model_validate(entry) for entry in stored]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(_("分享的记录 {file} 坏了，请修好或删掉它", file=self._path)) from error
        return sorted(found, key=lambda share: share.created_at, reverse=True)

    def add(
        self,
        model: str,
        recipe: str,
        days: float,
        *,
        title: str = "",
        service: str = "",
        per_minute: int = 10,
        keep: bool = False,
        login: bool = False,
    ) -> Share:
        """Stores a new link that ends after ``days`` and returns it.

        Raises:
            InputError: a value is out of its bounds. SettingsError: the file is damaged.
        """
        if not 0 < days <= LONGEST_DAYS:
            raise InputError(_("分享的天数要大于 0、不超过 {most}", most=LONGEST_DAYS))
        now = datetime.now(UTC).replace(microsecond=0)
        try:
            share = Share(
                id=secrets.token_hex(8),
                model=model,
                recipe=recipe,
                title=" ".join(title.split()),
                service=service,
                per_minute=per_minute,
                keep=keep,
                login=login,
                created_at=now,
                expires_at=now + max(timedelta(seconds=1), timedelta(days=days)),
            )
        except ValidationError as error:
            field = str(error.errors(include_url=False)[0]["loc"][0])
            raise InputError(
                _("分享的“{field}”填得不对：名字和标题不超过 {n} 个字", field=field, n=MOST_CHARACTERS)
            ) from error
        with self._changing() as shares:
            shares.append(share)
        return share

    def revoke(self, share_id: str) -> Share:
        """Ends a link at once; open answers break off.

        Raises:
            InputError: there is no such link. SettingsError: the file is damaged.
        """
        with self._changing() as shares:
            for at, share in enumerate(shares):
                if share.id == share_id:
                    shares[at] = share.model_copy(
                        update={"revoked_at": share.revoked_at or datetime.now(UTC)}
                    )
                    return shares[at]
        raise InputError(_("没有编号是 {id} 的分享", id=share_id[:40]))

    def token(self, share: Share) -> str:
        """Returns the secret part of the link."""
        end = int(share.expires_at.timestamp())
        return f"{share.id}.{end}.{self._signature(share.id, end)}"

    def path(self, share: Share) -> str:
        """Returns the path of the link below the studio's address."""
        return f"/share/{self.token(share)}"

    def find(self, token: str) -> Share | None:
        """Returns what a token opens; None where it was forged, has expired or is revoked.

        Raises:
            SettingsError: the file is damaged.
        """
        parts = _TOKEN.fullmatch(token) if len(token) < 100 else None
        if parts is None or not self._key.is_file():
            return None
        if not hmac.compare_digest(parts[3], self._signature(parts[1], int(parts[2]))):
            return None
        share = next((share for share in self.listed() if share.id == parts[1]), None)
        if share is None or int(share.expires_at.timestamp()) != int(parts[2]) or not share.open():
            return None
        return share

    def _signature(self, share_id: str, end: int) -> str:
        signed = hmac.new(self._secret(), f"share {share_id} {end}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def _secret(self) -> bytes:
        try:
            secret = bytes.fromhex(self._key.read_text(encoding="ascii").strip())
            if len(secret) == 32:
                return secret
        except FileNotFoundError:
            with FileLock(self._key.with_suffix(".lock")):
                if not self._key.is_file():
                    with bookkeeping():
                        write_text(self._key, secrets.token_hex(32))
            return self._secret()
        except (OSError, ValueError):
            pass
        raise SettingsError(_("分享的密钥 {file} 坏了；删掉它会得到新的，旧链接随之失效", file=self._key))

    @contextmanager
    def _changing(self) -> Iterator[list[Share]]:
        """Holds the links for a change and stores them at the end of the block."""
        with FileLock(self._path.with_suffix(".lock")):
            shares = self.listed()
            yield shares
            now = datetime.now(UTC)
            shares.sort(key=lambda share: (share.open(now), share.created_at))
            kept = shares[-MOST:]
            write_json(self._path, [share.model_dump(mode="json") for share in kept])
