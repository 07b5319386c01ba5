"""What a role in a Discord server is made of."""

from typing import Annotated

from pydantic import StringConstraints
from servicekit.inputs import Input

Snowflake = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{15,20}$")]


class DiscordProperties(Input):
    """A role in a server to which the suite's bot was added. `kick_member` takes the membership too, with the role."""

    guild_id: Snowflake
    role_id: Snowflake
    kick_member: bool
