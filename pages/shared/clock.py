"""Times of the database, which are UTC, in the zone of the person's browser."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

DAY_AND_MINUTE = "%m-%d %H:%M"
MINUTE = "%Y-%m-%d %H:%M"
SECOND = "%Y-%m-%d %H:%M:%S"


def local(moment: datetime, zone: str | None = None) -> datetime:
    """A UTC time in ``zone`` (default: the browser's), or the server's where the browser tells none."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(ZoneInfo(zone or st.context.timezone or ""))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return moment.astimezone()


def local_time(moment: datetime, form: str = DAY_AND_MINUTE) -> str:
    """:func:`local` as text."""
    return local(moment).strftime(form)
