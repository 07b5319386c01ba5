"""`/v1/checkouts/client/{purchase_id}/benefits`: what the confirmation page of a checkout shows of its benefits."""

from uuid import UUID

from servicekit import links
from servicekit.errors import NotPermitted, responses
from servicekit.routing import ResourceRouter, SessionOf

from benefits.checkouts import operations
from benefits.checkouts.schemas import CheckoutBenefits
from benefits.downloadables.routes import SettingsOf

router = ResourceRouter("/checkouts/client/{purchase_id}/benefits", "checkouts")


@router.get("", name="client_benefits", responses=responses(NotPermitted))
async def client_benefits(
    purchase_id: UUID, session: SessionOf, settings: SettingsOf, expires: links.Expires, signature: links.Signature
) -> CheckoutBenefits:
    """Gets the benefits of one purchase for whoever has the link to them, `benefits_url` of the checkout's order."""
    links.verify(settings.secret, f"/v1/checkouts/client/{purchase_id}/benefits", expires, signature)
    return await operations.of(session, purchase_id, settings)
