"""Dashboards and alerts speak of metrics that exist, in queries that can be read, and every alert says what to do."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
import yaml
from servicekit import metrics
from support import ROOT, parsed, sources

FOLDER = ROOT / "deploy" / "observability"
OWN = {series for metric in metrics.ALL for series in metric.series}
RABBITMQ = {"rabbitmq_detailed_queue_messages"}
"""Of RabbitMQ's own, with the family `queue_coarse_metrics` of /metrics/detailed (its documentation of Prometheus)."""
ALERTS: list[Any] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in (FOLDER / "grafana" / "dashboards").glob("*.json")}
QUERIES = {rule["alert"]: rule["expr"] for rule in ALERTS} | {
    f"{name}: {panel['title']} {target['refId']}": target["expr"]
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
}


def selectors(query: str) -> Iterator[tuple[str, list[str]]]:
    """The name and the labels of every series that a query asks for. Raises `ValueError` for what is no PromQL."""
    todo: list[Any] = [promql_parser.parse(query)]
    while todo:
        node = todo.pop()
        if isinstance(node, promql_parser.VectorSelector):
            yield node.name, [matcher.name for matcher in node.matchers.matchers]
        else:
            for name in ("expr", "lhs", "rhs", "vector_selector", "vs"):
                todo += [child for child in [getattr(node, name, None)] if child is not None]
            todo += list(getattr(node, "args", None) or ())


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_series_that_exist(name: str) -> None:
    found = list(selectors(QUERIES[name]))
    assert found
    for series, labels in found:
        assert series in OWN | RABBITMQ
        if series in OWN:
            metric = next(metric for metric in metrics.ALL if series in metric.series)
            known = {label.replace(".", "_") for label in metric.labels} | {"service_name", "le"}
            assert set(labels) <= known, f"{series} has no such label"


def test_a_series_that_does_not_exist_would_be_noticed() -> None:
    assert [series for series, _ in selectors("sum(rate(outbox_publishd_total[1m])) / 2 > 1")] == [
        "outbox_publishd_total"
    ]
    with pytest.raises(ValueError):
        list(selectors("sum(rate(outbox_published_total[1m])"))


def test_every_metric_is_shown() -> None:
    shown = {series for query in QUERIES.values() for series, _ in selectors(query)}
    assert [metric.name for metric in metrics.ALL if not shown & set(metric.series)] == []


def test_metrics_are_made_from_the_file_of_names_alone() -> None:
    makers = {"create_counter", "create_histogram", "create_gauge", "create_observable_gauge", "create_up_down_counter"}
    assert len({metric.name for metric in metrics.ALL}) == len(metrics.ALL)
    used = set()
    for path in sources("libs", "services"):
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if path.name != "telemetry.py":
                assert called.rpartition(".")[2] not in makers, path
            if called in ("telemetry.counter", "telemetry.gauge", "telemetry.histogram"):
                name = ast.unparse(node.args[0])
                assert name.startswith("metrics."), f"{path.relative_to(ROOT)} makes {name}"
                used.add(getattr(metrics, name.removeprefix("metrics.")).name)
    assert used == {metric.name for metric in metrics.ALL}


def test_every_alert_says_what_to_do() -> None:
    for rule in ALERTS:
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        headings = re.findall(r"^## (.+)$", (ROOT / path).read_text(), re.MULTILINE)
        assert rule["alert"] in headings
        assert anchor == rule["alert"].lower()
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        used = set(re.findall(r"\$labels\.([a-z_]+)", rule["annotations"]["summary"]))
        kept = re.search(r"by \(([^)]*)\)", rule["expr"])
        assert used <= {label.strip() for label in (kept[1] if kept else "").split(",")}, f"{rule['alert']}: no label"


def test_the_files_fit_together() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.observability.yml").read_text())
    for service in compose["services"].values():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), "a version, never latest"
        for volume in service.get("volumes", ()):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), volume
    collector = yaml.safe_load((FOLDER / "collector.yaml").read_text())
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    scraped = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    assert "collector:8889" in scraped[0]["static_configs"][0]["targets"]
    assert collector["exporters"]["prometheus"]["endpoint"].endswith(":8889")
    sources_of = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/suite.yml").read_text())["datasources"]
    known = {source["uid"] for source in sources_of}
    assert {panel["datasource"]["uid"] for one in DASHBOARDS.values() for panel in one["panels"]} <= known
