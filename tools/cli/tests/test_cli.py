"""What the launcher does before any server runs: state, ports, tables, processes, permissions, and its errors."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from polar_cli import compose, console, forkserver, provision
from polar_cli.processes import Process
from polar_cli.prove.plan import PARTS, draw
from polar_cli.stack import Stack
from polar_cli.state import ROOT, SERVICES, State, is_free


def polar(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "polar_cli", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_state_is_private_kept_and_safe_for_threads(tmp_path):
    state = State(tmp_path / "stack")
    with ThreadPoolExecutor(16) as pool:
        ports = list(pool.map(lambda number: state.port(f"p{number % 8}"), range(64)))
        secrets = set(pool.map(lambda _: state.secret("one"), range(32)))
    assert len(set(ports)) == 8
    assert len(secrets) == 1
    assert (tmp_path / "stack" / "state.json").stat().st_mode & 0o077 == 0
    again = State(tmp_path / "stack")
    assert again.port("p0") == state.port("p0")
    assert again.secret("one") in secrets
    again.set("pid:rabbitmq", [1, "2"])
    assert state.get("pid:rabbitmq") == [1, "2"], "what another command wrote is seen"


def test_a_taken_port_is_seen():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        assert not is_free(holder.getsockname()[1])


def test_tables_line_up(capsys):
    console.table(("name", "count"), [("a", 1), ("longer", 1234)])
    assert capsys.readouterr().out.splitlines() == ["name    count", "a           1", "longer   1234"]


def process(tmp_path, *command, **options):
    usual = {
        "name": "sleeper",
        "state": State(tmp_path),
        "environment": lambda: {"PATH": "/usr/bin:/bin"},
        "ready": lambda: True,
        "log": tmp_path / "log",
    }
    return Process(command=lambda: list(command), **{**usual, **options})


def test_a_process_is_started_once_and_ended_by_its_own_id(tmp_path):
    sleeper = process(tmp_path, "sleep", "60")
    assert sleeper.start()
    assert not sleeper.start()
    assert process(tmp_path, "sleep", "60").pid == sleeper.pid
    sleeper.stop()
    assert sleeper.pid is None
    # Another process with the stored id is not ours.
    State(tmp_path).set("pid:sleeper", [1, "0"])
    assert process(tmp_path, "sleep", "60").pid is None


def test_a_process_that_ends_says_why(tmp_path):
    failing = process(tmp_path, "sh", "-c", "echo the reason; exit 3")
    failing.ready = lambda: False
    failing.start()
    with pytest.raises(console.Failure, match="the reason"):
        failing.wait_ready(10)


def test_a_process_that_ignores_the_end_is_killed(tmp_path):
    deaf = process(tmp_path, "sh", "-c", "trap '' TERM; sleep 60", patience=0.2, graceful=signal.SIGTERM)
    deaf.start()
    deaf.stop()
    assert deaf.pid is None


def test_a_forked_process_is_as_if_it_was_started_alone(tmp_path):
    """It has its own environment, session, folder and signals, and the libraries; the fork server takes its corpse."""
    address = tmp_path / "forkserver"
    command = (sys.executable, "-m", "polar_cli.forkserver", str(address))
    server = process(tmp_path, *command, name="forkserver", ready=lambda: forkserver.listens(address))
    (tmp_path / "said.py").write_text(
        "import json, os, signal, sys, time\n"
        "print(json.dumps([__name__, dict(os.environ), sys.argv[1:], os.getsid(0) == os.getpid(), os.getcwd(),"
        " signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, 'stripe' in sys.modules]), flush=True)\n"
        "time.sleep(60)\n"
    )
    forked = process(
        tmp_path, sys.executable, "-m", "said", "--loud", name="forked", forkserver=address, folder=tmp_path,
        log=tmp_path / "forked.log",
    )  # fmt: skip
    server.start()
    try:
        server.wait_ready()
        assert forked.start()
        forked.ready = lambda: bool(forked.tail())
        forked.wait_ready()
        said = json.loads(forked.tail())
        assert said == ["__main__", {"PATH": "/usr/bin:/bin"}, ["--loud"], True, str(tmp_path), True, True]
        pid = forked.pid
        forked.stop()
        assert forked.pid is None
        assert not Path(f"/proc/{pid}").exists()

        def ended(script):
            (tmp_path / "ended.py").write_text(script)
            done = forkserver.run(address, [sys.executable, "-m", "ended"], environment={}, folder=tmp_path)
            return done.returncode, done.stdout

        assert ended("import sys; print('out'); print('err', file=sys.stderr, flush=True)") == (0, "err\nout\n")
        busy = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass"
        (tmp_path / "ended.py").write_text(busy)
        command = [sys.executable, "-m", "ended"]
        assert forkserver.run(address, command, environment={}, folder=tmp_path).cpu_seconds >= 0.3
        assert ended("raise SystemExit(3)") == (3, "")
        assert ended("raise SystemExit('why')") == (1, "why\n")
        assert ended("import os; os.kill(os.getpid(), 9)") == (1, "")
        assert "ZeroDivisionError" in ended("1 / 0")[1]
        group = "import os; print(os.getpgid(0))"
        assert ended(group) == (0, f"{server.pid}\n"), "what is waited for ends with the server's session"
    finally:
        server.stop()


def test_a_fork_server_of_a_block_ends_with_it(tmp_path):
    """What it runs is in this process's group, so that an interrupt from the terminal reaches it."""
    (tmp_path / "said.py").write_text("import os, sys; print(os.getpgid(0), os.getppid(), 'wave' in sys.modules)")
    with forkserver.started("wave") as address:
        forkserver.wait(address)
        done = forkserver.run(address, [sys.executable, "-m", "said"], environment={}, folder=tmp_path)
        group, server, has_wave = done.stdout.split()
        assert (int(group), has_wave) == (os.getpgid(0), "True")
        assert Path(f"/proc/{server}").exists()
    assert not Path(f"/proc/{server}").exists()
    assert not address.exists()


