"""The servers of the tests: this machine's own, or such in containers."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from polar_cli.console import step
from polar_cli.stack import Stack

POSTGRES = "postgres:16"
RABBITMQ = "rabbitmq:3-management"
"""The images of docker-compose.yml."""


def of(stack: Stack) -> dict[str, str]:
    """Where the tests find a stack's servers, by the variables that the kit's plugin reads."""
    own = stack.own_postgres
    postgres = stack.address_of("polar", stack.state.secret("postgres"), "postgres") if own else stack.postgres_url
    return _named(postgres, stack.rabbitmq_url, stack.management.url)


@contextmanager
def in_containers() -> Iterator[dict[str, str]]:
    """Servers that `testcontainers` starts, and ends; raises what it raises where no Docker engine answers."""
    # Its helper that removes what a killed run leaves behind is one image more to pull.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    password = secrets.token_hex(16)
    postgres = (
        DockerContainer(POSTGRES)
        .with_env("POSTGRES_USER", "polar")
        .with_env("POSTGRES_PASSWORD", password)
        .with_command("postgres -c max_connections=400 -c fsync=off")
        .with_exposed_ports(5432)
        # Once by the server that sets the database up, and once by the one that stays.
        .waiting_for(LogMessageWaitStrategy("ready to accept connections", times=2))
    )
    rabbitmq = (
        DockerContainer(RABBITMQ)
        .with_env("RABBITMQ_DEFAULT_USER", "polar")
        .with_env("RABBITMQ_DEFAULT_PASS", password)
        .with_exposed_ports(5672, 15672)
        .waiting_for(LogMessageWaitStrategy("Server startup complete"))
    )
    with ExitStack() as running:
        with step(f"{POSTGRES} and {RABBITMQ} by testcontainers"):
            for container in (postgres, rabbitmq):
                running.enter_context(container)
            at = [
                f"polar:{password}@{container.get_container_host_ip()}:{container.get_exposed_port(port)}"
                for container, port in ((postgres, 5432), (rabbitmq, 5672), (rabbitmq, 15672))
            ]
        yield _named(f"postgresql://{at[0]}/postgres", f"amqp://{at[1]}/", f"http://{at[2]}")


def _named(postgres: str, rabbitmq: str, management: str) -> dict[str, str]:
    return {
        "POLAR_TEST_POSTGRES_URL": postgres,
        "POLAR_TEST_RABBITMQ_URL": rabbitmq,
        "POLAR_TEST_RABBITMQ_MANAGEMENT_URL": management,
    }
