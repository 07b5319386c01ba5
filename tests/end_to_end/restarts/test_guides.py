"""The guides' blocks run as they are written: ```bash and ```python; ```console is for a cluster that is not here."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from polar_cli import kubernetes
from polar_cli.state import ROOT

from tests.end_to_end.support import PATIENCE


def blocks(guide: str, kind: str = "bash") -> list[str]:
    """The blocks of a guide."""
    found = re.findall(rf"^```{kind}\n(.*?)^```", (ROOT / "docs" / "guides" / guide).read_text(), re.DOTALL | re.M)
    assert found, f"{guide} has no block of {kind}"
    return found


async def ran(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """What a command printed; it must succeed."""
    done = await asyncio.to_thread(
        subprocess.run, command, env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


async def shell(script: str, environment: dict[str, str], folder: Path) -> list[str]:
    """The lines that a script printed."""
    return (await ran(["bash", "-euo", "pipefail", "-c", script], environment, folder)).split()


@pytest.fixture
def client(organization, api) -> dict[str, str]:
    """What `.polar/env` has, of this run's organization."""
    return {"POLAR_API_URL": str(api.base_url).rstrip("/"), "POLAR_ACCESS_TOKEN": organization["access_token"]}


async def test_the_first_sale_with_the_sdk(client, tmp_path):
    (script,) = blocks("first-sale.md", "python")
    assert (await ran([sys.executable, "-c", script], client, tmp_path)).split() == ["paid", "active"]


async def test_rotating_secrets(client, tmp_path):
    printed = await shell("".join(blocks("rotating-secrets.md")), client, tmp_path)
    assert printed[-1] == "whsec_"


async def test_deploying(tmp_path):
    # The guide's kubectl is the one that the manifests are checked with.
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    (tmp_path / "polar").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m polar_cli "$@"\n')
    (tmp_path / "polar").chmod(0o755)
    path = f"{Path(kubernetes.kubectl()).parent}:{os.environ['PATH']}"
    printed = await shell("".join(blocks("deploying.md")), {"PATH": path}, tmp_path)
    assert printed == ["15", "16"]


async def test_backup_and_restore(stack, shop, tmp_path):
    """Billing's database is dumped, dropped and restored, while purchases go on."""
    server = urlsplit(stack.postgres_url)
    environment = {"DATABASE": "billing", "ADMIN_URL": urlunsplit(server._replace(path="")).rstrip("/")}
    before = await shop.confirm(await shop.checkout())
    await shop.settled(before.json())
    back_up, restore = blocks("backup-and-restore.md")
    meanwhile = []
    parts = ("billing.worker", "billing.api")
    for part in parts:
        await asyncio.to_thread(stack[part].stop)
    try:
        (tables,) = await shell(back_up, environment, tmp_path)
        assert int(tables) > 10
        meanwhile.append(await shop.confirm(await shop.checkout()))
        await shell(restore, environment, tmp_path)
        meanwhile.append(await shop.confirm(await shop.checkout()))
    finally:
        for part in parts:
            await asyncio.to_thread(stack.restart, part)
    assert [answer.status_code for answer in meanwhile] == [200, 200], "purchases went on without billing"
    # What was there is there, what happened meanwhile arrives, each once.
    async with asyncio.timeout(2 * PATIENCE):
        for answer in (before, *meanwhile):
            await shop.settled(answer.json())
    assert await asyncio.to_thread(stack.rebuild, "billing", empty=False) == 0
    for answer in (before, *meanwhile):
        await shop.settled(answer.json())
