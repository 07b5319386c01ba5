"""The kit's tables: what a service's migrations make of them is what `KIT_SCHEMA` makes at once."""

import asyncpg
from servicekit.database import Database
from servicekit.migrations import KIT_SCHEMA, KIT_TABLES
from servicekit.testing.harness import create_database, drop_database
from sqlalchemy import text

COLUMNS = """
    select table_name, column_name, data_type, is_nullable from information_schema.columns
    where table_name = any({tables}) order by 1, ordinal_position
"""


async def test_the_schema_at_once_is_what_the_migrations_make(postgres_url: str, database: Database) -> None:
    address = await create_database(postgres_url, "test_kit_schema")
    try:
        connection = await asyncpg.connect(address)
        await connection.execute(KIT_SCHEMA)
        at_once = await connection.fetch(COLUMNS.format(tables="$1::text[]"), sorted(KIT_TABLES))
        await connection.close()
    finally:
        await drop_database(postgres_url, "test_kit_schema")
    async with database.transaction() as session:
        migrated = await session.execute(text(COLUMNS.format(tables=":tables")), {"tables": sorted(KIT_TABLES)})
        assert [tuple(row) for row in at_once] == [tuple(row) for row in migrated]
    assert {row["table_name"] for row in at_once} == KIT_TABLES
