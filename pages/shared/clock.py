"""Times of the database, which are UTC, in the zone of the settings or else that of the person's browser."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import streamlit as st

from pages.shared.frame import current_workspace
from tianji_core.errors import StudioError

DAY_AND_MINUTE = "%m-%d %H:%M"
MINUTE = "%Y-%m-%d %H:%M"
SECOND = "%Y-%m-%d %H:%M:%S"


def local(moment: datetime, zone: str | None = None) -> datetime:
    """A UTC time in ``zone`` (default: that of the settings, else the browser's), or the server's where the
    browser tells none."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(ZoneInfo(zone or _chosen() or st.context.timezone or ""))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return moment.astimezone()


@cache
def zones() -> list[str]:
    """The names of the time zones that can be chosen, by region."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))


def _chosen() -> str:
    try:
        return current_workspace().settings().zone
    except StudioError:
        return ""


def local_time(moment: datetime, form: str = DAY_AND_MINUTE) -> str:
    """:func:`local` as text."""
    return local(moment).strftime(form)
