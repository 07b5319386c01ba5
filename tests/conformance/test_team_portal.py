"""The members of a team, in its own portal."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from polar.v2026_10 import Polar
from polar.v2026_10.errors import PolarClientError

from tests.conformance.conftest import needed

operation = pytest.mark.operation


@pytest.fixture(scope="module")
def portal(polar: Polar, until: Callable[..., Any]) -> Iterator[Polar]:
    """The portal of a team."""
    team = polar.customers.create(type="team", email=f"{os.urandom(4).hex()}@example.com")
    session = until(lambda: polar.customer_sessions.create(customer_id=team.id))
    with Polar(session.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as client:
        yield client


@pytest.fixture
def member(portal: Polar) -> Any:
    """One more member."""
    return portal.customer_portal.members.add_member(email=f"{os.urandom(4).hex()}@example.com", role="member")


@operation("customer_portal.members.add_member")
def test_add_a_member(member: Any) -> None:
    assert member.role == "member"


@operation("customer_portal.members.list_members")
def test_list_members(portal: Polar, member: Any) -> None:
    assert {"owner", "member"} <= {one.role for one in portal.customer_portal.members.list_members(limit=100).items}


@operation("customer_portal.members.update_member")
def test_update_a_member(portal: Polar, member: Any) -> None:
    assert portal.customer_portal.members.update_member(member.id, name="Grace").name == "Grace"


@operation("customer_portal.members.remove_member")
def test_remove_a_member(portal: Polar, member: Any) -> None:
    portal.customer_portal.members.remove_member(member.id)
    found = portal.customer_portal.members.list_members(limit=100).items
    assert member.id not in [one.id for one in found]


def test_a_member_has_a_session_with_their_role(
    polar: Polar, portal: Polar, member: Any, until: Callable[..., Any]
) -> None:
    customer = portal.customer_portal.customers.get()
    session = until(lambda: polar.customer_sessions.create(customer_id=customer.id, member_id=member.id))
    with Polar(session.token, base_url=needed("POLAR_API_URL"), timeout=60.0) as own:
        user = own.customer_portal.customer_session.get_authenticated_user()
        assert (user.type, user.role, user.member_id) == ("member", "member", member.id)
        assert own.customer_portal.subscriptions.list().items == []
        with pytest.raises(PolarClientError):
            own.customer_portal.orders.list()
