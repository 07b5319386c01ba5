"""`./polar leftovers`: the services' own commands, which list what earlier releases left, and repair it."""

import tempfile

from polar_cli.compose import ComposedStack
from polar_cli.console import Failure
from polar_cli.stack import Stack


def run(stack: Stack | ComposedStack, *, repaired: bool, released: bool = False) -> int:
    """Entries of ended subscriptions, cards that nobody chose, payments of customers that are open at Stripe.

    Lists them, or repairs them: `released` is for the cards, `repaired` for the others.
    Returns the exit status: 1 when any is left. Raises `Failure`.
    """
    command = [
        "billing.commands",
        "leftovers",
        *(["--repair"] if repaired else []),
        *(["--release-cards"] if released else []),
    ]
    if isinstance(stack, ComposedStack):
        return stack.run("exec", "-T", "billing-worker", "python", "-m", *command)
    if stack.own_postgres and stack["postgres"].pid is None:
        raise Failure("the database does not run", hint="./polar up")
    return stack.run_command("billing", *command).returncode


def exposed(stack: Stack | ComposedStack, *, repaired: bool) -> int:
    """Lists declined payments of checkouts that are open at Stripe, or has them canceled: checkout's own command.

    Returns the exit status: 1 when any is left.
    """
    command = ["checkout.commands", "exposed", *(["--repair"] if repaired else [])]
    if isinstance(stack, ComposedStack):
        return stack.run("exec", "-T", "checkout-worker", "python", "-m", *command)
    return stack.run_command("checkout", *command).returncode


def connect(stack: Stack | ComposedStack, benefits: list[str]) -> int:
    """Lists benefits whose repository or server is not connected, and connects the named ones: benefits' own command.

    Returns the exit status: 1 when any is left.
    """
    command = ["benefits.commands", "leftovers", *(["--connect", *benefits] if benefits else [])]
    if isinstance(stack, ComposedStack):
        return stack.run("exec", "-T", "benefits-worker", "python", "-m", *command)
    return stack.run_command("benefits", *command).returncode


def misplaced(stack: Stack | ComposedStack, *, repaired: bool) -> int:
    """Lists purchases of customers with another e-mail than the buyer's, and takes buyers' cards from them.

    Checkout knows the e-mails, billing the customers: what the one prints is read by the other. Returns the exit
    status: 1 when a card is left. Raises `Failure`.
    """
    flags = ["--repair"] if repaired else []
    if isinstance(stack, ComposedStack):
        python = ("python", "-m")
        buyers = stack.output("exec", "-T", "checkout-worker", *python, "checkout.commands", "buyers")
        billing = (*python, "billing.commands", "misplaced", "-", *flags)
        return stack.run("exec", "-T", "billing-worker", *billing, given=buyers)
    done = stack.run_command("checkout", "checkout.commands", "buyers", is_captured=True)
    if done.returncode:
        raise Failure(f"checkout's purchases could not be listed:\n{done.stderr[-2000:]}")
    with tempfile.NamedTemporaryFile("w", dir=stack.folder, suffix=".buyers") as file:
        file.write(done.stdout)
        file.flush()
        return stack.run_command("billing", "billing.commands", "misplaced", file.name, *flags).returncode
