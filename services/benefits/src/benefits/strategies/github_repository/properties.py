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


PERMISSIONS = ("pull", "triage", "push", "maintain", "admin")
"""What a collaborator may do, each of them more than the one before."""
Permission = Literal["pull", "triage", "push", "maintain", "admin"]


def is_within(permission: str, highest: str) -> bool:
    """Whether a permission is at most `highest`."""
    return PERMISSIONS.index(permission) <= PERMISSIONS.index(highest)


class GitHubRepositoryProperties(Input):
    """A repository whose collaborator the holder becomes. Its owner's installation of the App must be connected."""

    repository_owner: Owner
    repository_name: Name
    permission: Permission = "pull"
