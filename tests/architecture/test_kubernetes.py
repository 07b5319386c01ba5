"""The manifests of deploy/kubernetes: rendered, valid, complete, and closed except for what is listed here."""

import importlib
import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
import yaml
from polar_cli import kubernetes
from pydantic import ValidationError
from servicekit.settings import Settings
from support import ROOT, SERVICES

OVERLAYS = sorted(path.name for path in (kubernetes.FOLDER / "overlays").iterdir())
NAME, COMPONENT, CLUSTER = "app.kubernetes.io/name", "app.kubernetes.io/component", "cnpg.io/cluster"
PRIVATE = {"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"}
OUTSIDE = {
    "identity": {465, 587},
    "catalog": {443},
    "checkout": {443},
    "billing": {443, 465, 587},
    "benefits": {443},
    "webhooks": {443, 8443, 465, 587},
    "metering": set(),
}
"""The ports of public addresses that a service may reach: mail, a bucket, Stripe, GitHub and Discord, merchants."""
SHARED = {"ENVIRONMENT", "PUBLIC_URL", "CORS_ORIGINS", "LOG_LEVEL", "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""Settings that are no secret and the same for all: in the ConfigMap `suite`."""
PLAUSIBLE = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://u:p@h/d",
    "RABBITMQ_URL": "amqp://u:p@h/",
    "SECRET": "x" * 40,
    "PRINCIPAL_PUBLIC_KEY": "a2V5",
    "PRINCIPAL_PRIVATE_KEY": "c2VlZA==",
    "MAIL_URL": "smtp://u:p@h:587",
    "FILES_URL": "s3://bucket",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_PUBLISHABLE_KEY": "pk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}


@cache
def rendered(overlay: str) -> list[Any]:
    return kubernetes.render(kubernetes.FOLDER / "overlays" / overlay)


def found(kind: str, name: str, overlay: str = "example") -> Any:
    (one,) = (item for item in rendered(overlay) if item["kind"] == kind and item["metadata"]["name"] == name)
    return one


def pods(overlay: str) -> dict[str, Any]:
    """The pod of every workload that is ours, by the workload's name."""
    return {
        item["metadata"]["name"]: item["spec"]["template"]
        for item in rendered(overlay)
        if item["kind"] in ("Deployment", "Job")
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_as_its_schema_says(overlay: str) -> None:
    core = kubernetes.schemas()
    definitions = json.loads((core / "_definitions.json").read_text())
    assert rendered(overlay)
    for item in rendered(overlay):
        group, _, version = item["apiVersion"].rpartition("/")
        own = kubernetes.FOLDER / "schemas" / f"{item['kind'].lower()}-{group}-{version}.json"
        if own.exists():
            validator = jsonschema_rs.validator_for(json.loads(own.read_text()))
        else:
            name = "-".join(part for part in (item["kind"].lower(), group.split(".")[0], version) if part)
            schema = json.loads((core / f"{name}.json").read_text())
            validator = jsonschema_rs.validator_for(
                {"$id": "file:///schema.json", **schema}, retriever=lambda _: definitions
            )
        problems = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(item)]
        assert problems == [], f"{item['kind']} {item['metadata']['name']}"


def test_a_wrong_field_is_refused() -> None:
    """Otherwise the schemas would prove nothing."""
    core = kubernetes.schemas()
    definitions = json.loads((core / "_definitions.json").read_text())
    schema = {"$id": "file:///schema.json", **json.loads((core / "deployment-apps-v1.json").read_text())}
    validator = jsonschema_rs.validator_for(schema, retriever=lambda _: definitions)
    deployment = json.loads(json.dumps(found("Deployment", "billing-api")))
    assert validator.is_valid(deployment)
    deployment["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    assert not validator.is_valid(deployment)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_every_object(service: str, overlay: str) -> None:
    present = {
        (item["kind"], item["metadata"]["name"])
        for item in rendered(overlay)
        if item["metadata"].get("labels", {}).get(NAME) == service
    }
    assert present >= {
        ("Deployment", f"{service}-api"), ("Deployment", f"{service}-worker"), ("Job", f"{service}-migrate"),
        ("Service", f"{service}-api"), ("PodDisruptionBudget", f"{service}-api"), ("ServiceAccount", service),
        ("PodDisruptionBudget", f"{service}-worker"), ("Cluster", f"{service}-postgres"),
        ("NetworkPolicy", f"{service}-closed"), ("NetworkPolicy", f"{service}-database"),
    }  # fmt: skip
    assert (("ScaledObject", f"{service}-worker") in present) is (overlay == "keda")
    for kind, port in (("api", 8000), ("worker", 8001)):
        pod = pods(overlay)[f"{service}-{kind}"]
        container = pod["spec"]["containers"][0]
        assert container["command"] == ["python", "-m", f"{service}.{'app' if kind == 'api' else 'worker'}"]
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port}
        labels = {NAME: service, COMPONENT: kind}
        assert pod["metadata"]["labels"] == labels
        assert found("PodDisruptionBudget", f"{service}-{kind}", overlay)["spec"]["selector"]["matchLabels"] == labels
    assert pods(overlay)[f"{service}-migrate"]["spec"]["containers"][0]["command"][-1] == service
    assert found("Service", f"{service}-api", overlay)["spec"]["selector"] == {NAME: service, COMPONENT: "api"}
    initdb = found("Cluster", f"{service}-postgres", overlay)["spec"]["bootstrap"]["initdb"]
    assert (initdb["database"], initdb["owner"]) == (service, service)


