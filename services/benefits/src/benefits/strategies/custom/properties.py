"""What a custom benefit is made of."""

from typing import Annotated

from pydantic import StringConstraints
from servicekit.inputs import Input


class CustomProperties(Input):
    """A custom benefit: a note that only its holders see."""

    note: Annotated[str, StringConstraints(max_length=5000)] | None = None
