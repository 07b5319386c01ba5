"""What a credit of usage is made of."""

from uuid import UUID

from pydantic import Field
from servicekit.inputs import Input


class MeterCreditProperties(Input):
    """Units of a meter that each period brings; with `rollover`, what is left of them goes into the next one."""

    units: int = Field(strict=True, ge=1, le=2**31 - 1)
    rollover: bool
    meter_id: UUID
