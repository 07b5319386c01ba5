"""The documented development commands, `uv run task <name>`: each is run, from the repository's root."""

import asyncio
import json
import os
import re
import signal
import subprocess
import time
import tomllib
import urllib.request
from contextlib import contextmanager

import asyncpg
import pytest
from polar_cli import packages
from polar_cli.stack import Stack
from polar_cli.state import ROOT

DOCUMENTED = (
    "emails", "db_migrate", "api", "worker", "test", "test_fast", "lint", "lint_check", "lint_types", "db_recreate",
    "seeds_load",
)  # fmt: skip
STACK = "tasks"
"""A stack of its own: the one of whoever runs the tests may hold data."""


def command(name, *arguments):
    return [packages.uv(), "run", "task", name, *arguments]


def environment():
    own = {"POLAR_STACK": STACK, "POLAR_NATIVE": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("POLAR_TEST", "VIRTUAL_ENV"))}
    return {**kept, **own}


def task(name, *arguments):
    """Runs a task to its end; gives its exit status and output."""
    done = subprocess.run(
        command(name, *arguments), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_each_documented_name_is_a_task():
    tasks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["taskipy"]["tasks"]
    assert sorted(tasks) == sorted(DOCUMENTED)


def test_emails_are_written_in_every_language():
    status, output = task("emails")
    assert status == 0, output
    folder = ROOT / ".polar" / "emails"
    assert "1.234,50 EUR" in (folder / "de" / "billing-receipt.html").read_text()
    assert "123456" in (folder / "ja" / "identity-login_code.txt").read_text()


def test_what_lint_finds_is_repaired_or_left(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text("import os\nvalue  =  1\n")
    assert task("lint_check", str(path))[0] == 1
    status, output = task("lint", str(path))
    assert (status, path.read_text()) == (0, "value = 1\n"), output
    assert task("lint_check", str(path))[0] == 0
    path.write_text('number: int = "one"\n')
    status, output = task("lint_types", str(path))
    assert status == 1
    assert "Incompatible types in assignment" in output


@pytest.mark.parametrize("name", ["test", "test_fast"])
def test_tests_are_run(name):
    status, output = task(name, "pricing", "-k", "every_presentment_currency_of_the_sdks_is_offered")
    assert status == 0, output
    assert re.search(r"pricing: [1-9]\d* passed, 0 failed", output)


@contextmanager
def running(name):
    """A task that goes on until it is interrupted, from its first answer; gives the line with which it was ready."""
    log = ROOT / ".polar" / STACK / f"task-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            command(name), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        while not (ready := re.search(r"^ready: (.*)$", log.read_text(), re.MULTILINE)):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield ready[1]
    finally:
        # As a terminal does at Ctrl-C: everything in front of it.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def answered(path):
    env = dict(line.split("=", 1) for line in (ROOT / ".polar" / STACK / "env").read_text().splitlines())
    headers = {"Authorization": f"Bearer {env['POLAR_ACCESS_TOKEN']}"}
    request = urllib.request.Request(env["POLAR_API_URL"] + path, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


async def organizations(stack):
    connection = await asyncpg.connect(stack.database_url("identity"))
    try:
        return await connection.fetchval("select count(*) from organizations")
    finally:
        await connection.close()


def alive(stack):
    return {name for name, process in stack.processes.items() if process.pid is not None}


def test_a_stack_is_migrated_served_filled_and_made_anew():
    stack = Stack(STACK, forked=True)
    try:
        status, output = task("db_migrate")
        assert status == 0, output
        with running("api") as url, running("worker"):
            assert url == stack.url
            status, output = task("seeds_load")
            assert status == 0, output
            loaded = answered("/v1/orders/")["pagination"]["total_count"]
            assert loaded == 5
            assert "already" in task("seeds_load")[1]
            assert answered("/v1/orders/")["pagination"]["total_count"] == loaded
            assert asyncio.run(organizations(stack)) == 1
            status, output = task("db_recreate")
            assert status == 0, output
            assert asyncio.run(organizations(stack)) == 0
        deadline = time.monotonic() + 60
        while alive(stack) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert alive(stack) == set(), "the servers end with the last half"
    finally:
        stack.reset()
