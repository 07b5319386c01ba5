"""`./polar emails`: every mail in every language as files, to look at in a browser before one is sent."""

import importlib
import shutil
from dataclasses import replace
from html import escape

from servicekit.letters import Letter, Look

from polar_cli.console import say, step
from polar_cli.state import ROOT

FOLDER = ROOT / ".polar" / "emails"
SENDERS = ("identity", "billing", "webhooks")
"""The services that send mails: each has its samples in `<service>.mails.samples`."""
_ADDRESS = "http://127.0.0.1:8000"
_COLOR = "#0f766e"
_LOGO = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 40" width="96" height="40">
<rect width="96" height="40" rx="8" fill="#0f766e"/><circle cx="22" cy="20" r="10" fill="#fff"/>
<rect x="42" y="14" width="40" height="12" rx="6" fill="#fff"/></svg>
"""


def write() -> int:
    """Writes an HTML and a text file for each mail and language, and an index of them. Returns 0."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    rows = []
    with step("writing the mails"):
        for language, name, mail in letters():
            folder = FOLDER / language
            folder.mkdir(parents=True, exist_ok=True)
            shown = replace(mail, look=Look("../logo.svg", _COLOR))
            (folder / f"{name}.html").write_text(shown.html(_ADDRESS))
            (folder / f"{name}.txt").write_text(mail.text(_ADDRESS))
            path = f"{language}/{name}"
            rows.append(
                f'<li>{escape(language)}: <a href="{path}.html">{escape(mail.subject)}</a> '
                f'(<a href="{path}.txt">text</a>)</li>'
            )
        (FOLDER / "logo.svg").write_text(_LOGO)
        (FOLDER / "index.html").write_text(f"<!doctype html><title>Mails</title><ul>{''.join(rows)}</ul>")
    say(f"{len(rows)} mails: {(FOLDER / 'index.html').relative_to(ROOT)}")
    return 0


def letters() -> list[tuple[str, str, Letter]]:
    """Language, name (`billing-receipt`) and sample of every mail."""
    found = []
    for service in SENDERS:
        module = importlib.import_module(f"{service}.mails.samples")
        for language in sorted(module.LANGUAGES):
            samples: dict[str, Letter] = module.samples(language)
            found += [(language, f"{service}-{name}", mail) for name, mail in samples.items()]
    return found
