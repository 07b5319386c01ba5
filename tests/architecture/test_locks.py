"""A decision that is made behind a lock is made from the rows as they were read under it."""

from support import ROOT, called, parsed, sources


def test_every_session_refreshes_what_it_locks() -> None:
    """Only the kit opens sessions: `servicekit.locks.open_session`, which refreshes locked rows."""
    found = [
        f"{path.relative_to(ROOT)} calls {name}"
        for path in sources("services", "libs", "tools")
        if path.name != "locks.py" and "tests" not in path.parts and "testing" not in path.parts
        for name in called(parsed(path))
        if name.split(".")[-1] in {"AsyncSession", "async_sessionmaker", "sessionmaker", "Session"}
    ]
    assert found == []
