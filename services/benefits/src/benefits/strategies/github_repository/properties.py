"""What access to a repository is made of."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints
from servicekit.inputs import Input

Owner = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9](-?[A-Za-z0-9]){0,38}$")]


def _named(value: str) -> str:
    if value in {".", ".."}:
        raise ValueError("is not the name of a repository")
    return value


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[A-Za-z0-9._-]+$"),
    AfterValidator(_named),
]


class GitHubRepositoryProperties(Input):
    """A repository whose collaborator the holder becomes. The suite's GitHub App must be installed on it."""

    repository_owner: Owner
    repository_name: Name
    permission: Literal["pull", "triage", "push", "maintain", "admin"] = "pull"
