"""Fields that the payloads of several services share, with the limits that keep them storable."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AllowInfNan,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from servicekit.bodies import at_most
from servicekit.inputs import Input

_COUNTRY_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
_REFUSED = frozenset({"CU", "IR", "KP", "RU", "SY"})
"""Countries that Polar does not take on input."""
COUNTRIES = frozenset(_COUNTRY_CODES.split()) - _REFUSED
"""Countries that an address may have (ISO 3166-1 alpha-2)."""
_US = """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH
    OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI UM AA AE AP
"""
_CA = "AB BC MB NB NL NS NT NU ON PE QC SK YT"
STATES = {
    "US": frozenset(_US.split()),
    "CA": frozenset(_CA.split()),
}

INT8 = 2**63 - 1


def _country(value: str) -> str:
    value = value.upper()
    if value not in COUNTRIES:
        raise ValueError("is not a country that is served (ISO 3166-1 alpha-2)")
    return value


_Key = Annotated[str, StringConstraints(min_length=1, max_length=40)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_Whole = Annotated[int, Field(strict=True, ge=-INT8, le=INT8)]
_Number = Annotated[float, AllowInfNan(False), Field(strict=True)]
_Truth = Annotated[bool, Field(strict=True)]
MetadataInput = Annotated[dict[_Key, _Text | _Truth | _Whole | _Number], at_most(50)]
"""The merchant's key-values: at most 50 keys of 1 to 40 characters; strings of 1 to 500 (Polar's limits)."""


def no_number(value: Any) -> Any:
    """Refuses a number for an instant: nobody says whether it counts seconds or milliseconds."""
    if isinstance(value, int | float) or (isinstance(value, str) and value.strip("+- ").replace(".", "", 1).isdigit()):
        raise ValueError("should be an instant like 2026-01-31T12:00:00Z")
    return value


_PART = r"""[^@\s\x00-\x1f\x7f"<>(),;:\\\[\]]+"""
_ADDRESS = rf"""^{_PART}@{_PART}\.[^@\s.\x00-\x1f\x7f"<>(),;:\\\[\]]{{2,}}$"""


def _of_one_case(value: str) -> str:
    """Refuses letters that the database compares as equal to other letters: the Kelvin sign and k, the dotted I and i.

    CITEXT compares lower case. A letter is taken where it is lower case, or the only upper case of it.
    """
    strange = [letter for letter in value if letter.lower() != letter and letter.lower().upper() != letter]
    if strange:
        raise ValueError(f"the letter {strange[0]} is taken for another one; write that one")
    return value


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=_ADDRESS),
    AfterValidator(_of_one_case),
]
"""An address that a header can hold: without spaces, control characters, brackets and quotes, and one mailbox's."""
InstantInput = Annotated[AwareDatetime, BeforeValidator(no_number)]
"""RFC 3339 with its offset; a bare number, of which nobody knows the unit, is not an instant."""
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=255, pattern=r"^[^\x00-\x1f\x7f\x85\u2028\u2029]*$")
]
"""A name or title: one line, without control characters, since it stands in subjects and headers."""
Country = Annotated[str, AfterValidator(_country)]


class AddressInput(Input):
    """A billing address. The state of a US or CA address may be given as `CA` or `US-CA`, and is kept as the latter."""

    country: Country
    line1: Line | None = None
    line2: Line | None = None
    postal_code: Annotated[str, StringConstraints(max_length=20)] | None = None
    city: Line | None = None
    state: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] | None = None

    @model_validator(mode="after")
    def _prefixed_state(self) -> "AddressInput":
        known = STATES.get(self.country)
        if known is None or not self.state:
            return self
        bare = self.state.upper().removeprefix(f"{self.country}-")
        if bare not in known:
            raise ValueError(f"state is not one of {self.country}")
        self.state = f"{self.country}-{bare}"
        return self
