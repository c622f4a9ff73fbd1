# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Writing of the page, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..measure.columns import table_digest
from ..measure.flags import ClusterFlags
from ..utils.optional import import_optional
from ..version import __version__
from .field_sources import FieldSources
from .records import column_facts, records_of
from .views import Viewer, best_paths, views_of

__all__ = ["write_report"]

MAX_SINGLE = 500
"""Candidates that one HTML file may hold."""


def write_report(
    catalog,
    images,
    output,
    *,
    single_file=False,
    bands=None,
    heatmaps=(),
    sources=None,
    references=(),
    shuffle=None,
    workers=1,
    overwrite=False,
):
    """
    Write the page on which a person looks at candidates and gives verdicts.

    Parameters
    ----------
    catalog : `~astro_vaeclust.ClusterCatalog`
        The candidates.
    images : iterable of path-like
        FITS images that hold them, the pixels of which are read once. Of several that
        hold a candidate, that counts which its column ``image`` names, or else the one
        in which it is the farthest from the border.
    output : path-like
        The folder, or the HTML file with ``single_file``.
    single_file : bool, optional
        Whether to write one HTML file with everything in it.
    bands : dict, optional
        FITS images of other bands (iterable of path-like) by their names, of any pixel
        scale and orientation. The colour image has the searched image in red, and two
        bands in their order in green and blue; of three bands or more, the first three.
        A candidate on none of ``images`` is shown on the first of these that has it;
        the image that shows it is not shown again as a band.
    heatmaps : iterable of path-like, optional
        Heat maps, whose contours are drawn where they hold a candidate; needs
        matplotlib's contourpy.
    sources : `~astropy.table.Table`, optional
        Sources to count in radial profiles, instead of those found in the images, and
        in luminosity functions; as `~astro_vaeclust.matching.ClusterMatch` takes them.
    references : iterable of `~regions.CircleSkyRegion`, optional
        Circles to compare with.
    shuffle : int, optional
        Seed of a random order; by default the order of the table.
    workers : int, optional
        Processes that look at images; with several, a script needs the guard
        ``if __name__ == "__main__":``.
    overwrite : bool, optional
        Whether an earlier report may be replaced.

    Returns
    -------
    missing : list of int
        Ids of the candidates that are on no image.

    Raises
    ------
    ImportError
        If Jinja2 or Pillow is missing.
    ValueError
        If ids are not unique, or there are too many candidates for one file.
    OSError
        If the output cannot be written, or exists and may not be replaced.
    """
    import_optional("jinja2", "report")
    import_optional("PIL", "report")
    if heatmaps:
        import_optional("contourpy", "plot")
    output = Path(output)
    _check(catalog, output, single_file, overwrite)
    if shuffle is not None:
        catalog = catalog[np.random.default_rng(shuffle).permutation(len(catalog))]
    table = catalog.table
    viewer = Viewer(
        table=table,
        bands={name: best_paths(table, paths) for name, paths in (bands or {}).items()},
        heatmaps=best_paths(table, heatmaps),
        sources=None if sources is None else FieldSources(sources),
        references=list(references),
    )
    views = views_of(viewer, images, workers=workers)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".vaeclust-") as folder:
        page = Path(folder) / "page"
        (page / "images").mkdir(parents=True)
        data = _data(table, views, page, single_file)
        html = _html(data if single_file else None)
        (page / "index.html").write_text(html, encoding="utf-8")
        if not single_file:
            (page / "data.js").write_text(data, encoding="ascii")
        _move(page / "index.html" if single_file else page, output, Path(folder))
    ids = catalog.table["id"].tolist()
    return sorted(ids[row] for row in set(range(len(catalog))) - views.keys())


def _check(catalog, output, single_file, overwrite):
    ids = catalog.table["id"].tolist()
    if len(set(ids)) < len(ids):
        twice = sorted({number for number in ids if ids.count(number) > 1})
        raise ValueError(f"id must be unique, got {twice[:5]} twice")
    if single_file and len(ids) > MAX_SINGLE:
        raise ValueError(
            f"single_file takes up to {MAX_SINGLE} candidates, got {len(ids)}; write a "
            "folder"
        )
    if not output.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {output.parent}")
    if not output.exists():
        return
    if not overwrite:
        raise FileExistsError(f"{output} exists; give overwrite=True to replace it")
    is_report = output.is_file() if single_file else (output / "data.js").is_file()
    if not is_report:
        raise OSError(f"{output} is not a report, and is not replaced")


def _data(table, views, page, single_file):
    """Return the script with the data, and write the pictures beside it."""
    records = records_of(table)
    for row, record in enumerate(records):
        record["view"] = view = views.get(row)
        if view is not None:
            store = partial(_stored, page=page, single_file=single_file)
            view["pictures"] = [
                store(picture, name=f"images/{row}-{scale}.webp")
                for scale, picture in enumerate(view["pictures"])
            ]
            view["bands"] = [
                (band, store(picture, name=f"images/{row}-band{number}.webp"))
                for number, (band, picture) in enumerate(view["bands"])
            ]
    report = {
        "digest": table_digest(table),
        "version": __version__,
        "columns": column_facts(table),
        "flags": [flag.meaning for flag in ClusterFlags],
        "candidates": records,
    }
    # ASCII, so that U+2028 is escaped; "<" must not end the script
    text = json.dumps(report, separators=(",", ":"), allow_nan=False)
    return "const REPORT=" + text.replace("<", "\\u003c") + ";"


def _stored(picture, *, page, name, single_file):
    """Return the address of a picture, which is written unless it is in it."""
    if picture is None:
        return None
    if single_file:
        return "data:image/webp;base64," + base64.b64encode(picture).decode()
    (page / name).write_bytes(picture)
    return name


def _html(data):
    """Return the page; with data, these are in it."""
    from jinja2 import Environment

    here = files(__package__)
    texts = {
        name: (here / f"page.{name}").read_text(encoding="utf-8")
        for name in ("html", "css", "js")
    }
    scripts = [texts["js"]] if data is None else [data, texts["js"]]
    environment = Environment(autoescape=True, keep_trailing_newline=True)
    return environment.from_string(texts["html"]).render(
        style=texts["css"],
        style_hash=_hash(texts["css"]),
        scripts=scripts,
        script_hashes=" ".join(f"'{_hash(text)}'" for text in scripts),
        single=data is not None,
    )


def _hash(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()


def _move(new, output, folder):
    """Put what was written in its place; what was there is removed with the folder."""
    os.chmod(new, 0o755 if new.is_dir() else 0o644)
    if output.exists():
        os.replace(output, folder / "old")
    try:
        os.replace(new, output)
    except OSError:
        if (folder / "old").exists():
            shutil.move(folder / "old", output)
        raise
