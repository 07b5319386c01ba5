"""Until when a consumer may withdraw.

Fourteen days from the day on which the contract was concluded (Directive 2011/83/EU, art. 9(2)); that day itself is not
counted, and the period ends with the last hour of its last day, or of the next working day where that is a Saturday or
a Sunday (Regulation 1182/71, art. 3, by recital 41 of the directive). Public holidays are not known here.

Days are those of the buyer's country; where it has several time zones, or is not known, the buyer has the longest.
"""

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

DAYS = 14
_SATURDAY = 5
_FIRST, _LAST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
"""Where a day begins first on earth, and where it ends last."""
_ZONES = {
    "AT": "Europe/Vienna", "AX": "Europe/Mariehamn", "BE": "Europe/Brussels", "BG": "Europe/Sofia",
    "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GB": "Europe/London",
    "GF": "America/Cayenne", "GP": "America/Guadeloupe", "GR": "Europe/Athens", "HR": "Europe/Zagreb",
    "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome",
    "LI": "Europe/Vaduz", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga",
    "MF": "America/Marigot", "MQ": "America/Martinique", "MT": "Europe/Malta", "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo", "PL": "Europe/Warsaw", "RE": "Indian/Reunion", "RO": "Europe/Bucharest",
    "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "YT": "Indian/Mayotte",
}  # fmt: skip
_SEVERAL = {"ES": ("Europe/Madrid", "Atlantic/Canary"), "PT": ("Europe/Lisbon", "Atlantic/Azores")}
"""The zones in which a day begins first and ends last."""


def ends_at(concluded_at: datetime, country: str | None) -> datetime:
    """The instant in UTC before which the withdrawal must be declared; `country` is the buyer's."""
    first, last = _zones(country)
    day = concluded_at.astimezone(first).date() + timedelta(days=DAYS)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day + timedelta(days=1), time(0), last).astimezone(UTC)


def _zones(country: str | None) -> tuple[tzinfo, tzinfo]:
    if country in _SEVERAL:
        first, last = _SEVERAL[country]
        return ZoneInfo(first), ZoneInfo(last)
    if country in _ZONES:
        zone = ZoneInfo(_ZONES[country])
        return zone, zone
    return _FIRST, _LAST
