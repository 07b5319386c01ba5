"""What the architecture tests look at: the code as text and as syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml"))


def package(service: str) -> Path:
    """The folder of a service's code."""
    return ROOT / "services" / service / "src" / service


def sources(*folders: str) -> Iterator[Path]:
    """Every Python file below the folders, tests and migrations left out."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).parts
            if not {"tests", "migrations", ".venv", "node_modules"} & set(parts):
                yield path


def parsed(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


def called(node: ast.AST) -> Iterator[str]:
    """The dotted names of everything that is called below a node."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield ast.unparse(inner.func)
