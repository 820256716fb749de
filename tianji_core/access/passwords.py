"""Hashes of passwords: scrypt with a salt of its own for each (RFC 7914)."""

import base64
import hashlib
import hmac
import secrets

from tianji_core.errors import LoginError
from tianji_core.i18n import _

SHORTEST, LONGEST = 8, 200
"""Characters of a password; eight is the least of NIST SP 800-63B."""
_LOG2_N, _R, _P = 15, 8, 3
"""Cost of a hash: 32 MiB of memory, OWASP's setting for that amount."""
_SALT_BYTES, _HASH_BYTES = 16, 32


def hash_password(password: str) -> str:
    """Returns ``scrypt$log2 N$r$p$salt$hash`` for a new password.

    Raises:
        LoginError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise LoginError(_("密码应当有 {shortest} 到 {longest} 个字符", shortest=SHORTEST, longest=LONGEST))
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _scrypt(password, salt, _LOG2_N, _R, _P)
    return "$".join(("scrypt", str(_LOG2_N), str(_R), str(_P), _text(salt), _text(digest)))


def password_fits(password: str, stored: str) -> bool:
    """Returns whether ``password`` is the one behind a stored hash; '' fits none. Takes as long for a user
    without a password as for a wrong password."""
    scheme, *parts = (stored or _NO_PASSWORD).split("$")
    if scheme != "scrypt" or len(parts) != 5 or len(password) > LONGEST:
        return False
    log2_n, r, p = (int(part) for part in parts[:3])
    salt, expected = (base64.b64decode(part) for part in parts[3:])
    same = hmac.compare_digest(_scrypt(password, salt, log2_n, r, p), expected)
    return same and bool(stored)


def _scrypt(password: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    n = 1 << log2_n
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=n,
        r=r,
        p=p,
        maxmem=128 * n * r * 2,
        dklen=_HASH_BYTES,
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


_NO_PASSWORD = "$".join(("scrypt", str(_LOG2_N), str(_R), str(_P), _text(bytes(16)), _text(bytes(32))))
