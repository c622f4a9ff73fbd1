# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Verdicts of persons on clusters: CSV files of the report, joined to a table."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np

from .columns import table_digest

__all__ = ["VERDICTS", "VERDICT_COLUMNS", "agreement", "read_verdicts", "vetted_table"]

VERDICTS = ("accept", "reject", "unsure")

VERDICT_COLUMNS = frozenset({"verdict", "verdict_note", "verdict_by"})
"""Columns that `vetted_table` adds."""

_NEEDED = ("id", "digest", "verdict", "note", "person", "time")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_verdicts(path, table):
    """
    Read a CSV file that the page of ``vaeclust report`` exported.

    Also one that a spreadsheet saved: with a byte-order mark or semicolons.

    Parameters
    ----------
    path : str or path-like
        The file.
    table : `~astropy.table.QTable`
        The clusters.

    Returns
    -------
    verdicts : dict
        By (person, id): (verdict, note). Of two for one id the later counts.

    Raises
    ------
    ValueError
        If the file is of another report, or a column, an id or a verdict is wrong.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        rows = _rows(file.read(), path)
    digest, ids = table_digest(table), set(table["id"].tolist())
    times, verdicts = {}, {}
    for row in rows:
        if row["digest"] != digest:
            raise ValueError(
                f"{path} has verdicts on other candidates: digest {row['digest']!r}, "
                f"not {digest!r}"
            )
        number = _id(row["id"], ids, path)
        if row["verdict"] not in ("", *VERDICTS):
            raise ValueError(
                f"{path}: a verdict is one of {', '.join(VERDICTS)}; id {number} has "
                f"{row['verdict']!r}"
            )
        key = (_unquoted(row["person"]) or "anonymous", number)
        if row["verdict"] and row["time"] >= times.get(key, ""):
            times[key] = row["time"]
            verdicts[key] = (row["verdict"], _unquoted(row["note"]))
    return verdicts


def _rows(text, path):
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter)
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise ValueError(
            f"{path} is not a file of verdicts: it lacks the columns {missing}"
        )
    return [{name: (row[name] or "").strip() for name in _NEEDED} for row in reader]


def _id(text, ids, path):
    try:
        number = int(text)
    except ValueError:
        number = None
    if number not in ids:
        raise ValueError(f"{path}: there is no candidate of id {text!r}")
    return number


def _unquoted(text):
    """Remove the apostrophe that keeps a spreadsheet from running a text."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


def vetted_table(table, paths):
    """
    Add verdicts to a table.

    Parameters
    ----------
    table : `~astropy.table.QTable`
        The clusters.
    paths : iterable of str or path-like
        Files for `read_verdicts`, of one or several persons.

    Returns
    -------
    table : `~astropy.table.QTable`
        A copy with ``verdict`` (that of most persons, "unsure" for a draw, empty for
        none), ``verdict_note`` and ``verdict_by``; agreement is in its metadata.
    """
    verdicts = {}
    for path in paths:
        verdicts |= read_verdicts(path, table)
    columns = {name: [] for name in ("verdict", "verdict_note", "verdict_by")}
    persons = sorted({person for person, _ in verdicts})
    for number in table["id"].tolist():
        given = {p: verdicts[p, number] for p in persons if (p, number) in verdicts}
        several = len(given) > 1
        notes = [
            f"{p}: {note}" if several else note
            for p, (_, note) in given.items()
            if note
        ]
        columns["verdict"].append(_majority([verdict for verdict, _ in given.values()]))
        columns["verdict_note"].append("; ".join(notes))
        columns["verdict_by"].append("; ".join(given))
    vetted = table.copy()
    for name, values in columns.items():
        vetted[name] = np.array(values, dtype=str) if values else np.empty(0, "U1")
    if len(persons) > 1:
        vetted.meta["agreement"] = agreement(verdicts)
    return vetted


def _majority(given):
    if not given:
        return ""
    (first, most), *others = Counter(given).most_common()
    return "unsure" if others and others[0][1] == most else first


def agreement(verdicts):
    """
    Compare the verdicts of each two persons.

    Parameters
    ----------
    verdicts : dict
        As `read_verdicts` returns them.

    Returns
    -------
    pairs : list of dict
        ``persons``, ``n`` candidates with verdicts of both, ``agreement`` (fraction of
        equal verdicts) and ``kappa`` of Cohen (1960), None where chance alone gives
        full agreement.
    """
    by_person = {}
    for (person, number), (verdict, _) in verdicts.items():
        by_person.setdefault(person, {})[number] = verdict
    pairs = []
    for first, second in combinations(sorted(by_person), 2):
        one, other = by_person[first], by_person[second]
        common = sorted(one.keys() & other.keys())
        if not common:
            continue
        a, b = (np.array([of[number] for number in common]) for of in (one, other))
        equal = float(np.mean(a == b))
        chance = float(
            sum(np.mean(a == word) * np.mean(b == word) for word in VERDICTS)
        )
        kappa = (equal - chance) / (1 - chance) if chance < 1 else None
        pairs.append(
            {
                "persons": [first, second],
                "n": len(common),
                "agreement": equal,
                "kappa": kappa,
            }
        )
    return pairs
