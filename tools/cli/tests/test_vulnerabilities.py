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


@pytest.fixture
def source(monkeypatch, tmp_path):
    """A source that answers with REPORT, and a file of waivers that may be written."""
    monkeypatch.setattr(vulnerabilities, "_ask", lambda _: REPORT)
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
    assert vulnerabilities.audit() == 0
    assert "left out" in capsys.readouterr().out
