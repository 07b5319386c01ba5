"""What an operator sets is remembered, and a change restarts what takes it."""

import os
import stat
import time

import pytest
from polar_cli import replacing, servers, settings
from polar_cli.console import Failure
from polar_cli.processes import Process
from polar_cli.servers import Limits
from polar_cli.stack import Stack
from polar_cli.state import SERVICES, State


@pytest.fixture
def nothing_set(monkeypatch):
    """An environment without settings, which may be changed freely."""
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]})
    return monkeypatch


def test_settings_are_remembered_until_they_are_changed_or_emptied(tmp_path, nothing_set):
    pem = "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n"
    values = {"POLAR_PORT": "8010", "PLATFORM_FEE_FIXED": '{"usd": 50}', "GITHUB_APP_PRIVATE_KEY": pem,
              "MAIL_URL": "smtp://me:p$w#d@mail.example:587", "UNKNOWN": "x"}  # fmt: skip
    os.environ.update(values)
    assert settings.remember(tmp_path) == sorted(values.keys() - {"UNKNOWN"})
    assert stat.S_IMODE((tmp_path / "settings.env").stat().st_mode) == 0o600
    for name in values:
        del os.environ[name]
    settings.recall(tmp_path)
    assert settings.given() == {name: value.replace("\n", "\\n") for name, value in values.items() if name != "UNKNOWN"}
    for name in values:
        os.environ.pop(name, None)
    os.environ |= {"POLAR_PORT": "8020", "MAIL_URL": ""}
    settings.recall(tmp_path)
    assert settings.given()["POLAR_PORT"] == "8020"
    assert "MAIL_URL" not in settings.given()
    assert "MAIL_URL" not in settings.remember(tmp_path)


def test_a_value_is_kept_whatever_it_consists_of(tmp_path, nothing_set):
    odd = 'a"b $HOME ${X} `id` #c \\n \u2028GATEWAY_BURST=1\x0cGATEWAY_BURST=2\x85x'
    os.environ["MAIL_URL"] = odd
    settings.remember(tmp_path)
    del os.environ["MAIL_URL"]
    settings.recall(tmp_path)
    assert os.environ["MAIL_URL"] == odd
    assert "GATEWAY_BURST" not in os.environ


@pytest.mark.parametrize("value", ["smtp://me:it's@mail.example", "smtp://x\rGATEWAY_BURST=1", "smtp://mail\\"])
def test_a_value_that_cannot_be_kept_is_refused(tmp_path, nothing_set, value):
    os.environ["MAIL_URL"] = value
    with pytest.raises(Failure, match="MAIL_URL"):
        settings.remember(tmp_path)


def test_another_secret_than_the_one_in_use_is_refused(tmp_path, nothing_set):
    nothing_set.setattr("polar_cli.stack.ROOT", tmp_path)
    os.environ["SECRET"] = "a" * 40
    assert Stack().environment("catalog")["SECRET"] == "a" * 40
    os.environ["SECRET"] = "b" * 40
    with pytest.raises(Failure, match="SECRET"):
        Stack()
    del os.environ["SECRET"]
    assert Stack().environment("catalog")["SECRET"] == "a" * 40


def test_stacks_of_tests_take_no_settings(tmp_path, nothing_set):
    nothing_set.setattr("polar_cli.stack.ROOT", tmp_path)
    os.environ |= {"MAIL_URL": "smtp://real.example", "STRIPE_SECRET_KEY": "sk_live_real", "ENVIRONMENT": "production"}
    started = Stack("other").environment("billing")
    assert started["ENVIRONMENT"] == "development"
    assert started["STRIPE_SECRET_KEY"].startswith("sk_test_")
    assert started["MAIL_URL"].startswith("file://")


def test_one_setting_concerns_the_processes_of_one_service(tmp_path, nothing_set):
    nothing_set.setattr("polar_cli.stack.ROOT", tmp_path)

    def fingerprints():
        return {name: process._fingerprint() for name, process in Stack().processes.items() if name in own}

    own = {f"{service}.{kind}" for service in SERVICES for kind in ("api", "worker")} | {"gateway", "stripe"}
    before = fingerprints()
    assert set(before) == own
    assert fingerprints() == before

    def concerned(name, value):
        os.environ[name] = value
        after = fingerprints()
        del os.environ[name]
        return {part for part in own if after[part] != before[part]}

    assert concerned("CHECKOUT_TTL_SECONDS", "3600") == {"checkout.api", "checkout.worker"}
    assert concerned("DISCORD_BOT_TOKEN", "x") == {"benefits.api", "benefits.worker"}
    assert concerned("GATEWAY_RATE_PUBLIC", "31") == {"gateway"}
    assert concerned("SECURITY_CONTACT", "security@shop.example") == {"gateway"}
    assert concerned("LOG_LEVEL", "DEBUG") == own - {"gateway", "stripe"}
    assert concerned("PATH", "/usr/bin:/bin") <= {"gateway", "stripe"}


