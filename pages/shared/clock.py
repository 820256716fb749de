"""Times of the database, which are UTC, in the zone of the settings or else that of the person's browser."""

from datetime import UTC, date, datetime, time, tzinfo
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
    return moment.astimezone(zone_of_reader(zone))


def zone_of_reader(zone: str | None = None) -> tzinfo | None:
    """The zone of :func:`local`; None stands for the server's."""
    try:
        return ZoneInfo(zone or _chosen() or st.context.timezone or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def first_moment(day: date, zone: str | None = None) -> str:
    """When a day begins for the reader, in ISO form with its offset."""
    begins = datetime.combine(day, time.min, zone_of_reader(zone))
    return (begins if begins.tzinfo else begins.astimezone()).isoformat()


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