def test_unknown_commands_and_groups_say_what_there_is():
    nothing = polar()
    assert nothing.returncode == 2
    for command in (
        "demo",
        "test",
        "prove",
        "bench",
        "up",
        "down",
        "status",
        "logs",
        "reset",
        "dead-letters",
        "openapi",
        "lint",
    ):
        assert command in nothing.stdout
    assert polar("fly").returncode == 2
    wrong = polar("test", "nothing")
    assert wrong.returncode == 2
    assert "→ groups: " in wrong.stderr
    unsure = polar("reset")
    assert unsure.returncode == 2
    assert "--yes" in unsure.stderr


def test_a_service_may_publish_only_its_own_events():
    permissions, topics = provision.permissions_of("catalog")
    assert re.search(topics["write"], "product.created.v1")
    assert not re.search(topics["write"], "order.paid.v1")
    assert re.search(permissions["configure"], "catalog.benefits")
    assert not re.search(permissions["configure"], "billing.checkouts")
    assert not re.search(permissions["read"], "billing.checkouts.dead")


def composed():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_every_service_has_its_three_containers_and_an_image_of_its_own():
    containers = composed()
    for service in SERVICES:
        for kind in ("migrate", "api", "worker"):
            container = containers[f"{service}-{kind}"]
            assert container["read_only"] is True
            assert container["cap_drop"] == ["ALL"]
            assert container["image"] == f"polar-{service}"
            assert f"/{service}" in container["environment"]["DATABASE_URL"]
        waits_for = containers[f"{service}-worker"]["depends_on"]
        assert {f"{other}-migrate" for other in SERVICES} == set(waits_for), "queues exist before anything is published"
        dockerfile = (ROOT / "services" / service / "Dockerfile").read_text()
        assert "USER 10001" in dockerfile
        assert "HEALTHCHECK" in dockerfile
        assert f'CMD ["python", "-m", "{service}.app"]' in dockerfile
        ignored = (ROOT / "services" / service / "Dockerfile.dockerignore").read_text().split()
        assert [line for line in ignored if line.startswith("!services")] == [f"!services/{service}"]


def test_the_compose_environment_is_complete(tmp_path, monkeypatch):
    monkeypatch.delenv("STRIPE_SECRET_KEY", raising=False)
    stack = Stack("test")
    stack.state = State(tmp_path)
    values = compose.environment(stack)
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text()))
    assert asked <= set(values)
    assert all(values[name] for name in asked)
    kept = compose.definitions(stack)
    assert {user["name"] for user in kept["users"]} == {"polar", *SERVICES}
    assert stack.state.secret("broker:billing") not in json.dumps(kept)


def test_no_secret_of_the_launcher_is_in_a_command_line():
    stack = Stack("test")
    secrets = [stack.state.secret(name) for name in ("suite", "stripe-key", "stripe-webhook", "database:billing")]
    for part in stack.processes.values():
        if part.name not in {"postgres", "rabbitmq", "gateway"}:
            assert not any(secret in word for word in part.command() for secret in secrets)


def test_the_root_has_what_a_newcomer_looks_for():
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "LICENSE", "polar", "uv.lock"):
        assert (Path(ROOT) / name).exists()


def test_the_same_seed_is_the_same_plan():
    assert draw(7, 600) == draw(7, 600)
    assert draw(7, 600) != draw(8, 600)
    kills = [trouble.part for trouble in draw(7, 600) if trouble.kind == "kill"]
    assert len(kills) >= 40
    assert set(kills) == set(PARTS), "every part is killed"
    assert {trouble.part for trouble in draw(7, 60, ("billing",)) if trouble.kind == "kill"} <= {
        "billing.api", "billing.worker", "billing.worker.2",
    }  # fmt: skip
