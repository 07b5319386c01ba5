"""The HTTP side: keys, idempotency, faults, and the routes of our resources and localstripe's."""

import asyncio
import base64
import hashlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from localstripe import resources as local
from localstripe import server as local_server
from localstripe.errors import UserError

from stripe_sandbox import (
    browser,
    confirmation_tokens,
    disputes,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
    taxes,
)
from stripe_sandbox.errors import StripeError, missing
from stripe_sandbox.events import Events, Faults, Sandbox
from stripe_sandbox.parameters import known, page
from stripe_sandbox.store import Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Work = Callable[[dict[str, str], dict[str, Any]], Any]
"""Path parameters and fields in; a document, or an object of localstripe, out. Runs in one transaction."""
PUBLIC = ("/v1/confirmation_tokens", "/v1/payment_methods", "/v1/tokens")
SANDBOX = web.AppKey("sandbox", Sandbox)
REQUESTS = web.AppKey("requests", Counter[str])


def create_app(data: Path, webhook_url: str, webhook_secret: str) -> web.Application:
    """The application. `data` is the folder of the one file in which everything is kept."""
    payment_methods.install()
    store = Store(data / "sandbox.sqlite")
    faults = Faults()
    sandbox = Sandbox(store, Events(store, webhook_url, webhook_secret, faults), faults)
    app = web.Application(middlewares=[_counted, _errors, _key], client_max_size=2**20)
    app[SANDBOX] = sandbox
    app[REQUESTS] = Counter()
    app.cleanup_ctx.append(_sender)
    app.cleanup_ctx.append(_settler)
    app.on_response_prepare.append(local_server.add_cors_headers)
    _add_payments(app, sandbox)
    _add_local(app, sandbox)
    _add_control(app, sandbox)
    browser.add(app)
    return app


