"""Lists over 100,000 rows."""

from uuid import UUID

from identity.commands import create_organization
from servicekit.testing import signed_headers
from servicekit.testing.plans import check_lists

SCOPES = frozenset({"organization_access_tokens:write", "organizations:read"})


async def test_lists_walk_no_table(client, settings, database, database_url, app):
    created = await create_organization(settings, "Acme", "acme", SCOPES)
    client.headers.update(signed_headers(UUID(created["organization_id"]), *SCOPES))
    tables = {
        "organizations": {"id": "md5(n::text)::uuid", "slug": "'s' || n"},
        "organization_access_tokens": {"token_hash": "sha256(n::text::bytea)"},
    }
    await check_lists(client, database, database_url, app, tables, ["/v1/organization-access-tokens/"])
