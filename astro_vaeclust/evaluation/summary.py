# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Several finders in one table and one plot."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import QTable

from ..utils.files import atomic_path
from ..visualization.axes import new_figure, save_figure
from .rates import PER_AREA
from .result import RATES

__all__ = [
    "calibration_table",
    "describe",
    "error_table",
    "false_positive_table",
    "plot_results",
    "printable",
    "summary_table",
    "write_results",
]


def summary_table(results, rates=RATES):
    """
    Compare finders in one table.

    Parameters
    ----------
    results : dict of str to `FROC`
        The curves by the names of the finders, of the same tiles.
    rates : `~astropy.units.Quantity`
        Rates of false positives at which completeness is quoted.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row per finder: ``finder``; for each rate, ``completeness_at_1`` (1 being
        the rate per deg2) with the bounds ``..._low`` and ``..._high`` of its
        bootstrap interval, and whether the finder reports enough to come to this rate,
        ``..._reached``; ``average_precision`` with its bounds; and
        ``seconds_per_deg2``. The metadata has the numbers of tiles and clusters, the
        area without clusters, and the rates that it is too small for.
    """
    tables = {name: result.to_table(rates) for name, result in results.items()}
    rows = [
        _summary_row(name, table)
        | {"seconds_per_deg2": results[name].meta.get("seconds_per_deg2", np.nan)}
        | {"n_tiles": table.meta["n_tiles"], "sky_area": table.meta["sky_area_deg2"]}
        for name, table in tables.items()
    ]
    first = max(tables.values(), key=lambda table: table.meta["n_tiles"])
    kept = ("confidence", "n_tiles", "n_clusters", "sky", "sky_area_deg2")
    meta = {name: first.meta[name] for name in kept}
    unresolved = first["rate"][~first["resolved"]]
    meta["unresolved_rates"] = unresolved.to_value(PER_AREA).tolist()
    units = {"seconds_per_deg2": u.s / u.deg**2, "sky_area": u.deg**2}
    return QTable(rows=rows, meta=meta, units=units)


def _summary_row(name, table):
    """Return the completeness and the average precision of a finder (dict)."""
    row = {"finder": name}
    for at in table:
        column = f"completeness_at_{at['rate'].to_value(PER_AREA):g}"
        row[column] = at["completeness"]
        row |= {f"{column}_{end}": at[end] for end in ("low", "high", "reached")}
    names = [name for name in table.meta if name.startswith("average_precision")]
    return row | {name: table.meta[name] for name in names}


def printable(table):
    """
    Return the table of `summary_table` as texts, with intervals in brackets.

    A completeness has a star where the finder does not report enough for the rate.
    """
    columns = {"finder": list(table["finder"])}
    names = [name for name in table.colnames if name.endswith("_low")]
    for name in (name.removesuffix("_low") for name in names):
        label = name.replace("completeness_at_", "at ").replace("_", " ")
        columns[label] = [_with_interval(row, name) for row in table]
    seconds = table["seconds_per_deg2"].value
    columns["tiles"] = list(table["n_tiles"])
    columns["deg2"] = [f"{area:.3g}" for area in table["sky_area"].value]
    columns["s / deg2"] = ["-" if np.isnan(s) else f"{s:.3g}" for s in seconds]
    return QTable(columns)


def calibration_table(results):
    """
    Compare stated and measured false-alarm rates of finders.

    Parameters
    ----------
    results
        As in `summary_table`.

    Returns
    -------
    table : `~astropy.table.QTable`
        ``finder`` and the columns of `FROC.calibration`; no rows for finders that
        state none.
    """
    tables = {name: result.calibration() for name, result in results.items()}
    names = [name for name, table in tables.items() for _ in range(len(table))]
    columns = {"finder": np.array(names, dtype=str)}
    first = next(iter(tables.values()))
    for name in first.colnames:
        columns[name] = np.concatenate([table[name] for table in tables.values()])
    return QTable(columns)


