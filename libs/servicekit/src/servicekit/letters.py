"""What a mail says, apart from how it looks: rendered as a text part and as an HTML part with one layout.

The HTML uses tables and inline styles, which every mail reader shows, and loads nothing from another host. Both colour
schemes are declared, so that readers in dark mode invert no single colour.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Action:
    """A link to a page of the installation: `path` begins with `/` and stands behind the public address."""

    label: str
    path: str


@dataclass(frozen=True)
class Letter:
    """One mail: its values are plain text, and are escaped where they enter the HTML."""

    sender: str
    """The organization's name, shown above the text."""
    subject: str
    paragraphs: Sequence[str]
    """The first one is also the preview that mail readers list beside the subject."""
    rows: Sequence[tuple[str, str]] = ()
    """Labels and amounts, as a table after the paragraphs."""
    action: Action | None = None
    notes: Sequence[str] = ()
    """Small print below."""
    language: str = "en"

    def to_json(self) -> dict[str, Any]:
        """As it is stored until it is sent."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Letter":
        """A stored letter."""
        action = stored["action"]
        rows = [(label, value) for label, value in stored["rows"]]
        return cls(**{**stored, "rows": rows, "action": Action(**action) if action else None})

    def text(self, public_url: str | None) -> str:
        """The text part. Without `public_url` (no trailing slash) the link is left out."""
        blocks = list(self.paragraphs)
        if self.rows:
            width = max(len(label) for label, _ in self.rows)
            right = max(len(value) for _, value in self.rows)
            blocks.append("\n".join(f"{label:<{width}}  {value:>{right}}" for label, value in self.rows))
        if self.action and public_url is not None:
            blocks.append(f"{self.action.label}:\n{public_url}{self.action.path}")
        return "\n\n".join([*blocks, *self.notes]) + "\n"

    def html(self, public_url: str) -> str:
        """The HTML part."""
        parts = [f'<p style="margin:0 0 16px">{escape(one)}</p>' for one in self.paragraphs]
        if self.rows:
            parts.append(_table(self.rows))
        if self.action:
            address = escape(public_url + self.action.path)
            parts.append(
                f'<p style="margin:24px 0"><a href="{address}" style="{_BUTTON}">{escape(self.action.label)}</a></p>'
            )
        parts += [f'<p style="margin:16px 0 0;font-size:13px;opacity:.75">{escape(one)}</p>' for one in self.notes]
        return _PAGE.format(
            language=escape(self.language),
            subject=escape(self.subject),
            preheader=escape(self.paragraphs[0]),
            sender=escape(self.sender),
            content="\n".join(parts),
        )


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cell = "padding:6px 0;border-bottom:1px solid #8888"
    lines = [
        f'<tr><td style="{cell}">{escape(label)}</td><td align="right" style="{cell}">{escape(value)}</td></tr>'
        for label, value in rows
    ]
    return f'<table width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 16px">{"".join(lines)}</table>'


_BUTTON = (
    "display:inline-block;padding:12px 20px;border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none"
)
_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{subject}</title>
</head>
<body style="margin:0;padding:24px 12px;font:16px/1.5 system-ui,sans-serif">
<div style="display:none;max-height:0;overflow:hidden">{preheader}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" width="560" cellpadding="0" cellspacing="0"
 style="max-width:560px;width:100%;text-align:left">
<tr><td style="padding:0 0 24px;font-size:20px;font-weight:600">{sender}</td></tr>
<tr><td style="overflow-wrap:anywhere">
{content}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
"""