def test_a_process_with_another_environment_is_outdated(tmp_path):
    given = {"PATH": "/usr/bin:/bin", "LEVEL": "1"}
    sleeper = Process(
        name="sleeper", state=State(tmp_path), command=lambda: ["sh", "-c", "umask > mask; sleep 60"],
        environment=lambda: given, ready=lambda: True, log=tmp_path / "log", folder=tmp_path,
    )  # fmt: skip
    assert not sleeper.is_outdated
    sleeper.start()
    try:
        assert not sleeper.is_outdated
        given["PATH"] = "/bin"
        assert not sleeper.is_outdated
        given["LEVEL"] = "2"
        assert sleeper.is_outdated
        assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600, "and what it writes itself, by its mask:"
        while not (tmp_path / "mask").exists() or not (tmp_path / "mask").read_text():
            time.sleep(0.01)
        assert (tmp_path / "mask").read_text().strip().endswith("077")
    finally:
        sleeper.stop()


VALUES = {
    "GATEWAY_LISTEN": "127.0.0.1:1", "GATEWAY_RUN": "/run", "GATEWAY_CACHE": "/dev/shm/x", "GATEWAY_CONFIG": "/etc/x",
    "GATEWAY_PAGES": "/p", "GATEWAY_ERROR_LOG": "stderr", "GATEWAY_ACCESS_LOG": "/dev/stdout", "GATEWAY_WORKERS": "1",
    **{f"{service.upper()}_UPSTREAM": f"{service}-api:8000" for service in SERVICES},
}  # fmt: skip


def test_a_resolver_changes_the_addresses_of_services_alone():
    fixed = servers.rendered(VALUES).splitlines()
    followed = servers.rendered({**VALUES, "GATEWAY_RESOLVER": "127.0.0.11"}).splitlines()
    differing = [new.strip() for old, new in zip(fixed, followed, strict=True) if old != new]
    assert differing[0] == "resolver 127.0.0.11 valid=1s ipv6=off; resolver_timeout 2s;"
    upstreams = [*(f"{service}-api:8000" for service in SERVICES), "127.0.0.1:9"]  # the last: no stand-in of Stripe
    for line, upstream in zip(differing[1:], upstreams, strict=True):
        assert f"server {upstream} max_fails=1 fail_timeout=10s resolve;" in line
    assert "$request_id" in "\n".join(fixed), "nginx's own variables stay"
    assert "${GATEWAY" not in "\n".join(fixed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_RATE_PUBLIC", "5r/s; deny all"), ("GATEWAY_BURST", "0"), ("GATEWAY_TRUSTED_PROXIES", "10.0.0.0/8;x"),
        ("GATEWAY_RESOLVER", "dns.example"), ("SECURITY_CONTACT", "somebody"), ("SECURITY_CONTACT", "http://shop.example"),
        ("SECURITY_CONTACT", "a@b.example'; return 200 '"), ("SECURITY_CONTACT", "a@b.example\nExpires: never"),
        ("SECURITY_CONTACT", "javascript:x@y"), ("PUBLIC_URL", "shop.example"),
        ("STRIPE_JS_URL", "https://js.stripe.com.example/x.js"), ("STRIPE_JS_URL", "/_stripe/';"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_1'}"), ("GATEWAY_RATE_PAGES", "0"),
    ],
)  # fmt: skip
def test_a_setting_of_the_gateway_that_is_no_good_stops_its_start(name, value):
    contact = {"SECURITY_CONTACT": "security@shop.example", "PUBLIC_URL": "https://api.shop.example"}
    with pytest.raises(Failure, match=f"gateway cannot start: {name}"):
        servers.rendered({**VALUES, **contact, name: value})


def test_limits_are_the_operator_s_where_they_are_set(tmp_path):
    limits = servers.rendered({**VALUES, **Limits().environment(), "GATEWAY_RATE_PUBLIC": "77"})
    assert "zone=public:10m rate=77r/s" in limits
    assert "zone=organization:10m rate=100r/s" in limits
    assert "zone=organization:10m rate=100r/s" in servers.rendered(VALUES), "the image's own"


def test_what_a_gateway_keeps_in_memory_is_its_own(tmp_path):
    folder = servers.in_memory(tmp_path)
    assert str(folder).startswith("/dev/shm/")
    assert folder != servers.in_memory(tmp_path / "other")
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(Failure, match="in the way"):
            servers.forget(folder)
    finally:
        folder.unlink()
    folder.mkdir()
    (folder / "entry").write_text("x")
    servers.forget(folder)
    assert not folder.exists()


def test_what_must_be_replaced_is_what_is_down_newer_or_set_otherwise(monkeypatch):
    monkeypatch.setattr(replacing, "_docker", lambda *arguments: f"id of {arguments[-1]}\n")

    def container(service, *, is_running=True, is_done=False, image="polar-x"):
        return replacing.Container(service, service, is_running, is_done, f"id of {image}", "polar-x")

    wanted = dict.fromkeys(("postgres", "gateway", "x-migrate", "x-worker", "x-api"), "1")
    present = [container(name) for name in wanted if name != "x-migrate"]
    present.append(container("x-migrate", is_running=False, is_done=True))
    assert replacing.changed(wanted, wanted, present) == set()
    assert replacing.changed({**wanted, "x-api": "2"}, wanted, present) == {"x-api"}
    assert replacing.changed(wanted, {}, present) == wanted.keys() - {"postgres"}, "a start by an older release"
    assert replacing.changed(wanted, wanted, present[:-1]) == {"x-migrate"}
    down = [container("gateway", is_running=False), *(one for one in present if one.service != "gateway")]
    assert replacing.changed(wanted, wanted, down) == {"gateway"}
    newer = [container("x-api", image="another"), *(one for one in present if one.service != "x-api")]
    assert replacing.changed(wanted, wanted, newer) == {"x-api"}
