"""What a mail says, apart from how it looks: rendered as a text part and as an HTML part with one layout.

The HTML uses tables and inline styles, which every mail reader shows. It loads nothing but the sender's logo, which is
an upload at the installation's own address. Both colour schemes are declared, so that readers in dark mode invert no
single colour.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import Any

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_USUAL = "#1d4ed8"


@dataclass(frozen=True)
class Action:
    """A link to a page of the installation: `path` begins with `/` and stands behind the public address."""

    label: str
    path: str


@dataclass(frozen=True)
class Look:
    """How a sender's mails look. `logo_url` is an address of the installation; `color` is written as `#1a2b3c`."""

    logo_url: str | None = None
    color: str | None = None

    @classmethod
    def of(cls, branding: Mapping[str, Any] | None) -> "Look":
        """The look of a sender's public `branding`; a colour that is none is left out."""
        found = branding or {}
        logo, color = found.get("logo_url"), found.get("brand_color")
        is_address = isinstance(logo, str) and logo.startswith(("https://", "http://"))
        is_color = isinstance(color, str) and _COLOR.fullmatch(color)
        return cls(logo if is_address else None, color if is_color else None)


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
    look: Look = Look()
    links: Sequence[Action] = ()
    """Further links, in small print at the end."""

    def to_json(self) -> dict[str, Any]:
        """As it is stored until it is sent."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Letter":
        """A stored letter; fields that another release stored and this one does not know are left out."""
        known = {field.name for field in fields(cls)} & stored.keys()
        action, look = stored["action"], stored.get("look")
        rows = [(label, value) for label, value in stored["rows"]]
        links = tuple(Action(**link) for link in stored.get("links", ()))
        values = {**{name: stored[name] for name in known}, "rows": rows, "links": links}
        values |= {"action": Action(**action) if action else None, "look": Look(**look) if look else Look()}
        return cls(**values)

    def text(self, public_url: str | None) -> str:
        """The text part. Without `public_url` (no trailing slash) the link is left out."""
        blocks = list(self.paragraphs)
        if self.rows:
            width = max(len(label) for label, _ in self.rows)
            right = max(len(value) for _, value in self.rows)
            blocks.append("\n".join(f"{label:<{width}}  {value:>{right}}" for label, value in self.rows))
        if self.action and public_url is not None:
            blocks.append(f"{self.action.label}:\n{public_url}{self.action.path}")
        blocks += self.notes
        if public_url is not None:
            blocks += [f"{link.label}:\n{public_url}{link.path}" for link in self.links]
        return "\n\n".join(blocks) + "\n"

    def html(self, public_url: str) -> str:
        """The HTML part."""
        color = self.look.color or _USUAL
        parts = [f'<p style="margin:0 0 16px">{escape(one)}</p>' for one in self.paragraphs]
        if self.rows:
            parts.append(_table(self.rows))
        if self.action:
            address = escape(public_url + self.action.path)
            style = _BUTTON.format(color=color, text=text_on(color))
            parts.append(
                f'<p style="margin:24px 0"><a href="{address}" style="{style}">{escape(self.action.label)}</a></p>'
            )
        parts += [f'<p style="margin:16px 0 0;font-size:13px;opacity:.75">{escape(one)}</p>' for one in self.notes]
        if self.links:
            links = " &nbsp; ".join(_link(public_url, self.links))
            parts.append(f'<p style="margin:24px 0 0;font-size:13px">{links}</p>')
        return _PAGE.format(
            language=escape(self.language),
            subject=escape(self.subject),
            preheader=escape(self.paragraphs[0]),
            color=color,
            logo=_LOGO.format(address=escape(self.look.logo_url)) if self.look.logo_url else "",
            sender=escape(self.sender),
            content="\n".join(parts),
        )


def text_on(color: str) -> str:
    """The text that can be read on a colour (`#1a2b3c`): black or white, whichever has more contrast by WCAG 2.

    One of them always has at least 4.5 to 1.
    """
    return "#000000" if _luminance(color) > 0.179 else "#ffffff"


def _luminance(color: str) -> float:
    """How bright a colour is, from 0 (black) to 1 (white), by WCAG's definition."""
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _link(public_url: str, links: Sequence[Action]) -> list[str]:
    return [f'<a href="{escape(public_url + one.path)}">{escape(one.label)}</a>' for one in links]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cell = "padding:6px 0;border-bottom:1px solid #8888"
    lines = [
        f'<tr><td style="{cell}">{escape(label)}</td><td align="right" style="{cell}">{escape(value)}</td></tr>'
        for label, value in rows
    ]
    return f'<table width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 16px">{"".join(lines)}</table>'


_BUTTON = (
    "display:inline-block;padding:12px 20px;border-radius:6px;border:1px solid #8888;background:{color};color:{text};"
    "text-decoration:none;font-weight:600"
)
_LOGO = (
    '<img src="{address}" alt="" height="40"'
    ' style="display:block;height:40px;width:auto;max-width:240px;margin:0 0 12px;border:0">'
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
<tr><td style="padding:20px 0 24px;border-top:4px solid {color};font-size:20px;font-weight:600">{logo}{sender}</td></tr>
<tr><td style="overflow-wrap:anywhere">
{content}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
"""
