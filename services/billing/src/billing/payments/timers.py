"""Payments that are due: new ones, and those that a crash, or Stripe's silence, left open."""

from billing.payments.collect import collect_due

__all__ = ["collect_due"]
