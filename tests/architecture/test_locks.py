"""A decision that is made behind a lock is made from the rows as they were read under it."""

import ast
from collections.abc import Iterator

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


UNCHANGING = {"id", "organization_id", "customer_id", "entitlement_id", "order_id", "subscription_id", "product_id"}
"""What no transaction changes of a row: it may be read before the row is locked."""


def test_nothing_is_decided_from_a_row_that_was_read_before_its_lock() -> None:
    """Who reads with a function, and then locks with the same one, uses the first answer no more: it may be old.

    The session refreshes an object that is locked later, but not one of another session, nor columns read alone. What
    never changes of a row (`UNCHANGING`) may name what is locked.
    """
    found = [
        f"{path.relative_to(ROOT)}:{use.lineno} uses {ast.unparse(use)} after the lock"
        for path in sources("services")
        for function in ast.walk(parsed(path))
        if isinstance(function, ast.AsyncFunctionDef)
        for use in read_too_early(function)
    ]
    assert found == []


def test_the_rule_finds_what_it_is_for() -> None:
    wrong = """
async def finalize(session, id):
    seen = await queries.find(session, id)
    if seen is None or seen.status != "draft":
        raise NotDraft
    order = await queries.find(session, id, lock=True)
    if seen.status == "draft":
        order.pay(seen.customer_id)
"""
    (function,) = (node for node in ast.walk(ast.parse(wrong)) if isinstance(node, ast.AsyncFunctionDef))
    assert [ast.unparse(use) for use in read_too_early(function)] == ["seen.status"]


def read_too_early(function: ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """Uses of what a function read without a lock, after it locked with the same reader."""
    calls = [
        (node, ast.unparse(node.value.value.func), is_locking(node.value.value))
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Await) and isinstance(node.value.value, ast.Call)
    ]
    for first, reader, locks in calls:
        later = [node.end_lineno or 0 for node, name, is_lock in calls if is_lock and name == reader]
        lock = min((line for line in later if line > first.lineno), default=None)
        if locks or lock is None or not isinstance(first.targets[0], ast.Name):
            continue
        name = first.targets[0].id
        named = [node.lineno for node, _, _ in calls if ast.unparse(node.targets[0]) == name]
        again = [line for line in named if line > first.lineno]
        until = min(again, default=function.end_lineno or 0)
        allowed = {
            id(node.value)
            for node in ast.walk(function)
            if isinstance(node, ast.Attribute) and node.attr in UNCHANGING and isinstance(node.value, ast.Name)
        }
        parents = {id(node.value): node for node in ast.walk(function) if isinstance(node, ast.Attribute)}
        for node in ast.walk(function):
            is_use = isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            if is_use and lock < node.lineno <= until and id(node) not in allowed:
                yield parents.get(id(node), node)


def is_locking(call: ast.Call) -> bool:
    """Whether a call asks for the lock: `lock=True`, or `with_for_update`."""
    return any(
        keyword.arg in ("lock", "with_for_update")
        and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
        for keyword in call.keywords
    )
