"""Events as messages for Discord and Slack: a headline and the few facts that a person wants to see.

Discord: an embed of at most 25 fields, a title of 256 and values of 1,024 characters; it answers 400 beyond them.
Slack: blocks, of which a section has at most 10 fields of 2,000 characters.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from contracts.event import Event
from pricing.currencies import major_units
from servicekit import clock

COLOR = 0x0062FF
VALUE = 300
FIELDS = 10
_MARKS = re.compile(r"[\\*_~`|>#\[\]()<]")
"""The characters of Discord's Markdown, which a backslash makes plain."""


def body(event: Event[Any], name: str, format: str, *, is_test: bool = False) -> bytes:
    """The request that the chat's incoming webhook takes; `format` is `discord` or `slack`."""
    headline = f"{name.replace('.', ' ').replace('_', ' ').capitalize()}{' (test)' if is_test else ''}"
    facts = [(label, value[:VALUE]) for label, value in _facts(event) if value][:FIELDS]
    made = _discord if format == "discord" else _slack
    return json.dumps(made(headline, facts, event), separators=(",", ":"), ensure_ascii=False).encode()


def _discord(headline: str, facts: list[tuple[str, str]], event: Event[Any]) -> dict[str, Any]:
    fields = [{"name": label, "value": _MARKS.sub(r"\\\g<0>", value), "inline": True} for label, value in facts]
    embed = {"title": headline, "color": COLOR, "timestamp": clock.rfc3339(event.time), "fields": fields}
    # What customers write into their names must call nobody, and be no link of another text.
    return {"content": headline, "embeds": [embed], "allowed_mentions": {"parse": []}}


def _slack(headline: str, facts: list[tuple[str, str]], event: Event[Any]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": headline}}]
    if facts:
        fields = [{"type": "mrkdwn", "text": f"*{label}*\n{_escaped(value)}"} for label, value in facts]
        blocks.append({"type": "section", "fields": fields})
    when = {"type": "plain_text", "text": clock.rfc3339(event.time)}
    return {"text": headline, "blocks": [*blocks, {"type": "context", "elements": [when]}]}


def _escaped(text: str) -> str:
    """Slack's three control characters: without them nobody can be called and no link be made."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _facts(event: Event[Any]) -> Iterator[tuple[str, str]]:
    data = event.data.model_dump(mode="json")
    customer = data.get("customer") or {}
    product = data.get("product") or {}
    yield "Amount", _amount(data)
    yield "Customer", str(customer.get("name") or data.get("customer_name") or "")
    yield "E-mail", str(customer.get("email") or data.get("customer_email") or data.get("email") or "")
    yield "Product", str(product.get("name") or "")
    yield "Name", str(data.get("name") or "")
    benefit = data if event.name.startswith("benefit.") else data.get("benefit") or {}
    yield "Benefit", str(benefit.get("description") or "")
    yield "Status", str(data.get("status") or "")
    yield "Reason", str(data.get("billing_reason") or data.get("reason") or "")
    yield "URL", str(data.get("url") or "") if event.name.startswith("webhook_endpoint.") else ""
    yield "ID", str(event.subject)


def _amount(data: dict[str, Any]) -> str:
    amount = data.get("total_amount", data.get("amount"))
    currency = data.get("currency")
    if not isinstance(amount, int) or not currency:
        return ""
    return f"{major_units(amount, currency)} {currency.upper()}"
