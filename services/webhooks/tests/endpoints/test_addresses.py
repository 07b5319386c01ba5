"""Which addresses may be called: by their text, by what their names resolve to, and at the moment of the connection."""

import ssl
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servicekit import clock
from webhooks.deliveries.courier import Courier
from webhooks.endpoints import addresses
from webhooks.endpoints.addresses import PublicResolver, check, is_public, objection
from webhooks.settings import Settings

PORTS = (443, 8443)
CLOSED = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.8", "172.16.5.4", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::1", "::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "100::1",
    "5f00::1", "", "example.com", "2130706433", "0x7f000001", "127.1",
]  # fmt: skip
OPEN = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_everybodys_is_closed(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", OPEN)
def test_what_anybody_can_have_is_open(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook", "ftp://example.com/", "https://localhost/", "https://LOCALHOST./", "https://db/hook",
        "https://a.localhost/", "https://db.internal/", "https://printer.local/", "https://router.home.arpa/",
        "https://user:password@example.com/", "https://example.com:22/", "https://example.com:80/",
        "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
        "https://0x7f.1/", "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.1./", "https://0/",
        "https://１２７.０.０.１/", "https://①②⑦.0.0.1/", "https://[::1]/", "https://[::]/", "https://[::ffff:7f00:1]/",
        "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fd00::1]/",
        "https://[fe80::1%25eth0]/", "https://169.254.169.254/latest/meta-data/", "https://[::ffff:169.254.169.254]/",
    ],
)  # fmt: skip
async def test_addresses_that_are_refused_by_their_text(url):
    assert objection(url, PORTS) is not None

    async def asks_nobody(host, port):
        raise AssertionError("the resolver was asked")

    assert await check(url, PORTS, asks_nobody) is not None


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "https://example.com:8443/", "https://8.8.8.8/", "https://[2606:4700::1]/"]
)
def test_addresses_that_are_taken(url):
    assert objection(url, PORTS) is None


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        (["93.184.216.34"], False),
        (["93.184.216.34", "127.0.0.1"], True),
        (["::ffff:10.0.0.1"], True),
        (["64:ff9b::7f00:1"], True),
        (["2002:7f00:1::"], True),
        (["169.254.169.254"], True),
    ],
)
async def test_names_are_refused_for_any_address_that_they_have(found, refused):
    async def resolver(host, port):
        assert (host, port) == ("example.com", 443)
        return found

    assert (await check("https://example.com/hook", PORTS, resolver) is not None) is refused


async def test_a_name_that_is_not_known_yet_may_be_given():
    async def resolver(host, port):
        raise OSError("no such name")

    assert await check("https://soon.example.com/", PORTS, resolver) is None


async def test_the_system_s_own_answer_is_checked():
    with pytest.raises(OSError, match="public"):
        await PublicResolver().resolve("localhost", 443)


class Rebinding(AbstractResolver):
    """A name server that gives another answer each time."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host, port=0, family=0):
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            {"hostname": host, "host": address, "port": port, "family": 2, "proto": 6, "flags": 0} for address in found
        ]

    async def close(self):
        pass


@pytest.fixture
def strict(settings, database_url):
    """The settings of production, as far as addresses go."""
    return settings.model_copy(update={"webhook_allow_internal_addresses": False})


@pytest.fixture
def public_endpoint(client, monkeypatch):
    """Makes an endpoint while its name still looks harmless; then the production's rules hold."""

    async def make(url):
        body = {"url": url, "events": ["benefit.created"]}
        return (await client.post("/v1/webhooks/endpoints", json=body)).json()

    return make


async def test_a_name_that_turns_inside_after_the_check_is_not_called(public_endpoint, strict, tell, database, client):
    await public_endpoint("https://rebinding.example.com/hook")
    await tell()
    resolver = Rebinding(["127.0.0.1"])
    async with Courier(strict, database, PublicResolver(resolver)) as courier:
        assert await courier.claim_due(database.transaction) == 1
        await courier.settle()
    assert resolver.asked == 1
    (delivery,) = (await client.get("/v1/webhooks/deliveries")).json()["items"]
    assert delivery["succeeded"] is False
    assert "public" in delivery["response"]


async def test_an_address_that_was_stored_before_is_refused_at_delivery(
    public_endpoint, strict, tell, database, client
):
    await public_endpoint("https://[::ffff:127.0.0.1]/hook")
    await public_endpoint("http://example.com/hook")
    await tell()
    async with Courier(strict, database) as courier:
        assert await courier.claim_due(database.transaction) == 2
        await courier.settle()
    found = (await client.get("/v1/webhooks/deliveries")).json()["items"]
    assert {delivery["response"] for delivery in found} == {
        "not called: the address must be a public address", "not called: the address must be https"
    }  # fmt: skip


def certificate(name, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


async def test_the_connection_goes_to_the_address_that_was_checked(
    public_endpoint, strict, tell, database, tmp_path, monkeypatch
):
    """The name server answers once with what passes the check, then with another: the first is called, by its name."""
    pem = certificate("shop.example.com", tmp_path)
    seen = []

    async def take(request):
        seen.append((request.headers["Host"], request.transport.get_extra_info("sockname")[0]))
        return web.Response(text="OK")

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    names = []
    context.sni_callback = lambda connection, name, context: names.append(name)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    await public_endpoint(f"https://shop.example.com:{port}/hook")
    await tell()
    resolver = Rebinding(["127.0.0.1"], ["127.0.0.2"])
    checked = PublicResolver(resolver, public=lambda address: address == "127.0.0.1")
    allowed = strict.model_copy(update={"webhook_ports": (443, port)})
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=str(pem)))
    async with Courier(allowed, database, checked) as courier:
        assert await courier.claim_due(database.transaction) == 1
        await courier.settle()
    await runner.cleanup()
    assert (resolver.asked, names) == (1, ["shop.example.com"])
    assert seen == [(f"shop.example.com:{port}", "127.0.0.1")]


async def test_production_refuses_at_creation_change_and_enabling(client, app, settings, strict, monkeypatch):
    path = "/v1/webhooks/endpoints"
    wish = {"url": "https://hooks.example.com/in", "events": ["order.paid"]}
    answers = {"hooks.example.com": ["93.184.216.34"]}

    async def resolver(host, port):
        return answers[host]

    monkeypatch.setattr(addresses.check, "__defaults__", (resolver,))
    monkeypatch.setitem(app.state._state, "settings", strict)
    for url in ("http://example.com/", "https://10.0.0.1/", "https://0x7f.1/"):
        refused = await client.post(path, json={**wish, "url": url})
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "url"])
    endpoint = (await client.post(path, json=wish)).json()
    own = f"{path}/{endpoint['id']}"
    assert (await client.patch(own, json={"enabled": False})).status_code == 200
    answers["hooks.example.com"] = ["10.0.0.1"]
    assert (await client.post(path, json=wish)).status_code == 422
    assert (await client.patch(own, json={"url": wish["url"]})).status_code == 422
    assert (await client.patch(own, json={"enabled": True})).status_code == 422
    assert (await client.get(own)).json()["enabled"] is False
    answers["hooks.example.com"] = ["93.184.216.34"]
    assert (await client.patch(own, json={"enabled": True})).json()["enabled"] is True


def test_private_addresses_are_never_allowed_in_production(settings):
    fields = {name: getattr(settings, name) for name in Settings.model_fields}
    with pytest.raises(ValueError, match="WEBHOOK_ALLOW_INTERNAL_ADDRESSES"):
        Settings.model_validate({
            **fields, "environment": "production", "mail_url": "smtp://mail.example.com", "mail_from": "a@shop.example",
        })  # fmt: skip
