"""`./polar leftovers`: billing's own command. It lists entries of ended subscriptions, and cards that nobody chose."""

from polar_cli.compose import ComposedStack
from polar_cli.console import Failure
from polar_cli.stack import Stack


def run(stack: Stack | ComposedStack, *, repaired: bool, released: bool) -> int:
    """Lists them, or repairs them: `repaired` is for the entries, `released` for the cards.

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


def connect(stack: Stack | ComposedStack, benefits: list[str]) -> int:
    """Lists benefits whose repository or server is not connected, and connects the named ones: benefits' own command.

    Returns the exit status: 1 when any is left.
    """
    command = ["benefits.commands", "leftovers", *(["--connect", *benefits] if benefits else [])]
    if isinstance(stack, ComposedStack):
        return stack.run("exec", "-T", "benefits-worker", "python", "-m", *command)
    return stack.run_command("benefits", *command).returncode
