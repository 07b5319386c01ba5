"""Calculations that were asked for outside of a transaction, kept until the transaction that needs them comes."""

import time
from collections import OrderedDict

from tax.builtin import BuiltInTax, calculated
from tax.calculation import Provider, Result, TaxInvalid, TaxRequest
from tax.engine import TaxEngine
from tax.stripe_tax import StripeTax

KEPT_SECONDS = 300.0
KEPT = 1_000


class Quotes:
    """Answers at once where no provider of the outside is asked, and otherwise from what was asked before."""

    def __init__(self, *providers: Provider) -> None:
        self._providers = providers
        self._engine = TaxEngine(*providers)
        self._asks_outside = bool(providers)
        self._kept: OrderedDict[TaxRequest, tuple[float, Result | TaxInvalid]] = OrderedDict()

    @classmethod
    def of(cls, stripe_tax: bool, secret_key: str, api_base: str) -> "Quotes":
        """With Stripe Tax before the built-in tables, where the settings say so."""
        return cls(StripeTax(secret_key, api_base)) if stripe_tax else cls()

    def known(self, request: TaxRequest) -> Result | None:
        """The tax of a sale; None when it has to be asked for first. Raises `TaxInvalid`."""
        if not self._asks_outside:
            return calculated(request)
        kept = self._kept.get(request)
        if kept is None or kept[0] < time.monotonic():
            return None
        if isinstance(kept[1], TaxInvalid):
            raise kept[1]
        return kept[1]

    async def ask(self, request: TaxRequest) -> None:
        """Asks the providers, and keeps the answer, a refusal too, for some minutes. Never inside a transaction."""
        answer: Result | TaxInvalid
        try:
            answer = await self._engine.calculate(request)
        except TaxInvalid as refusal:
            answer = refusal
        self._kept[request] = (time.monotonic() + KEPT_SECONDS, answer)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    async def close(self) -> None:
        """Closes the providers' connections."""
        for provider in self._providers:
            close = getattr(provider, "close", None)
            if close is not None:
                await close()

    def provider(self, name: str) -> Provider | None:
        """The provider that made a calculation; the built-in one keeps nothing and is none."""
        return None if name == BuiltInTax.name else self._engine.provider(name)