def test_no_placeholder_is_left() -> None:
    for overlay in OVERLAYS:
        text = json.dumps([item for item in rendered(overlay) if item["kind"] != "Service"])
        assert not re.search(r'"service(-[a-z]+)?"|"service[.\[]|polar-service', text.replace('"-", "service"', ""))


def test_workers_are_scaled_by_the_queues_of_their_service() -> None:
    for service in SERVICES:
        spec = found("ScaledObject", f"{service}-worker", "keda")["spec"]
        assert spec["scaleTargetRef"]["name"] == f"{service}-worker"
        pattern = re.compile(spec["triggers"][0]["metadata"]["queueName"])
        queues = [flow.queue for flow in importlib.import_module(f"{service}.worker").FLOWS]
        assert all(pattern.search(queue) and not pattern.search(f"{queue}.dead") for queue in queues)
        assert not any(pattern.search(f"{other}.orders") for other in SERVICES if other != service)
        assert "replicas" not in found("Deployment", f"{service}-worker", "keda")["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_container_has_more_rights_than_it_needs(overlay: str) -> None:
    assert len(pods(overlay)) == 3 * len(SERVICES) + 1
    for name, pod in pods(overlay).items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        assert all(set(volume) == {"name", "emptyDir"} for volume in spec["volumes"]), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }  # fmt: skip
            assert container["resources"]["limits"]["memory"], name


def test_images_are_named_by_digest() -> None:
    images = {container["image"] for pod in pods("example").values() for container in pod["spec"]["containers"]}
    assert len(images) == len(SERVICES) + 1
    assert all(re.search(r"/polar-[a-z]+@sha256:[0-9a-f]{64}$", image) for image in images)
    for path in kubernetes.FOLDER.rglob("*.yaml"):
        assert not re.search(r"image: *\S+:latest|newTag: *latest", path.read_text()), path


