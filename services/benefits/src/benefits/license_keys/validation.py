"""Is this key good? Asked all day by software: one statement that checks, counts and brings the answer.

A key that is not good takes a second statement, which says why. A validation that uses nothing up is counted without
waiting for the disk, so that a power cut may lose counts; uses are written like everything else.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from servicekit import clock
from servicekit.errors import BadRequest, ResourceNotFound

from benefits.license_keys.schemas import LicenseKeyValidate

FetchRow = Callable[..., Awaitable[Any]]
"""Runs a statement on asyncpg and gives its one row."""
_WHOLE = 2**31 - 1

_VALIDATE = f"""
with used as (
    update license_keys k
    set usage = k.usage + coalesce($6::int, 0), validations = k.validations + 1, last_validated_at = $3
    where k.organization_id = $1 and k.key = $2 and k.status = 'granted'
      and (k.expires_at is null or k.expires_at > $3)
      and ($4::uuid is null or k.benefit_id = $4)
      and ($5::uuid is null or k.customer_id = $5)
      and ($6::int is null or k.usage::bigint + $6 <= coalesce(k.limit_usage, {_WHOLE}))
      and ($7::uuid is null or exists (
          select from license_key_activations a
          where a.id = $7 and a.license_key_id = k.id and a.deactivated_at is null
            and (a.conditions = '{{}}'::jsonb or a.conditions = $8::jsonb)))
    returning k.*
)
select used.id, used.created_at, used.modified_at, used.organization_id, used.customer_id,
       (c.data || $9::jsonb)::text as customer,
       used.benefit_id, used.key, used.status, used.limit_activations, used.usage, used.limit_usage, used.validations,
       used.last_validated_at, used.expires_at, a.id as activation_id, a.label, a.meta::text as meta,
       a.created_at as activated_at, a.modified_at as activation_modified_at
from used
join customers c on c.id = used.customer_id
left join license_key_activations a on a.id = $7 and a.license_key_id = used.id
"""
_REASON = """
select k.status, k.expires_at <= $3 as is_over, k.limit_usage, k.usage,
       ($4::uuid is null or k.benefit_id = $4) and ($5::uuid is null or k.customer_id = $5) as is_theirs,
       $6::uuid is null or exists (
           select from license_key_activations a
           where a.id = $6 and a.license_key_id = k.id and a.deactivated_at is null
             and (a.conditions = '{}'::jsonb or a.conditions = $7::jsonb)) as is_active
from license_keys k where k.organization_id = $1 and k.key = $2
"""


class UsageLimitReached(BadRequest):
    """The key has been used as often as it may be."""


async def validate(fetchrow: FetchRow, wish: LicenseKeyValidate, hidden: Mapping[str, Any]) -> bytes:
    """The answer's JSON for a key that is good for what was asked; counts the validation, and the uses.

    `hidden` takes the place of these fields of the customer (`queries.HIDDEN`).
    Raises `ResourceNotFound` when it is not, and `UsageLimitReached`.
    """
    now, conditions = clock.now(), json.dumps(wish.conditions)
    who = (wish.organization_id, wish.key, now, wish.benefit_id, wish.customer_id)
    row = await fetchrow(_VALIDATE, *who, wish.increment_usage, wish.activation_id, conditions, json.dumps(hidden))
    if row is None:
        raise _refusal(await fetchrow(_REASON, *who, wish.activation_id, conditions))
    return _shown(row)


def _refusal(row: Any) -> Exception:
    if row is None:
        return ResourceNotFound()
    if row["status"] != "granted":
        return ResourceNotFound("License key is no longer active.")
    if row["is_over"]:
        return ResourceNotFound("License key has expired.")
    if not row["is_active"]:
        return ResourceNotFound("License key does not match the activation or its conditions.")
    if not row["is_theirs"]:
        return ResourceNotFound("License key does not match the given benefit or customer.")
    limit = row["limit_usage"] or _WHOLE
    return UsageLimitReached(f"License key has {max(limit - row['usage'], 0)} of {limit} uses left.")


def _shown(row: Any) -> bytes:
    """As `ValidatedLicenseKey` renders it; the customer and the activation's `meta` are JSON already."""
    activation = "null"
    if row["activation_id"] is not None:
        activation = _object(
            id=_text(row["activation_id"]),
            license_key_id=_text(row["id"]),
            label=_text(row["label"]),
            meta=row["meta"],
            created_at=_instant(row["activated_at"]),
            modified_at=_instant(row["activation_modified_at"]),
        )
    return _object(
        id=_text(row["id"]),
        created_at=_instant(row["created_at"]),
        modified_at=_instant(row["modified_at"]),
        organization_id=_text(row["organization_id"]),
        customer_id=_text(row["customer_id"]),
        customer=row["customer"],
        member_id="null",
        member="null",
        benefit_id=_text(row["benefit_id"]),
        key=_text(row["key"]),
        display_key=_text(f"****-{row['key'][-6:]}"),
        status=_text(row["status"]),
        limit_activations=json.dumps(row["limit_activations"]),
        usage=str(row["usage"]),
        limit_usage=json.dumps(row["limit_usage"]),
        validations=str(row["validations"]),
        last_validated_at=_instant(row["last_validated_at"]),
        expires_at=_instant(row["expires_at"]),
        activation=activation,
    ).encode()


def _object(**fields: str) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def _text(value: Any) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def _instant(value: datetime | None) -> str:
    return "null" if value is None else f'"{clock.rfc3339(value)}"'
