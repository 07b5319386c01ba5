"""Grants as the API shows them."""

from contracts import benefits as contracts


class BenefitGrantRead(contracts.BenefitGrant):
    """A grant."""

    @classmethod
    def of(cls, grant: contracts.BenefitGrant) -> "BenefitGrantRead":
        """The public shape as an answer."""
        return cls.model_validate(grant.model_dump(), context={"tolerant": True})
