"""What is said about checkouts."""

from datetime import datetime

from contracts import checkout as contracts
from servicekit import clock, ids
from servicekit.tokens import hashed

from checkout.checkouts import customer_sessions
from checkout.checkouts.models import Checkout, after
from checkout.payments.models import Payment
from checkout.settings import Settings

_STATES = ("US", "CA")
"""The countries whose taxes depend on the state."""


def page(client_secret: str, settings: Settings) -> str:
    """The address of a checkout's page."""
    return f"{settings.pages_base}/checkout/{client_secret}"


def shape(checkout: Checkout, settings: Settings) -> contracts.Checkout:
    """The public shape of a checkout."""
    product, price, discount = checkout.product, checkout.price, checkout.discount
    offered = checkout.products
    free = price.price_amount == 0
    trial = checkout.active_trial
    return contracts.Checkout(
        id=checkout.id,
        created_at=checkout.created_at,
        modified_at=checkout.modified_at,
        payment_processor="stripe",
        status=checkout.status,
        client_secret=checkout.client_secret,
        url=page(checkout.client_secret, settings),
        expires_at=checkout.expires_at,
        success_url=checkout.success_url.replace("{CHECKOUT_ID}", str(checkout.id)),
        return_url=checkout.return_url,
        embed_origin=checkout.embed_origin,
        amount=checkout.amount,
        seats=checkout.seats,
        min_seats=checkout.min_seats,
        max_seats=checkout.max_seats,
        units=checkout.units,
        min_units=checkout.min_units,
        max_units=checkout.max_units,
        discount_amount=checkout.discount_amount,
        net_amount=checkout.net_amount,
        tax_amount=checkout.tax_amount,
        tax_behavior=checkout.tax_behavior,
        tax_breakdown=_breakdown(checkout),
        total_amount=checkout.total_amount,
        currency=checkout.currency,
        allow_trial=checkout.allow_trial,
        active_trial_interval=trial[0] if trial else None,
        active_trial_interval_count=trial[1] if trial else None,
        trial_interval=checkout.trial_interval,
        trial_interval_count=checkout.trial_interval_count,
        trial_end=_trial_end(checkout),
        organization_id=checkout.organization_id,
        product_id=checkout.product_id,
        product_price_id=checkout.price_id,
        discount_id=checkout.discount_id,
        allow_discount_codes=checkout.allow_discount_codes,
        require_billing_address=checkout.require_billing_address,
        is_discount_applicable=not free,
        is_free_product_price=free,
        is_payment_required=checkout.needs_payment,
        is_payment_setup_required=checkout.needs_setup,
        is_payment_form_required=checkout.needs_card,
        customer_id=checkout.customer_id,
        order_id=checkout.order_id,
        subscription_id=checkout.bought_subscription_id,
        is_business_customer=checkout.is_business_customer,
        customer_name=checkout.customer_name,
        customer_email=checkout.customer_email,
        customer_ip_address=checkout.customer_ip_address,
        customer_billing_name=checkout.customer_billing_name,
        customer_billing_address=_address(checkout),
        customer_tax_id=checkout.customer_tax_id,
        payment_method_type=checkout.payment_method_type,
        payment_processor_metadata=processor_metadata(checkout, settings),
        billing_address_fields=_address_fields(checkout),
        external_customer_id=checkout.external_customer_id,
        customer_metadata=checkout.customer_metadata,
        metadata=checkout.user_metadata,
        custom_field_data=checkout.custom_field_data,
        attached_custom_fields=product.attached_custom_fields,
        locale=checkout.locale,
        product=product,
        products=offered,
        product_price=price,
        prices={str(one.id): one.prices for one in offered},
        discount=discount,
    )


def processor_metadata(checkout: Checkout, settings: Settings) -> dict[str, str]:
    """What a payment form needs: the processor's public key and, while the buyer's bank asks them, the intent."""
    key = settings.stripe_publishable_key
    intent = checkout.processor_metadata if checkout.status == "confirmed" else {}
    return ({"publishable_key": key} if key else {}) | intent


def _address_fields(checkout: Checkout) -> dict[str, str]:
    """Which fields of the billing address a form asks for: `required`, `optional` or `disabled`.

    Source: Polar, server/polar/models/checkout.py `billing_address_fields`.
    """
    country = (checkout.customer_billing_address or {}).get("country")
    is_full = country == "US" or checkout.require_billing_address
    line = "required" if is_full else "disabled"
    return {
        "country": "required",
        "state": "required" if country in _STATES else "disabled",
        "line1": line,
        "line2": "optional" if is_full else "disabled",
        "city": line,
        "postal_code": line,
    }


def _address(checkout: Checkout) -> contracts.Address | None:
    given = checkout.customer_billing_address
    return contracts.Address.model_validate(given) if given else None


def _breakdown(checkout: Checkout) -> list[contracts.TaxItem] | None:
    given = checkout.tax_breakdown
    return None if given is None else [contracts.TaxItem.model_validate(item) for item in given]


def _trial_end(checkout: Checkout) -> datetime | None:
    """When the trial ends, or would, if the purchase were made now."""
    trial = checkout.active_trial
    return checkout.trial_end or (after(clock.now(), *trial) if trial else None)


