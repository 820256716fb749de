"""Times are shown in the zone of the person who reads them."""

from datetime import datetime

from pages.shared.clock import SECOND, local, local_time


def test_a_time_of_the_database_is_shown_in_the_readers_zone() -> None:
    moment = datetime(2026, 1, 31, 23, 30)
    assert f"{local(moment, 'Asia/Shanghai'):%m-%d %H:%M}" == "02-01 07:30"
    assert f"{local(moment, 'America/New_York'):%m-%d %H:%M}" == "01-31 18:30"


def test_a_zone_that_is_not_known_leaves_the_servers() -> None:
    moment = datetime(2026, 1, 31, 23, 30)
    assert local(moment, "Nowhere/At-All") == local(moment, "../etc/passwd")
    assert len(local_time(moment, SECOND)) == len("2026-01-31 23:30:00")
