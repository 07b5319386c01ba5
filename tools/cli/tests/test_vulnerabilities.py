"""Known vulnerabilities: what counts, what is waived and until when, and a source that cannot be asked."""

import pytest
from polar_cli import vulnerabilities
from polar_cli.console import Failure

REPORT = {
    "dependencies": [
        {"name": "jinja2", "version": "2.10", "vulns": [
            {"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": ["CVE-2019-10906"], "description": ""}]},
        {"name": "left-out", "skip_reason": "not found"},
        {"name": "clean", "version": "1", "vulns": []},
    ],
    "fixes": [],
}  # fmt: skip


NPM = {
    "advisories": {
        "1": {
            "id": 1, "module_name": "minimist", "findings": [{"version": "0.0.8", "paths": [".>minimist"]}],
            "github_advisory_id": "GHSA-vh95-rmgr-6w4m", "cves": ["CVE-2020-7598"], "patched_versions": ">=0.2.1",
        }
    }
}  # fmt: skip


@pytest.fixture
def source(monkeypatch, tmp_path):
    """A source that answers with REPORT, and a file of waivers that may be written."""
    monkeypatch.setattr(vulnerabilities, "_ask", lambda _: REPORT)
    monkeypatch.setattr(vulnerabilities, "_ask_npm", lambda _: {})
    monkeypatch.setattr(vulnerabilities, "_locked", lambda: "jinja2==2.10")
    path = tmp_path / "waivers.toml"
    path.write_text("")
    monkeypatch.setattr(vulnerabilities, "WAIVERS", path)
    return path


def test_a_known_vulnerability_fails_and_is_named(source, capsys):
    assert vulnerabilities.audit() == 1
    assert "jinja2 2.10: PYSEC-2019-217 CVE-2019-10906, repaired in 2.10.1" in capsys.readouterr().out


@pytest.mark.parametrize(("until", "status"), [("2999-01-01", 0), ("2020-01-01", 1)])
@pytest.mark.parametrize("id", ["PYSEC-2019-217", "CVE-2019-10906"])
def test_a_waiver_counts_until_its_day(source, id, until, status):
    source.write_text(f'[[waived]]\nid = "{id}"\nreason = "not used"\nuntil = {until}\n')
    assert vulnerabilities.audit() == status


def test_a_waiver_needs_a_reason_and_an_end(source):
    source.write_text('[[waived]]\nid = "X"\nreason = "not used"\n')
    with pytest.raises(Failure):
        vulnerabilities.audit()


@pytest.mark.parametrize("report", [{}, {"dependencies": [{"name": "jinja2", "skip_reason": "not found"}]}])
def test_a_source_that_knows_nothing_is_no_clean_audit(monkeypatch, capsys, report):
    monkeypatch.setattr(vulnerabilities, "_ask", lambda _: report)
    monkeypatch.setattr(vulnerabilities, "_ask_npm", lambda _: {"error": {"code": "ERR_PNPM_AUDIT_BAD_RESPONSE"}})
    assert vulnerabilities.audit() == 0
    output = capsys.readouterr().out
    assert "left out: no source of vulnerabilities of uv.lock" in output
    assert "left out: no source of vulnerabilities of pnpm-lock.yaml" in output
    assert "is known" not in output


@pytest.mark.parametrize("waived", ["", "GHSA-vh95-rmgr-6w4m", "CVE-2020-7598"])
def test_the_lock_of_the_pages_is_asked_about_too(source, monkeypatch, capsys, waived):
    monkeypatch.setattr(vulnerabilities, "_ask", lambda _: {})
    monkeypatch.setattr(vulnerabilities, "_ask_npm", lambda _: NPM)
    if waived:
        source.write_text(f'[[waived]]\nid = "{waived}"\nreason = "not used"\nuntil = 2999-01-01\n')
    assert vulnerabilities.audit() == (0 if waived else 1)
    named = "minimist 0.0.8: GHSA-vh95-rmgr-6w4m CVE-2020-7598, repaired in >=0.2.1"
    assert (named in capsys.readouterr().out) == (not waived)
