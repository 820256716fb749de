"""The hours of a day in which a provider takes less."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tianji_core.i18n import _

DAY = 24 * 60
"""Minutes."""
_WRITTEN = re.compile("([0-9]{1,2}):([0-9]{2})")
_LONGEST_SEARCH = 4 * DAY
"""Minutes; a zone that moves over the date line may leave out a day."""


def _time_of_day(value: object) -> str:
    """Returns a time of the day as HH:MM. YAML reads 22:00 without quotes as a number of minutes.

    Raises:
        ValueError: it is none.
    """
    minutes = value if isinstance(value, int) and not isinstance(value, bool) else _read(str(value))
    if not 0 <= minutes <= DAY:
        raise ValueError(_("应当是一天里的时间，例如 00:30 或 22:00"))
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def _read(text: str) -> int:
    found = _WRITTEN.fullmatch(text.strip().replace("：", ":"))
    if found is None or int(found[2]) >= 60:
        return -1
    return int(found[1]) * 60 + int(found[2])


@lru_cache(maxsize=64)
def _minutes(written: str) -> int:
    return _read(written)


TimeOfDay = Annotated[str, BeforeValidator(_time_of_day)]


class OffPeak(BaseModel):
    """The off-peak hours of a provider: every day ``from`` a time ``to`` another, which may be on the next
    day, by the clocks of ``zone``; ``price`` is the share (0-1) of the usual price that it takes then."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    begins: TimeOfDay = Field(alias="from")
    ends: TimeOfDay = Field(alias="to")
    zone: str
    price: float = Field(ge=0, le=1)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone.strip()).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(_("没有这个时区，应当像 Asia/Shanghai 这样写")) from error

    @model_validator(mode="after")
    def _some_hours(self) -> Self:
        if self.begins == self.ends:
            raise ValueError(_("开始和结束不能是同一个时间"))
        return self

    @property
    def words(self) -> str:
        """The hours as a person reads them: 00:30–08:30 Asia/Shanghai."""
        return f"{self.begins}–{self.ends} {self.zone}"

    def covers(self, moment: datetime) -> bool:
        """Whether a moment, given with its zone, is in these hours: the end is not."""
        local = moment.astimezone(ZoneInfo(self.zone))
        minute, first, last = local.hour * 60 + local.minute, _minutes(self.begins), _minutes(self.ends)
        return first <= minute < last if first < last else minute >= first or minute < last

    def next_begin(self, moment: datetime) -> datetime:
        """Returns the first moment from this one on that is in these hours, in their zone."""
        return self._next(moment, True).astimezone(ZoneInfo(self.zone))

    def lasting(self, moment: datetime, seconds: float) -> float:
        """Returns how many seconds work takes that begins at ``moment``, needs so many seconds, and rests
        outside these hours."""
        each = (_minutes(self.ends) - _minutes(self.begins)) % DAY * 60
        days = max(0, -int(-seconds // each) - 1)  # a whole day for each span that is filled
        left, at = seconds - days * each, self._next(moment, True)
        end = self._next(at, False)
        if (end - at).total_seconds() < left:  # the first span has begun already
            left -= (end - at).total_seconds()
            at = self._next(end, True)
        return days * DAY * 60 + left + (at - moment.astimezone(UTC)).total_seconds()

    def _next(self, moment: datetime, covered: bool) -> datetime:
        """Returns the first moment from this one on, in UTC, at which :meth:`covers` is ``covered``. It is
        looked for minute by minute, so that clocks may be put forward or back in between."""
        at = moment.astimezone(UTC)
        for _number in range(_LONGEST_SEARCH):
            if self.covers(at) is covered:
                break
            at = at.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return at
