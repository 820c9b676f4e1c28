"""How a database would go about a query: which tables it would read from end to end."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.db import connection

# Tables that grow with every run, and with every file.
GROWING = {
    *("repos_artifact", "repos_content", "repos_failedfile", "repos_job", "repos_progressreport", "repos_publication"),
    *("repos_publishedmetadata", "repos_repositoryversion", "repos_requestedchange", "repos_reservation"),
    *("repos_switch",),
}
_ALIAS = re.compile(r'"?\b(repos_\w+)\b"? (?:AS )?"?(\w+)"?')
# PostgreSQL's names for reading a table as a whole.
_WAYS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material")
_SCAN = re.compile(r"^SCAN (\w+)")


def read_whole(sql: str) -> set[str]:
    """The growing tables that `sql`, with its values in it, would have the database read from end to end.

    One that is read in the order that is asked for, until a limit is reached, is none of them.
    """
    scanned = _by_postgresql(sql) if connection.vendor == "postgresql" else _by_sqlite(sql)
    return set(scanned) & GROWING


def _by_sqlite(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"), ())
        lines = [detail for *_, detail in cursor.fetchall()]
    names = {alias: table for table, alias in _ALIAS.findall(sql)}
    in_order = "LIMIT" in sql and not any(line.startswith("USE TEMP B-TREE") for line in lines)
    scans = [found[1] for line in lines if (found := _SCAN.match(line))]
    for place, name in enumerate(scans):
        # Of several, only the outermost is what the limit ends.
        if place or not in_order:
            yield str(names.get(name, name))


def _by_postgresql(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        # Small as they are here, it would read most tables as a whole: what counts is whether it would have to.
        for way in _WAYS:
            cursor.execute(f"SET LOCAL {way} = off")
        # Nor is there room to keep what a subquery finds for all rows at once.
        cursor.execute("SET LOCAL work_mem = 64; SET LOCAL hash_mem_multiplier = 1")
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), ())
        found = cursor.fetchone()[0]
        for way in _WAYS:
            cursor.execute(f"SET LOCAL {way} = on")
        cursor.execute("RESET work_mem; RESET hash_mem_multiplier")
    plans = json.loads(found) if isinstance(found, str) else found
    return _of_node(plans[0]["Plan"], limited=False)


def _of_node(node: dict[str, Any], *, limited: bool) -> Iterator[str]:
    kind = node["Node Type"]
    has_condition = "Index Cond" in node or "Recheck Cond" in node or _is_by_number(node)
    if kind.endswith("Scan") and "Relation Name" in node and not (has_condition or limited or _is_partial(node)):
        yield node["Relation Name"]
    # What is sorted first is read to its end.
    limited = kind == "Limit" or (limited and kind not in ("Sort", "Aggregate", "Hash"))
    for child in node.get("Plans", ()):
        yield from _of_node(child, limited=limited)


def _is_by_number(node: dict[str, Any]) -> bool:
    """Whether rows are asked for by their numbers: of the few that there are here, a page is a good part."""
    return str(node.get("Filter", "")).startswith("(id = ANY ('{")


def _is_partial(node: dict[str, Any]) -> bool:
    """Whether it is read by an index that has only those rows that are asked for."""
    with connection.cursor() as cursor:
        index = node.get("Index Name", "")
        cursor.execute("SELECT indexdef LIKE '%% WHERE %%' FROM pg_indexes WHERE indexname = %s", [index])
        return bool((cursor.fetchone() or [False])[0])
