"""The fields of a provider's off-peak hours."""

import streamlit as st

from pages.shared.kept import kept_number, kept_text
from tianji_core.i18n import _
from tianji_core.teachers import Provider

OFF_PEAK_FIELDS = ("cheap_from", "cheap_to", "cheap_zone", "cheap_price")
"""The fields, as the keys of their widgets name them between 'own_' and the provider's key."""
_ZONE = "Asia/Shanghai"


def off_peak_fields(chosen: Provider) -> dict[str, object] | None:
    """Draws the hours in which a provider takes less and the share of its price then; returns what is typed,
    None where there are no such hours."""
    saved = chosen.off_peak
    begins, ends, zone, price = (f"own_{field}_{chosen.key}" for field in OFF_PEAK_FIELDS)
    first, second = st.columns(2)
    earliest, latest = (saved.begins, saved.ends) if saved is not None else ("", "")
    since = first.text_input(
        _("优惠时段从"),
        earliest,
        **kept_text(begins, earliest),
        placeholder="00:30",
        help=_("供应商每天在哪几个钟点收得少；可以跨过半夜，例如从 22:00 到 8:00。两格都空着表示没有。"),
    )
    until = second.text_input(_("优惠时段到"), latest, **kept_text(ends, latest), placeholder="08:30")
    where = saved.zone if saved is not None else _ZONE
    share = saved.price if saved is not None else 0.5
    third, fourth = st.columns(2)
    place = third.text_input(_("按哪里的钟点"), where, **kept_text(zone, where), placeholder=_ZONE)
    part = fourth.number_input(
        _("那时价格的倍数"),
        0.0,
        1.0,
        share,
        0.05,
        **kept_number(price, 0.0, 1.0, share),
        help=_("那时的价格是平时的几倍：0.5 是半价，0 是不要钱。"),
    )
    if not since.strip() and not until.strip():
        return None
    return {"from": since, "to": until, "zone": place, "price": part}