def false_positive_table(results, rate=None, *, stated=False):
    """
    Compare the kinds of false positives of finders.

    Parameters
    ----------
    results
        As in `summary_table`.
    rate, stated
        As in `FROC.false_positives_by_kind`.

    Returns
    -------
    table : `~astropy.table.QTable`
        One row per kind: ``kind``, ``n_nulls`` on the tiles of the finder with the
        most, and the number of false positives of each finder. The metadata has the
        ``area_deg2`` of each.
    """
    tables = {
        name: result.false_positives_by_kind(rate, stated=stated)
        for name, result in results.items()
    }
    most = max(tables.values(), key=lambda table: table["n_nulls"].sum())
    columns = {"kind": most["kind"], "n_nulls": most["n_nulls"]}
    for name, table in tables.items():
        numbers = dict(zip(table["kind"], table["n_false_positives"], strict=True))
        columns[name] = [int(numbers.get(kind, 0)) for kind in most["kind"]]
    areas = {
        name: float(result.tiles["area"].sum().to_value(u.deg**2))
        for name, result in results.items()
    }
    return QTable(columns, meta={"area_deg2": areas})


def error_table(results, rate=None):
    """
    Compare the errors of measurement of finders.

    Parameters
    ----------
    results
        As in `summary_table`.
    rate
        As in `FROC.measurement_errors`.

    Returns
    -------
    table : `~astropy.table.QTable`
        ``finder`` and the columns of `FROC.measurement_errors`.
    """
    rows = [
        (name, *row)
        for name, result in results.items()
        for row in result.measurement_errors(rate)
    ]
    names = ("finder", "quantity", "n", "bias", "scatter", "mean")
    return QTable(rows=rows, names=names)


def plot_results(results, ax=None):
    """
    Plot the curves of several finders.

    Parameters
    ----------
    results
        As in `summary_table`.
    ax : `~matplotlib.axes.Axes`, optional
        Where to plot; by default a new figure outside pyplot.

    Returns
    -------
    ax : `~matplotlib.axes.Axes`
        The axes.
    """
    ax = new_figure((8, 5)).add_subplot() if ax is None else ax
    colors = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "k")
    for number, (name, result) in enumerate(results.items()):
        style = ("-", "--", ":")[number // len(colors) % 3]
        color = colors[number % len(colors)]
        result.plot(ax, label=name, color=color, linestyle=style)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return ax


def describe(table):
    """Return in words what the table of `summary_table` was measured on."""
    meta = table.meta
    where = "without clusters" if meta["sky"] == "cluster-free" else "in all"
    lines = [
        f"{meta['n_clusters']} clusters on {meta['n_tiles']} tiles, "
        f"{meta['sky_area_deg2']:.3g} deg2 {where}. Completeness at false positives "
        f"per deg2, with {100 * meta['confidence']:g} % intervals."
    ]
    if meta["unresolved_rates"]:
        rates = ", ".join(f"{rate:g}" for rate in meta["unresolved_rates"])
        lines.append(f"The sky is too small to resolve rates of {rates}.")
    reached = [table[name] for name in table.colnames if name.endswith("_reached")]
    if not np.all(reached):
        lines.append("*: the finder does not report enough to come to this rate.")
    return "\n".join(lines)


def write_results(results, folder, *, rate=None, overwrite=True):
    """
    Write the tables as ECSV and reStructuredText, and the plot; return the paths.

    Without matplotlib there is no plot, and without stated false-alarm rates there are
    no tables of them. ``rate`` is that of `false_positive_table` and `error_table`.
    """
    summary = summary_table(results)
    tables = {
        "summary.ecsv": summary,
        "summary.rst": printable(summary),
        "false_positives.ecsv": false_positive_table(results, rate),
        "errors.ecsv": error_table(results, rate),
    }
    calibration = calibration_table(results)
    if len(calibration):
        tables["calibration.ecsv"] = calibration
        tables["false_positives_stated.ecsv"] = false_positive_table(
            results, rate, stated=True
        )
    for name, table in tables.items():
        file_format = "ascii.rst" if name.endswith(".rst") else "ascii.ecsv"
        with atomic_path(folder / name, overwrite) as path:
            table.write(path, format=file_format)
    paths = [folder / name for name in tables]
    try:
        ax = plot_results(results)
    except ImportError:
        return paths
    save_figure(ax.figure, folder / "froc.png", overwrite=overwrite)
    return [*paths, folder / "froc.png"]


def _with_interval(row, name):
    star = "*" * (f"{name}_reached" in row.colnames and not row[f"{name}_reached"])
    return f"{row[name]:.2f}{star} ({row[f'{name}_low']:.2f}-{row[f'{name}_high']:.2f})"
