"""Commands of whoever runs the suite: `python -m identity.commands create-organization --name Acme --slug acme`."""

import argparse
import asyncio
import json

from servicekit.database import Database

from identity.organization_access_tokens import operations as access_tokens
from identity.organization_access_tokens.scopes import FOR_ORGANIZATIONS
from identity.organizations import operations as organizations
from identity.settings import Settings


async def create_organization(
    settings: Settings, name: str, slug: str, scopes: frozenset[str], *, is_test: bool = False
) -> dict[str, str]:
    """Creates an organization with a token. Raises `SlugTaken`."""
    database = Database(settings.database_url, name="identity.commands", pool_size=1)
    try:
        async with database.transaction() as session:
            organization = await organizations.create(session, name, slug, is_test=is_test)
            _, token = await access_tokens.create(session, settings.secret, organization.id, "first token", scopes)
    finally:
        await database.close()
    return {"organization_id": str(organization.id), "access_token": token}


def main() -> None:
    """Prints one JSON object with `organization_id` and `access_token`."""
    parser = argparse.ArgumentParser(prog="identity.commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-organization", help="create an organization and its first access token")
    create.add_argument("--name", required=True)
    create.add_argument("--slug", required=True)
    create.add_argument("--scopes", default="", help="separated by spaces; all of them when absent")
    create.add_argument("--test", action="store_true", help="in test mode: it may have a test clock")
    arguments = parser.parse_args()
    scopes = frozenset(arguments.scopes.split()) or FOR_ORGANIZATIONS
    unknown = scopes - FOR_ORGANIZATIONS
    if unknown:
        parser.error(f"unknown scopes: {' '.join(sorted(unknown))}")
    wish = create_organization(Settings.load(), arguments.name, arguments.slug, scopes, is_test=arguments.test)
    created = asyncio.run(wish)
    print(json.dumps(created))


if __name__ == "__main__":
    main()
