"""Disputes as the API shows them."""

from uuid import UUID

from contracts import billing as contracts

from billing.customers.schemas import CustomerRead


class DisputeRead(contracts.RefundDispute):
    """A dispute, with the customer whose payment it is about."""

    customer: CustomerRead
    case_id: UUID | None
    """Support cases are not kept here: always null."""

    @classmethod
    def of(cls, dispute: contracts.RefundDispute, customer: contracts.Customer) -> "DisputeRead":
        """A dispute in the dialect of the request in hand."""
        return cls(**dispute.model_dump(), customer=CustomerRead.of(customer), case_id=None)