async def _sender(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[SANDBOX].events.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    app[SANDBOX].store.close()


async def _settler(app: web.Application) -> AsyncIterator[None]:
    """Brings refunds that were left pending to their outcome, also after a restart."""

    async def run() -> None:
        sandbox = app[SANDBOX]
        while True:
            await asyncio.sleep(0.5)
            for id in refunds.unsettled(sandbox, time.time() - refunds.SETTLES_AFTER_SECONDS):
                with sandbox.store.transaction():
                    refunds.settle(sandbox, id)

    task = asyncio.create_task(run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@web.middleware
async def _counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts what was asked, by method and route, whatever the answer."""
    resource = request.match_info.route.resource
    if resource is not None and request.path.startswith("/v1/"):
        request.app[REQUESTS][f"{request.method} {resource.canonical}"] += 1
    return await handler(request)


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except StripeError as error:
        return _answer(error.status, json.dumps(error.body))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        body = {
            "error": {
                "type": "invalid_request_error",
                "message": f"Unrecognized request URL ({request.method}: {request.path}).",
            }
        }
        return _answer(error.status, json.dumps(body))


@web.middleware
async def _key(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith("/v1/") or request.method == "OPTIONS":
        return await handler(request)
    key = _api_key(request)
    is_browser = request.path in PUBLIC or request.path.endswith(("/_authenticate", "/confirm"))
    if not key and is_browser and request.method == "POST":
        fields = await request.post()
        key = str(fields.get("key", ""))
        if request.path not in PUBLIC and not fields.get("client_secret"):
            raise StripeError(401, "A publishable key needs the client_secret of the intent", param="client_secret")
    if key.startswith(("sk_live_", "rk_live_", "pk_live_")):
        raise StripeError(401, "This is a stand-in for Stripe: live keys do not belong here")
    if not key.startswith(("sk_test_", "rk_test_")) and not (is_browser and key.startswith("pk_test_")):
        raise StripeError(401, "Invalid API Key provided")
    if key.startswith("pk_") and request.path.endswith("/confirm") and "client_secret" not in await request.post():
        raise StripeError(401, "A publishable key confirms an intent with its client_secret", param="client_secret")
    request["key"] = key
    return await handler(request)


def _api_key(request: web.Request) -> str:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        with suppress(ValueError):
            return base64.b64decode(value).decode().partition(":")[0]
    return value if kind == "Bearer" else ""


def _answer(status: int, body: str, *, replayed: bool = False) -> web.Response:
    headers = {"Request-Id": f"req_{local.random_id(14)}"}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return web.Response(status=status, text=body, content_type="application/json", headers=headers)


async def _fields(request: web.Request) -> dict[str, Any]:
    try:
        posted = dict(local_server.unflatten_data(await request.post())) if request.method == "POST" else {}
        data = {**local_server.unflatten_data(request.query), **posted}
    except (AttributeError, TypeError, ValueError):
        raise StripeError(400, "Invalid form") from None
    for name in ("key", "payment_user_agent", "referrer", "client_attribution_metadata"):
        data.pop(name, None)
    return data


def _route(sandbox: Sandbox, work: Work, *, moves_money: bool = False) -> Handler:
    """A handler around `work`: one transaction, Stripe's idempotency, and the faults that were asked for."""

    async def handle(request: web.Request) -> web.StreamResponse:
        faults = sandbox.faults
        data = await _fields(request)
        expand = data.pop("expand", [])
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        if faults.errors:
            faults.errors -= 1
            raise StripeError(500, "An error occurred on our side", type="api_error")
        given = request.headers.get("Idempotency-Key", "") if request.method == "POST" else ""
        key = f"{request['key']} {given}" if given else ""
        fingerprint = hashlib.sha256(
            json.dumps([request.method, request.path, data, expand], sort_keys=True).encode()
        ).hexdigest()
        if key in sandbox.in_flight:
            raise StripeError(
                409, "There is currently another in-progress request using this Idempotent Key.",
                type="idempotency_error", code="idempotency_key_in_use",
            )  # fmt: skip
        if key and (kept := sandbox.store.answer(key)):
            if kept[0] != fingerprint:
                raise StripeError(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                    type="idempotency_error",
                )
            return _answer(kept[1], kept[2], replayed=True)
        status, body = _execute(sandbox, work, dict(request.match_info), data, expand, key, fingerprint)
        is_slow = bool(faults.slow_customer) and data.get("customer") == faults.slow_customer
        if moves_money and (faults.hang_answers or is_slow):
            if not is_slow:
                faults.hang_answers -= 1
            sandbox.in_flight.add(key)
            try:
                await asyncio.sleep(faults.slow_seconds if is_slow else 3600)
            finally:
                sandbox.in_flight.discard(key)
        if moves_money and faults.drop_answers:
            faults.drop_answers -= 1
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError
        return _answer(status, body)

    return handle


def _execute(
    sandbox: Sandbox,
    work: Work,
    path: dict[str, str],
    data: dict[str, Any],
    expand: Any,
    key: str,
    fingerprint: str,
) -> tuple[int, str]:
    with sandbox.store.transaction():
        try:
            status, body = 200, json.dumps(_export(sandbox, work(path, data), expand))
        except UserError as error:
            raise StripeError(error.code, str(error.body.get("message", "Bad request"))) from None
        except StripeError as error:
            # A decline is an outcome: it is kept, like the intent that it left behind.
            if error.status != 402:
                raise
            status, body = 402, json.dumps(_public(error.body))
        if key:
            sandbox.store.keep_answer(key, fingerprint, status, body)
    return status, body


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _public(inner) for name, inner in value.items() if not str(name).startswith("_")}
    return [_public(inner) for inner in value] if isinstance(value, list) else value


def _export(sandbox: Sandbox, result: Any, expand: Any) -> Any:
    if not isinstance(result, dict):
        return result._export(expand=expand or None)
    result = _public(result)
    for path in expand if isinstance(expand, list) else [expand]:
        _expand(sandbox, result, str(path).split("."))
    return result


def _expand(sandbox: Sandbox, holder: Any, names: list[str]) -> None:
    if isinstance(holder, list):
        for inner in holder:
            _expand(sandbox, inner, names)
        return
    name, *rest = names
    if name not in holder:
        raise StripeError(400, f"This property cannot be expanded ({name}).", param="expand")
    value = holder[name]
    if isinstance(value, str):
        holder[name] = _expanded(sandbox, name, value)
    if rest and holder[name] is not None:
        _expand(sandbox, holder[name], rest)


def _expanded(sandbox: Sandbox, name: str, id: str) -> Any:
    if name == "customer":
        return local.Customer._api_retrieve(id)._export()
    if name == "payment_method":
        return local.PaymentMethod._api_retrieve(id)._export()
    kind = {"latest_charge": "charge"}.get(name, name)
    found = sandbox.store.find(kind, id)
    if found is None:
        raise StripeError(400, f"This property cannot be expanded ({name}).", param="expand")
    return _public(found)


def _add_payments(app: web.Application, sandbox: Sandbox) -> None:
    def add(method: str, path: str, work: Work, *, moves_money: bool = False) -> None:
        app.router.add_route(method, f"/v1/{path}", _route(sandbox, work, moves_money=moves_money))

    intents = payment_intents
    add("POST", "payment_intents", lambda _, data: intents.create(sandbox, data), moves_money=True)
    add("GET", "payment_intents", lambda _, data: intents.list_intents(sandbox, data))
    add("GET", "payment_intents/{id}", lambda path, _: intents.find(sandbox, path["id"]))
    add("POST", "payment_intents/{id}", lambda path, data: intents.update(sandbox, path["id"], data))
    for verb, work in (
        ("confirm", intents.confirm),
        ("cancel", intents.cancel),
        ("capture", intents.capture),
        ("_authenticate", intents.authenticate),
    ):
        add(
            "POST",
            f"payment_intents/{{id}}/{verb}",
            _of_one(sandbox, work),
            moves_money=verb in {"confirm", "capture"},
        )
    add("POST", "setup_intents", lambda _, data: setup_intents.create(sandbox, data))
    add("GET", "setup_intents", lambda _, data: setup_intents.list_intents(sandbox, data))
    add("GET", "setup_intents/{id}", lambda path, _: setup_intents.find(sandbox, path["id"]))
    for verb, keeping in (
        ("confirm", setup_intents.confirm),
        ("cancel", setup_intents.cancel),
        ("_authenticate", setup_intents.authenticate),
    ):
        add("POST", f"setup_intents/{{id}}/{verb}", _of_one(sandbox, keeping))
    for path in ("confirmation_tokens", "test_helpers/confirmation_tokens"):
        add("POST", path, lambda _, data: confirmation_tokens.create(sandbox, data))
    add("GET", "confirmation_tokens/{id}", lambda path, _: confirmation_tokens.find(sandbox, path["id"], "id"))
    add("POST", "refunds", lambda _, data: refunds.create(sandbox, data), moves_money=True)
    add("GET", "refunds", lambda _, data: refunds.list_refunds(sandbox, data))
    add("GET", "refunds/{id}", lambda path, _: refunds.find(sandbox, path["id"]))
    add("GET", "disputes", lambda _, data: disputes.list_disputes(sandbox, data))
    add("GET", "disputes/{id}", lambda path, _: disputes.find(sandbox, path["id"]))
    add("POST", "disputes/{id}", lambda path, data: disputes.update(sandbox, path["id"], data))
    add("POST", "disputes/{id}/close", lambda path, data: disputes.accept(sandbox, path["id"], data))
    add("POST", "tax/calculations", lambda _, data: taxes.calculate(sandbox, data))
    add("GET", "tax/calculations/{id}", lambda path, _: taxes.find(sandbox, path["id"]))
    add("GET", "tax/transactions/{id}", lambda path, _: taxes.find_transaction(sandbox, path["id"]))
    add("POST", "tax/transactions/create_from_calculation", lambda _, data: taxes.record(sandbox, data))
    add("POST", "tax/transactions/create_reversal", lambda _, data: taxes.reverse(sandbox, data))
    for kind, filters in (
        ("charge", ("payment_intent", "customer")),
        ("event", ("type",)),
        ("balance_transaction", ("source", "type")),
    ):
        add("GET", f"{kind}s", partial(_list, sandbox, kind, filters))
        add("GET", f"{kind}s/{{id}}", partial(_find_one, sandbox, kind))


def _of_one(sandbox: Sandbox, work: Callable[[Sandbox, str, dict[str, Any]], Any]) -> Work:
    return lambda path, data: work(sandbox, path["id"], data)


def _list(
    sandbox: Sandbox, kind: str, filters: tuple[str, ...], _: dict[str, str], data: dict[str, Any]
) -> dict[str, Any]:
    known(data, (*filters, "limit", "starting_after", "ending_before"))
    found = [
        document
        for document in sandbox.store.all(kind)
        if all(document[name] == data[name] for name in filters if name in data)
    ]
    return page(found, data, f"/v1/{kind}s")


def _find_one(sandbox: Sandbox, kind: str, path: dict[str, str], _: dict[str, Any]) -> dict[str, Any]:
    return _find(sandbox, kind, path["id"])


def _find(sandbox: Sandbox, kind: str, id: str) -> dict[str, Any]:
    found = sandbox.store.find(kind, id)
    if found is None:
        raise missing(kind, id, "id")
    return found


def _add_local(app: web.Application, sandbox: Sandbox) -> None:
    """localstripe's own resources, run in our transactions."""
    kinds = (local.Customer, local.PaymentMethod, local.Product, local.TaxRate)
    paths = tuple(f"/v1/{kind.object}s/" for kind in kinds)
    for method, url, work in local.extra_apis:
        if url.startswith(paths) and "sources" not in url and "subscription" not in url:
            app.router.add_route(method, url, _route(sandbox, _local_verb(work)))
    for kind in kinds:
        _add_local_kind(app, sandbox, kind, f"/v1/{kind.object}s")


def _local_verb(work: Callable[..., Any]) -> Work:
    return lambda path, data: work(**data, **path)


def _add_local_kind(app: web.Application, sandbox: Sandbox, kind: Any, url: str) -> None:
    one = f"{url}/{{id}}"
    app.router.add_post(url, _route(sandbox, lambda _, data: kind._api_create(**data)))
    app.router.add_get(url, _route(sandbox, lambda _, data: kind._api_list_all(url, **data)))
    app.router.add_get(one, _route(sandbox, lambda path, _: kind._api_retrieve(path["id"])))
    app.router.add_post(one, _route(sandbox, lambda path, data: kind._api_update(path["id"], **data)))
    app.router.add_delete(one, _route(sandbox, lambda path, _: kind._api_delete(path["id"])))


def _add_control(app: web.Application, sandbox: Sandbox) -> None:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def summary(_: web.Request) -> web.Response:
        store = sandbox.store
        return web.json_response(
            {
                "payment_intents": store.count("payment_intent"),
                "succeeded": store.count("payment_intent", "json_extract(body, '$.status') = 'succeeded'"),
                "charges": store.count("charge", "json_extract(body, '$.paid') = 1"),
                "paid_twice": store.repeated("charge", "metadata.order_id", "json_extract(body, '$.paid') = 1"),
                "net": store.total("balance_transaction", "net"),
                "refunds": store.count("refund"),
                "refunded": store.total("refund", "amount", "json_extract(body, '$.status') <> 'failed'"),
                "disputes": store.count("dispute"),
                "events": store.count("event"),
                "webhooks": store.deliveries(),
            }
        )

    async def faults(request: web.Request) -> web.Response:
        wanted = await request.json()
        for name, value in wanted.items():
            if type(value) is not type(getattr(sandbox.faults, name, None)):
                raise StripeError(400, f"Unknown fault or wrong type: {name}", param=name)
        for name, value in wanted.items():
            setattr(sandbox.faults, name, value)
        return web.json_response(vars(sandbox.faults))

    async def redeliver(request: web.Request) -> web.Response:
        event = _find(sandbox, "event", request.match_info["id"])
        sandbox.events.redeliver(event["id"])
        return web.json_response({"status": "queued"})

    async def dispute(request: web.Request) -> web.Response:
        """Opens a dispute over the charge of a payment intent: `{"payment_intent", "reason"?, "inquiry"?}`."""
        wish = await request.json()
        with sandbox.store.transaction():
            intent = payment_intents.find(sandbox, wish["payment_intent"], "payment_intent")
            charge = _find(sandbox, "charge", intent["latest_charge"] or "")
            opened = disputes.open_on(
                sandbox, charge, wish.get("reason", "fraudulent"), is_inquiry=bool(wish.get("inquiry"))
            )
        return web.json_response(_public(opened))

    async def decide(request: web.Request) -> web.Response:
        """The bank decides a dispute: `{"won": true}` or false."""
        won = bool((await request.json())["won"])
        with sandbox.store.transaction():
            return web.json_response(_public(disputes.decide(sandbox, request.match_info["id"], won=won)))

    async def settle(request: web.Request) -> web.Response:
        with sandbox.store.transaction():
            return web.json_response(_public(refunds.settle(sandbox, request.match_info["id"])))

    async def requests(_: web.Request) -> web.Response:
        return web.json_response(app[REQUESTS])

    async def reset(_: web.Request) -> web.Response:
        sandbox.store.clear()
        app[REQUESTS].clear()
        vars(sandbox.faults).update(vars(Faults()))
        return web.json_response({"status": "empty"})

    app.router.add_post("/_sandbox/reset", reset)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/_sandbox/summary", summary)
    app.router.add_get("/_sandbox/requests", requests)
    app.router.add_post("/_sandbox/faults", faults)
    app.router.add_post("/_sandbox/events/{id}/redeliver", redeliver)
    app.router.add_post("/_sandbox/disputes", dispute)
    app.router.add_post("/_sandbox/disputes/{id}/decide", decide)
    app.router.add_post("/_sandbox/refunds/{id}/settle", settle)
    app.router.add_get("/js.stripe.com/v3/", _stripe_js)


async def _stripe_js(request: web.Request) -> web.StreamResponse:
    script = local_server.localstripe_js(request)
    assert isinstance(script, web.Response)
    return script
