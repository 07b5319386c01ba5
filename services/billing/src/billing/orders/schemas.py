"""Orders as the API shows them."""

from contracts import billing as contracts

from billing.customers.schemas import CustomerRead, spoken


class OrderRead(contracts.Order):
    """An order; `amount` is what the documented API calls the net amount."""

    customer: CustomerRead
    amount: int

    @classmethod
    def of(cls, order: contracts.Order) -> "OrderRead":
        """An order in the dialect of the request in hand."""
        fields = order.model_dump()
        fields |= {"customer": spoken(fields["customer"]), "amount": order.net_amount}
        return cls.model_validate(fields, context={"tolerant": True})