def checkout_created(checkout: Checkout, data: contracts.Checkout) -> contracts.CheckoutCreatedV1:
    """A checkout was opened."""
    return contracts.CheckoutCreatedV1(
        subject=checkout.id, organization_id=checkout.organization_id, time=checkout.created_at, data=data
    )


def checkout_updated(checkout: Checkout, data: contracts.Checkout) -> contracts.CheckoutUpdatedV1:
    """A checkout changed: its contents, or its status."""
    return contracts.CheckoutUpdatedV1(
        subject=checkout.id,
        organization_id=checkout.organization_id,
        time=checkout.modified_at or checkout.created_at,
        data=data,
    )


def checkout_expired(checkout: Checkout, data: contracts.Checkout, now: datetime) -> contracts.CheckoutExpiredV1:
    """A checkout was left open past its end."""
    return contracts.CheckoutExpiredV1(
        subject=checkout.id, organization_id=checkout.organization_id, time=now, data=data
    )


def checkout_succeeded(
    checkout: Checkout, payment: Payment | None, now: datetime, settings: Settings
) -> contracts.CheckoutSucceededV1:
    """A purchase is paid, or needs no payment: the whole of it, so that nobody has to ask."""
    assert checkout.customer_id is not None
    assert checkout.order_id is not None
    assert checkout.customer_email is not None
    purchase = contracts.Purchase(
        checkout_id=checkout.id,
        organization_id=checkout.organization_id,
        order_id=checkout.order_id,
        subscription_id=checkout.subscription_id,
        upgraded_subscription_id=checkout.upgraded_subscription_id,
        customer=contracts.PurchaseCustomer(
            id=checkout.customer_id,
            email=checkout.customer_email,
            name=checkout.customer_name,
            billing_name=checkout.customer_billing_name,
            billing_address=_address(checkout),
            tax_id=checkout.customer_tax_id,
            tax_id_format=checkout.customer_tax_id_format,
            external_id=checkout.external_customer_id,
            metadata=checkout.customer_metadata,
            is_named=checkout.seller_named_id == checkout.customer_id,
            links_external_id=_links_external_id(checkout),
            locale=checkout.locale,
        ),
        product=checkout.catalog_product,
        price=checkout.price,
        discount=checkout.discount,
        currency=checkout.currency,
        amount=checkout.amount,
        discount_amount=checkout.discount_amount,
        net_amount=checkout.net_amount,
        tax_amount=checkout.tax_amount,
        tax_behavior=checkout.tax_behavior,
        tax_breakdown=_breakdown(checkout),
        tax_computation=checkout.tax_computation,
        tax_calculation_id=checkout.tax_calculation_id,
        total_amount=checkout.total_amount,
        payment=_payment(payment) if payment and payment.amount else None,
        setup=_setup(payment) if payment and not payment.amount else None,
        trial_end=checkout.trial_end,
        seats=checkout.seats,
        units=checkout.units,
        metadata=checkout.user_metadata,
        custom_field_data=checkout.custom_field_data,
        confirmed_at=checkout.confirmed_at or now,
        succeeded_at=now,
        created_at=checkout.created_at,
        client_secret_hash=hashed(checkout.client_secret, settings.secret).hex(),
        customer_session=customer_sessions.of_purchase(checkout, settings),
        is_business_customer=checkout.is_business_customer,
        immediate_delivery_consent=_consent(checkout),
    )
    return contracts.CheckoutSucceededV1(
        subject=checkout.id, organization_id=checkout.organization_id, time=now, data=purchase
    )


def _consent(checkout: Checkout) -> contracts.ImmediateDeliveryConsent | None:
    given = checkout.immediate_delivery_consent
    return contracts.ImmediateDeliveryConsent.model_validate(given) if given else None


def _links_external_id(checkout: Checkout) -> bool:
    """The seller said, with the external id, whose it is: the customer, or the e-mail that the buyer left as it was."""
    email, named = checkout.customer_email, checkout.named_email
    is_sellers_email = email is not None and named is not None and ids.email_key(email) == ids.email_key(named)
    return checkout.external_customer_id is not None and (checkout.seller_named_id is not None or is_sellers_email)


def _setup(payment: Payment) -> contracts.PurchaseSetup | None:
    """The card that a payment of nothing kept."""
    customer, method = payment.facts.get("customer"), payment.facts.get("payment_method")
    if customer is None or method is None:
        return None
    return contracts.PurchaseSetup(
        processor="stripe",
        processor_customer_id=customer,
        processor_payment_method_id=method,
        method=payment.facts.get("method", "card"),
        method_metadata=payment.facts.get("method_details") or {},
    )


def _payment(payment: Payment) -> contracts.PurchasePayment:
    return contracts.PurchasePayment(
        id=payment.id,
        processor="stripe",
        processor_id=payment.processor_id or "",
        amount=payment.amount,
        currency=payment.currency,
        method=payment.facts.get("method", "card"),
        method_metadata=payment.facts.get("method_metadata", {}),
        processor_customer_id=payment.facts.get("customer"),
        processor_payment_method_id=payment.facts.get("payment_method"),
        processor_fee_amount=payment.facts.get("fee", 0),
        method_details=payment.facts.get("method_details"),
        processor_outcome=payment.facts.get("outcome"),
    )
