"""What limits count by: an address, and a setting that names only what there is."""

import pytest
from pydantic import ValidationError
from servicekit.addresses import HOLDING, counted
from servicekit.attempts import Rate


@pytest.mark.parametrize(
    ("given", "site", "holding"),
    [
        ("81.2.69.142", "81.2.69.142", "81.2.69.142"),
        ("::ffff:81.2.69.142", "81.2.69.142", "81.2.69.142"),
        ("2a00:1450:4001:81b::200e", "2a00:1450:4001:81b::/64", "2a00:1450:4001::/48"),
        ("2a00:1450:4001:81b:ffff:ffff:ffff:ffff", "2a00:1450:4001:81b::/64", "2a00:1450:4001::/48"),
        ("127.0.0.1", None, None),
        ("10.0.0.7", None, None),
        ("::1", None, None),
        ("fd12:3456::1", None, None),
        ("fe80::1%eth0", None, None),
        ("81.2.69.142, 10.0.0.7", None, None),
        ("unknown", None, None),
        (None, None, None),
    ],
)
def test_an_address_counts_as_its_connection(given, site, holding):
    assert (counted(given), counted(given, HOLDING)) == (site, holding)


def test_a_rate_exceeds_above_the_share_of_enough():
    assert not Rate(failed=40, succeeded=60).exceeds(40, 50)
    assert Rate(failed=41, succeeded=59).exceeds(40, 50)
    assert not Rate(failed=49, succeeded=0).exceeds(40, 50)
    assert Rate(failed=50, succeeded=0).exceeds(40, 50)


@pytest.mark.parametrize("changed", [{"product": 5}, {"products": 0}, {"products": "many"}])
def test_a_quota_that_is_none_stops_the_start(settings, changed):
    with pytest.raises(ValidationError):
        type(settings).model_validate({**settings.model_dump(), "quotas": changed})
    assert type(settings).model_validate({**settings.model_dump(), "quotas": {"products": 5}}).quotas == {"products": 5}
