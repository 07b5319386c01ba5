"""`./polar audit`: billing's own command, which computes every order, balance and tax total once more."""

from polar_cli.console import Failure
from polar_cli.stack import Stack


def command(organization: str) -> list[str]:
    """The module that is run beside billing's processes, and its arguments."""
    narrowed = ["--organization", organization] if organization else []
    return ["billing.commands", "audit", *narrowed]


def run(stack: Stack, organization: str) -> int:
    """Runs it on this machine. Returns its exit status: 1 when anything differs. Raises `Failure`."""
    if stack.own_postgres and stack["postgres"].pid is None:
        raise Failure("the database does not run", hint="./polar up")
    return stack.run_command("billing", *command(organization)).returncode
