"""Calculations that were asked for outside of a transaction, kept until the transaction that needs them comes."""

import time
from collections import OrderedDict

from tax.builtin import BuiltInTax, calculated
from tax.calculation import Provider, Result, TaxInvalid, TaxRequest
from tax.engine import TaxEngine
from tax.stripe_tax import StripeTax

KEPT_SECONDS = 300.0
KEPT = 1_000


Answer = Result | TaxInvalid


class Quotes:
    """Answers at once where no provider of the outside is asked, and otherwise from what was asked before.

    An answer goes to one sale, by its reference: a provider keeps each calculation once. Who asks may have another
    reference when the work is done again; the answer is then for the first sale that asks the same.
    """

    def __init__(self, *providers: Provider) -> None:
        self._providers = providers
        self._engine = TaxEngine(*providers)
        self._asks_outside = bool(providers)
        self._given: OrderedDict[tuple[TaxRequest, str], tuple[float, Answer]] = OrderedDict()
        self._free: OrderedDict[TaxRequest, list[tuple[float, Answer]]] = OrderedDict()

    @classmethod
    def of(cls, stripe_tax: bool, secret_key: str, api_base: str) -> "Quotes":
        """With Stripe Tax before the built-in tables, where the settings say so."""
        return cls(StripeTax(secret_key, api_base)) if stripe_tax else cls()

    def known(self, request: TaxRequest) -> Result | None:
        """The tax of a sale; None when it has to be asked for first. Raises `TaxInvalid`."""
        if not self._asks_outside:
            return calculated(request)
        answer = self._answer(request)
        if isinstance(answer, TaxInvalid):
            raise answer
        return answer

    def _answer(self, request: TaxRequest) -> Answer | None:
        now, name = time.monotonic(), (request, request.reference)
        kept = self._given.get(name)
        if kept is None or kept[0] < now:
            free = [one for one in self._free.pop(request, []) if one[0] >= now]
            if not free:
                return None
            kept = self._given[name] = free.pop(0)
            if free:
                self._free[request] = free
        while len(self._given) > KEPT:
            self._given.popitem(last=False)
        return kept[1]

    async def ask(self, request: TaxRequest) -> None:
        """Asks the providers, and keeps the answer, a refusal too, for some minutes. Never inside a transaction."""
        answer: Answer
        try:
            answer = await self._engine.calculate(request)
        except TaxInvalid as refusal:
            answer = refusal
        self._free.setdefault(request, []).append((time.monotonic() + KEPT_SECONDS, answer))
        while len(self._free) > KEPT:
            self._free.popitem(last=False)

    async def close(self) -> None:
        """Closes the providers' connections."""
        for provider in self._providers:
            close = getattr(provider, "close", None)
            if close is not None:
                await close()

    def provider(self, name: str) -> Provider | None:
        """The provider that made a calculation; the built-in one keeps nothing and is none."""
        return None if name == BuiltInTax.name else self._engine.provider(name)
