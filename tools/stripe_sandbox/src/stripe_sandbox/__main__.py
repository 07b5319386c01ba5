"""Starts the sandbox: `python -m stripe_sandbox --port 8420 --data ./sandbox --webhook-url http://…`."""

import argparse
import os
from pathlib import Path

from aiohttp import web

from stripe_sandbox.app import create_app


def main() -> None:
    """Runs until it is told to stop; listens on the loopback address alone unless told otherwise."""
    parser = argparse.ArgumentParser(prog="stripe_sandbox", description="A local Stripe for tests and the demo")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8420)
    parser.add_argument("--data", type=Path, required=True, help="folder in which everything is kept")
    parser.add_argument("--webhook-url", default="", help="where call-backs go; none are sent when absent")
    arguments = parser.parse_args()
    secret = os.environ.get("STRIPE_SANDBOX_WEBHOOK_SECRET", "")
    if arguments.webhook_url and not secret:
        parser.error("STRIPE_SANDBOX_WEBHOOK_SECRET is not set: call-backs need a secret that signs them")
    app = create_app(arguments.data, arguments.webhook_url, secret)
    web.run_app(
        app,
        host=arguments.host,
        port=arguments.port,
        print=None,
        access_log=None,
        shutdown_timeout=2,
        handler_cancellation=True,
    )


if __name__ == "__main__":
    main()
