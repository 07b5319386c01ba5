"""Providers in the order in which they are asked: a failing one never blocks a sale."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from tax.builtin import BuiltInTax
from tax.calculation import Item, Provider, Reason, Result, TaxInvalid, TaxRequest, TaxUnavailable

log = logging.getLogger("tax")
PATIENCE_SECONDS = 10.0
"""How long one provider may take; then the next is asked."""


def untaxed(request: TaxRequest, error: TaxInvalid) -> Result:
    """No tax, for the reason that it could not be calculated: `computation` says what is wrong."""
    country = request.address.country if request.address else None
    item = Item(0, request.amount, Reason.NOT_SUPPORTED, country=country)
    computation = {"rule": "refused", "field": error.field, "message": error.message}
    return Result(request.behavior, 0, (item,), (0,) * len(request.lines), "none", computation)


class TaxEngine:
    """Asks providers until one answers. Without any of its own it has the built-in one, which needs nothing."""

    def __init__(self, *providers: Provider, patience: float = PATIENCE_SECONDS) -> None:
        self._providers: Sequence[Provider] = (*providers, BuiltInTax())
        self._patience = patience

    async def calculate(self, request: TaxRequest) -> Result:
        """The tax of a sale. Raises `TaxInvalid`, and never `TaxUnavailable`: the last provider is a calculation."""
        failures: dict[str, str] = {}
        for provider in self._providers:
            try:
                async with asyncio.timeout(self._patience):
                    result = await provider.calculate(request)
            except (TaxUnavailable, TimeoutError) as error:
                failures[provider.name] = str(error) or type(error).__name__
                log.warning("tax provider %s failed, the next is asked", provider.name)
                continue
            if failures:
                return replace(result, computation={**result.computation, "failed_providers": failures})
            return result
        raise TaxUnavailable("no provider answered")

    async def tolerant(self, request: TaxRequest) -> Result:
        """The same where nobody is there to correct what is wrong: then the tax is zero, with the reason kept.

        For renewals, and for a checkout that is still being filled in (Polar's rule).
        """
        try:
            return await self.calculate(request)
        except TaxInvalid as error:
            return untaxed(request, error)

    def provider(self, name: str) -> Provider | None:
        """The provider that made a calculation, for recording and reverting it."""
        return next((one for one in self._providers if one.name == name), None)
