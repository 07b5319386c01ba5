"""`/v1/customer-portal/withdrawals/`: withdrawing from a contract without a login."""

from fastapi import BackgroundTasks, Request
from servicekit.errors import Unauthorized, responses
from servicekit.routing import ResourceRouter, SessionsOf

from billing.withdrawals import operations
from billing.withdrawals.operations import WithdrawalNotOffered, WithdrawalPeriodOver, WithdrawalRightLost
from billing.withdrawals.schemas import Accepted, WithdrawalConfirm, WithdrawalRead, WithdrawalRequest

portal_router = ResourceRouter("/customer-portal/withdrawals", "customer_portal:withdrawals")
REFUSALS = responses(Unauthorized, WithdrawalNotOffered, WithdrawalPeriodOver, WithdrawalRightLost)


@portal_router.post("/request", name="request", status_code=202)
async def request_withdrawal(
    request: Request, sessions: SessionsOf, background: BackgroundTasks, body: WithdrawalRequest
) -> Accepted:
    """Declares a withdrawal: mails a code, if there is such an order; the answer is the same if there is not."""
    # After the answer, so that the time it takes is the same, too. What a crash loses is asked for again.
    background.add_task(operations.request, sessions, body, request.app.state.settings)
    return Accepted()


@portal_router.post("/confirm", name="confirm", responses=REFUSALS)
async def confirm_withdrawal(request: Request, sessions: SessionsOf, body: WithdrawalConfirm) -> WithdrawalRead:
    """Confirms a withdrawal with the code of the mail: ends the contract, gives the money back, and mails a receipt."""
    state = request.app.state
    return await operations.confirm(sessions, state.processor, body, state.settings)