def selected(policy: Any, labels: dict[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in policy["spec"]["podSelector"]["matchLabels"].items())


def peers(rule: dict[str, Any], direction: str) -> set[Any]:
    """(peer, port) of a rule: the peer as `name`, `name@namespace`, or `outside`."""
    result: set[Any] = set()
    for peer in rule.get(direction, [{}]):
        if "ipBlock" in peer:
            if peer["ipBlock"]["cidr"] == "0.0.0.0/0":
                assert set(peer["ipBlock"].get("except", ())) in (PRIVATE, set())
            names = ["outside"]
        else:
            selector = peer.get("podSelector", {})
            names = list(selector.get("matchLabels", {}).values())
            names = [value for entry in selector.get("matchExpressions", ()) for value in entry["values"]] or names
            where = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
            names = [f"{name}@{where}" if where else name for name in names or ["anything"]]
        for name in names:
            for port in rule["ports"]:
                result.add((name, port["port"]))
    return result


def allowed(labels: dict[str, str], direction: str, overlay: str) -> set[Any]:
    """What all policies together let a pod with these labels reach (`to`), or be reached by (`from`)."""
    kind, key = {"to": ("Egress", "egress"), "from": ("Ingress", "ingress")}[direction]
    policies = [item for item in rendered(overlay) if item["kind"] == "NetworkPolicy" and selected(item, labels)]
    assert any(kind in policy["spec"]["policyTypes"] for policy in policies), "nothing closes this pod"
    return {
        peer
        for policy in policies
        if kind in policy["spec"]["policyTypes"]
        for rule in policy["spec"].get(key, ())
        for peer in peers(rule, direction)
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_its_own_and_nothing_else(service: str, overlay: str) -> None:
    everyone = {("kube-dns@kube-system", 53), ("rabbitmq", 5672), ("otel-collector", 4318)}
    wanted = everyone | {(f"{service}-postgres", 5432)} | {("outside", port) for port in OUTSIDE[service]}
    for kind in ("api", "worker", "migrate"):
        labels = {NAME: service, COMPONENT: kind}
        assert allowed(labels, "to", overlay) == wanted
        assert allowed(labels, "from", overlay) == ({("gateway", 8000)} if kind == "api" else set())
    database = allowed({CLUSTER: f"{service}-postgres"}, "from", overlay)
    assert {peer for peer, _ in database} == {service, f"{service}-postgres", "anything@cnpg-system"}


def test_the_gateway_and_the_broker_reach_what_they_need() -> None:
    names = {(service, 8000) for service in SERVICES} | {("kube-dns@kube-system", 53)}
    assert allowed({NAME: "gateway"}, "to", "example") == names
    broker = allowed({NAME: "rabbitmq"}, "from", "example")
    assert {name for name, port in broker if port == 5672} == set(SERVICES)
    assert not any(port == 15672 for _, port in broker)
    assert ("anything@keda", 15672) in allowed({NAME: "rabbitmq"}, "from", "keda")


@pytest.mark.parametrize("service", SERVICES)
def test_a_deployment_sets_what_its_settings_need(service: str) -> None:
    """Exactly the settings without which the service would not start, or could let nobody in."""
    own: type[Settings] = importlib.import_module(f"{service}.settings").Settings
    known = {name.upper() for name in own.model_fields}
    shared = {item["metadata"]["name"]: item for item in rendered("example") if item["kind"] == "ConfigMap"}
    config = next(item for name, item in shared.items() if name.startswith("suite-"))
    assert set(config["data"]) == SHARED <= known
    of_its_own = [item["data"] for name, item in shared.items() if name.startswith(f"{service}-settings-")]

    def starts(names: set[str], monkeypatch: pytest.MonkeyPatch) -> bool:
        for name in known:
            monkeypatch.delenv(name, raising=False)
        for name in names:
            monkeypatch.setenv(name, PLAUSIBLE[name])
        for values in of_its_own:
            for name, value in values.items():
                monkeypatch.setenv(name, value)
        try:
            settings = own()
        except ValidationError:
            return False
        # These have a default with which a service starts, and can then not do its work.
        useless = ("principal_public_key", "stripe_publishable_key", "mail_url")
        return all(getattr(settings, name) for name in useless if name in own.model_fields)

    for kind in ("api", "worker", "migrate"):
        container = pods("example")[f"{service}-{kind}"]["spec"]["containers"][0]
        assert container["envFrom"][0] == {"configMapRef": {"name": config["metadata"]["name"]}}
        given = {entry["name"] for entry in container["env"]}
        with pytest.MonkeyPatch.context() as monkeypatch:
            assert given <= known
            assert starts(given, monkeypatch), "a setting is missing"
            assert [name for name in given if starts(given - {name}, monkeypatch)] == [], "it would start without"


def test_every_secret_is_named_and_made() -> None:
    outside = dict.fromkeys(("MAIL_URL", "FILES_URL"), "x")
    outside |= dict.fromkeys(("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET"), "x")
    made = {
        (secret["metadata"]["name"], key)
        for secret in kubernetes.new_secrets("polar", outside)
        for key in secret["stringData"]
    }
    made |= {(f"{service}-postgres-app", "uri") for service in SERVICES}  # CloudNativePG's own
    assert not [item for overlay in OVERLAYS for item in rendered(overlay) if item["kind"] == "Secret"]
    named = set()
    for pod in pods("example").values():
        for entry in (entry for container in pod["spec"]["containers"] for entry in container.get("env", ())):
            assert set(entry) == {"name", "valueFrom"}, "a secret by reference only"
            named.add((entry["valueFrom"]["secretKeyRef"]["name"], entry["valueFrom"]["secretKeyRef"]["key"]))
    reference = found("TriggerAuthentication", "rabbitmq", "keda")["spec"]["secretTargetRef"][0]
    named.add((reference["name"], reference["key"]))
    definitions = {("rabbitmq-definitions", "definitions.json"), ("rabbitmq-administrator", "url")}
    assert named | definitions == made


def test_containers_of_compose_have_no_capabilities() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    passwords = {f"{service.upper()}_DATABASE_PASSWORD" for service in SERVICES}
    assert passwords <= set(services["postgres"]["environment"]), "create-roles.sh would stop"
    for name, service in services.items():
        if name not in {"postgres", "rabbitmq"}:
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def test_databases_fold_letters_alike_in_every_deployment() -> None:
    """Two addresses are one customer where `citext` says so: with the locale C only ASCII letters would be folded."""
    natively = (ROOT / "tools/cli/src/polar_cli/servers.py").read_text()
    assert '"--locale=C.UTF-8"' in natively
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert "--locale=C.UTF-8" in compose["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    clusters = [item for item in rendered("example") if item["kind"] == "Cluster"]
    assert len(clusters) == len(SERVICES)
    for cluster in clusters:
        initdb = cluster["spec"]["bootstrap"]["initdb"]
        assert (initdb["localeCollate"], initdb["localeCType"]) == ("C.UTF-8", "C.UTF-8")


def test_a_second_set_of_secrets_is_refused_by_the_cluster() -> None:
    outside = {name: PLAUSIBLE[name] for name in PLAUSIBLE if name.startswith(("STRIPE", "MAIL", "FILES"))}
    assert all(secret["immutable"] is True for secret in kubernetes.new_secrets("polar", outside))
