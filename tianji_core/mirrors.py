"""Addresses that a person names to be tried in turn: an environment variable, or a line of ``.env`` in the
folder of the project, with addresses separated by commas or blanks. Needs Python's standard library only."""

import os
import re
import urllib.error
import urllib.request

from tianji_core.addresses import address_problem, without_credentials
from tianji_core.errors import SettingsError
from tianji_core.i18n import _
from tianji_core.project import PROJECT

MODELSCOPE_MIRRORS = "TIANJI_MODELSCOPE_MIRRORS"
"""The variable with addresses that are tried before ModelScope itself."""
PATIENCE = 8.0
"""Seconds after which an address counts as not answering."""


def addresses(variable: str) -> list[str]:
    """Returns the addresses in a variable without their final slashes; [] where it is not set.

    Raises:
        SettingsError: one is no http or file address.
    """
    found = [text.rstrip("/") for text in re.split(r"[,\s]+", _value(variable)) if text]
    for text in found:
        if not re.match(r"https?://[^/@\s]*@|file:///", text) and (problem := address_problem(text)):
            raise SettingsError(
                _("{variable} 里的 {address} 用不了：{problem}", variable=variable,
                  address=without_credentials(text), problem=problem)
            )  # fmt: skip
    return found


def first_answering(variable: str, otherwise: str) -> str:
    """Returns the first of the addresses in a variable that answers at all, ``otherwise`` where none does;
    prints a line for each that does not.

    Raises:
        SettingsError: one is no http address.
    """
    for address in addresses(variable):
        try:
            urllib.request.urlopen(address, timeout=PATIENCE).close()
        except urllib.error.HTTPError:  # an answer, too
            return address
        except (OSError, ValueError) as error:
            shown = without_credentials(address)
            print(_("连不上 {address}（{detail}），改用下一个", address=shown, detail=error), flush=True)
        else:
            return address
    return otherwise


def _value(variable: str) -> str:
    if value := os.environ.get(variable, "").strip():
        return value
    try:
        lines = (PROJECT / ".env").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    for line in lines:
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and name.strip() == variable:
            return value.strip().strip("\"'")
    return ""
