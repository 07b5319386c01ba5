"""Which tax a sale carries, and why: a pure calculation behind a protocol of providers."""

from tax.behavior import Behavior, Option, behavior_of
from tax.builtin import BuiltInTax
from tax.calculation import (
    Address,
    Item,
    Line,
    Provider,
    Reason,
    Result,
    TaxId,
    TaxInvalid,
    TaxRequest,
    TaxUnavailable,
)
from tax.engine import TaxEngine, untaxed
from tax.ids import TaxIdInvalid, tax_id_of
from tax.quotes import Quotes
from tax.stripe_tax import StripeTax

__all__ = [
    "Address",
    "Behavior",
    "BuiltInTax",
    "Item",
    "Line",
    "Option",
    "Provider",
    "Quotes",
    "Reason",
    "Result",
    "StripeTax",
    "TaxEngine",
    "TaxId",
    "TaxIdInvalid",
    "TaxInvalid",
    "TaxRequest",
    "TaxUnavailable",
    "behavior_of",
    "tax_id_of",
    "untaxed",
]
