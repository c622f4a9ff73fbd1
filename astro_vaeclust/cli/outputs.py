# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Output files: checked before the work, written after it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .messages import LOGGER

__all__ = ["Outputs", "format_errors_on_a_line", "new_folder"]


SETTINGS = "settings.json"
"""What `~astro_vaeclust.utils.files.ResultFolder` writes before there is a result."""

HEATMAP_SUFFIXES = (".fits", ".fit", ".fits.gz")


@dataclass(kw_only=True)
class Outputs:
    """Files to write of a catalogue; None for those that are not wanted."""

    overwrite: bool = False
    table: str | Path | None = None
    regions: str | Path | None = None
    heatmap: str | Path | None = None
    plot: str | Path | None = None

    def check(self, inputs=()):
        """
        Raise unless all files can be written, and none is an input or another output.

        Raises ValueError, OSError or ImportError for a file that cannot be written.
        """
        from ..utils.files import check_output
        from ..visualization.catalog_plot import check_plot_suffix

        taken = {Path(path).resolve() for path in inputs}
        for path in self._wanted():
            if Path(path).resolve() in taken:
                raise ValueError(f"{path} is the input or another output as well")
            taken.add(Path(path).resolve())
            check_output(path, self.overwrite)
        _check_suffixes("--output", self.table, _suffixes(of_tables=True))
        _check_suffixes("--regions", self.regions, _suffixes(of_tables=False))
        _check_suffixes("--heatmap", self.heatmap, HEATMAP_SUFFIXES)
        if self.table is not None:
            _check_format(self.table)
        if self.plot is not None:
            check_plot_suffix(self.plot)

    def write(self, catalog):
        """Write all files of a catalogue."""
        from ..visualization.catalog_plot import write_plot

        for path in (self.table, self.regions):
            if path is not None:
                catalog.write(path, overwrite=self.overwrite)
        if self.heatmap is not None:
            catalog.write_heatmap(self.heatmap, overwrite=self.overwrite)
        if self.plot is not None:
            write_plot(catalog, self.plot, overwrite=self.overwrite)
        for path in self._wanted():
            LOGGER.info("wrote %s", path)

    def _wanted(self):
        files = (self.table, self.regions, self.heatmap, self.plot)
        return [path for path in files if path is not None]


def _suffixes(*, of_tables):
    """Return the suffixes of tables, or those of regions, which are not read."""
    from ..io.formats import FORMATS

    formats = [one for one in FORMATS.values() if (one[2] is not None) == of_tables]
    return [suffix for suffixes, _, _ in formats for suffix in suffixes]


def _check_suffixes(option, path, suffixes):
    if path is not None and not str(path).lower().endswith(tuple(suffixes)):
        raise ValueError(
            f"{option} takes a file that ends in one of {', '.join(suffixes)}; "
            f"got {path}"
        )


def _check_format(path):
    """Write an empty catalogue under this name elsewhere: what fails, fails now."""
    from ..catalog import ClusterCatalog, cluster_table

    with TemporaryDirectory() as folder, format_errors_on_a_line(path, "Write"):
        ClusterCatalog(cluster_table()).write(Path(folder) / Path(path).name)


@contextmanager
def new_folder(path):
    """Make a folder; after an error, remove what was made of it but holds no result."""
    path = Path(path)
    made = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for one in made:
            if [entry.name for entry in one.iterdir()] == [SETTINGS]:
                (one / SETTINGS).unlink()
            with suppress(OSError):  # it is not empty
                one.rmdir()
        raise


@contextmanager
def format_errors_on_a_line(path, access):
    """
    Raise a ValueError of one line, with the file, if it is or can be no catalogue.

    ``access`` is 'Read' or 'Write'. astropy's own error has a table of formats.
    """
    from astropy.io import registry

    from ..catalog import ClusterCatalog

    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    except registry.IORegistryError as error:
        formats = ", ".join(registry.get_formats(ClusterCatalog, access)["Format"])
        raise ValueError(
            f"the suffix of {path} must be that of a format of catalogues: {formats}"
        ) from error
