"""The scopes that a token may carry (the official SDK's literal `Scope`)."""

_READ_WRITE = """
    user organizations custom_fields discounts checkout_links checkouts transactions payouts products benefits events
    meters files subscriptions customers members wallets disputes customer_seats orders refunds metrics webhooks
    license_keys customer_portal notifications notification_recipients organization_access_tokens
"""
_SINGLE = """
    openid profile email customer_meters:read customer_sessions:write member_sessions:write payments:read
"""
SCOPES = frozenset(_SINGLE.split()) | {
    f"{resource}:{verb}" for resource in _READ_WRITE.split() for verb in ("read", "write")
}
FOR_ORGANIZATIONS = SCOPES - {"openid", "profile", "email", "user:read", "user:write"}
"""What a token of an organization may do; the others belong to a user."""
