"""The parts of a stack beside its servers: how services, the gateway, the local Stripe and the fork server start."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from polar_cli import checksums, forkserver, servers, settings
from polar_cli.processes import Process, answers
from polar_cli.servers import Limits
from polar_cli.state import ROOT

if TYPE_CHECKING:
    from polar_cli.stack import Stack


def service(stack: "Stack", name: str, kind: str) -> Process:
    """A process of a service: its `api`, or a `worker`."""
    process = f"{name}.{kind}"
    module = f"{name}.app" if kind == "api" else f"{name}.worker"
    return Process(
        name=process,
        state=stack.state,
        command=lambda: [str(stack.pythons.get(process, sys.executable)), "-m", module],
        environment=lambda: stack.environment(name, process),
        ready=lambda: answers(f"http://127.0.0.1:{stack.state.port(process)}/readyz"),
        log=stack.log_of(process),
        folder=ROOT,
        made_of=lambda: checksums.code(f"services/{name}/src", "libs"),
    )


def gateway(stack: "Stack", limits: Limits) -> Process:
    """The gateway, with these limits."""
    chosen = {name: value for name, value in stack.given.items() if name in settings.OF_GATEWAY}
    return servers.gateway(
        stack.state, stack.data, stack.log_of("gateway"), stack.gateway_port, limits,
        settings={"PUBLIC_URL": stack.url, **stack.card_form(), **chosen},
    )  # fmt: skip


def stripe(stack: "Stack") -> Process:
    """The local Stripe, whose call-backs go to the gateway."""

    def command() -> list[str]:
        return [
            sys.executable, "-m", "stripe_sandbox", "--port", str(stack.state.port("stripe")),
            "--data", str(stack.data / "stripe"), "--webhook-url", f"{stack.url}/v1/integrations/stripe/webhook",
        ]  # fmt: skip

    return Process(
        name="stripe",
        state=stack.state,
        command=command,
        environment=lambda: {
            **servers.CLEAN,
            "STRIPE_SANDBOX_WEBHOOK_SECRET": stack.environment("checkout")["STRIPE_WEBHOOK_SECRET"],
        },
        ready=lambda: answers(f"{stack.stripe_url}/healthz"),
        log=stack.log_of("stripe"),
        folder=ROOT,
    )


def fork_server(stack: "Stack", address: Path) -> Process:
    """The process that services are forked from, listening at `address`."""
    return Process(
        name="forkserver",
        state=stack.state,
        command=lambda: [sys.executable, "-m", "polar_cli.forkserver", str(address)],
        environment=lambda: {**servers.CLEAN, **stack.extra_environment},
        ready=lambda: forkserver.listens(address),
        log=stack.log_of("forkserver"),
        folder=ROOT,
    )
