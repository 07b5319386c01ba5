"""`./polar prices`: catalog's own command, which lists prices on sale that can no longer be offered."""

from collections.abc import Sequence

from polar_cli.compose import ComposedStack
from polar_cli.console import Failure
from polar_cli.stack import Stack


def run(stack: Stack | ComposedStack, archived: Sequence[str]) -> int:
    """Archives the named prices, and lists what is left. Returns the exit status: 1 when any is. Raises `Failure`."""
    command = ["catalog.commands", "refused-prices", *(["--archive", *archived] if archived else [])]
    if isinstance(stack, ComposedStack):
        return stack.run("exec", "-T", "catalog-worker", "python", "-m", *command)
    if stack.own_postgres and stack["postgres"].pid is None:
        raise Failure("the database does not run", hint="./polar up")
    return stack.run_command("catalog", *command).returncode
