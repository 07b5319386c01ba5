"""Inputs of the published SDKs that the suite does not take, one line each; closing a gap is deleting its line.

What is here is refused with 422, by its name. Inputs of earlier clients that are taken and ignored stand in the
documents, as deprecated; they are listed at the end.
"""

_SLACK = "Slack channels are not shared by this suite; the benefit's type is refused"

REFUSED = {
    "POST /v1/benefits/ body.properties.archive_on_revoke": _SLACK,
    "POST /v1/benefits/ body.properties.channel_name_template": _SLACK,
    "POST /v1/benefits/ body.properties.private": _SLACK,
    "POST /v1/benefits/ body.properties.slack_integration_id": _SLACK,
    "POST /v1/benefits/ body.properties.team_invitees": _SLACK,
    "POST /v1/benefits/ body.properties.welcome_message": _SLACK,
    "POST /v1/benefits/ body.properties.guild_token": "of Polar's own Discord application: guild_id names the server",
    "PATCH /v1/customer-portal/benefit-grants/{id} body.properties.invited_email": _SLACK,
    "PATCH /v1/customer-portal/customers/me body.email": "not built: an address is changed after it was proven",
    "PATCH /v1/customer-portal/subscriptions/{id} body.proration_behavior": "the seller decides how changes are billed",
    "GET /v1/events/ query.depth": "not built: parent_id gives the children of one event",
    "PATCH /v1/organizations/{id} body.sso_enforced": "there are no users who sign in",
    "PATCH /v1/organizations/{id} body.details": "of Polar's review of sellers",
    "PATCH /v1/organizations/{id} body.feature_settings": "of Polar's own features",
}
"""An input of an operation that is built, and why it is refused."""

ONLY_FALSE = {
    "DELETE /v1/customers/external/{external_id} query.anonymize": "not built: services keep copies of a customer",
    "DELETE /v1/customers/{id} query.anonymize": "not built: services keep copies of a customer",
    "GET /v1/events/ query.hierarchical": "not built: parent_id gives the children of one event",
}
"""A choice that the SDKs send with every request: its default is taken, and `true` is refused."""

NOT_BUILT = {
    "GET /v1/customer-meters/": "customer meters",
    "GET /v1/customer-portal/meters/": "customer meters",
    "GET /v1/customer-portal/seats": "seats",
    "POST /v1/customer-portal/seats": "seats",
    "GET /v1/customer-portal/seats/subscriptions": "seats",
    "GET /v1/customer-portal/wallets/": "wallets",
    "GET /v1/customer-seats": "seats",
    "POST /v1/customer-seats": "seats",
    "POST /v1/customer-seats/claim": "seats",
    "POST /v1/member-sessions/": "sessions of members",
    "GET /v1/members/": "gone from the SDKs: members stand under their customer",
    "POST /v1/members/": "gone from the SDKs: members stand under their customer",
    "DELETE /v1/members/external/{external_id}": "gone from the SDKs: members stand under their customer",
    "GET /v1/members/external/{external_id}": "gone from the SDKs: members stand under their customer",
    "PATCH /v1/members/external/{external_id}": "gone from the SDKs: members stand under their customer",
    "PATCH /v1/members/{id}": "gone from the SDKs: members stand under their customer",
    "GET /v1/oauth2/": "OAuth clients",
    "POST /v1/oauth2/register": "OAuth clients",
    "PUT /v1/oauth2/register/{client_id}": "OAuth clients",
    "POST /v1/organizations/": "organizations are made with ./polar",
    "GET /v1/wallets/": "wallets",
    "POST /v1/wallets/{id}/top-up": "wallets",
}
"""An operation that takes something and is not built: it answers 404 or 405."""

IGNORED = {
    "GET /v1/customer-portal/benefit-grants/ query.organization_id": "a session is of one organization",
    "GET /v1/customer-portal/downloadables/ query.organization_id": "a session is of one organization",
    "GET /v1/customer-portal/license-keys/ query.organization_id": "a session is of one organization",
    "GET /v1/customer-portal/orders/ query.organization_id": "a session is of one organization",
    "GET /v1/customer-portal/subscriptions/ query.organization_id": "a session is of one organization",
    "POST /v1/webhooks/endpoints body.secret": "secrets are made here (deprecated in the SDK too)",
    "PATCH /v1/webhooks/endpoints/{id} body.secret": "secrets are made here (deprecated in the SDK too)",
}
"""What earlier clients send, whose meaning is gone: taken and ignored. In the documents it is deprecated."""
