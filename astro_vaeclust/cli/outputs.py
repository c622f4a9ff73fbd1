# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Output files: checked before the work, written after it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .messages import LOGGER

__all__ = ["Outputs", "format_errors_on_a_line"]


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
        for path in (self.table, self.regions):
            if path is not None:
                _check_format(path)
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


def _check_format(path):
    """Write an empty catalogue under this name elsewhere: what fails, fails now."""
    from ..catalog import ClusterCatalog, cluster_table

    with TemporaryDirectory() as folder, format_errors_on_a_line(path, "Write"):
        ClusterCatalog(cluster_table()).write(Path(folder) / Path(path).name)


@contextmanager
def format_errors_on_a_line(path, access):
    """
    Raise a ValueError of one line if a file has no format of catalogues.

    ``access`` is 'Read' or 'Write'. astropy's own error has a table of formats.
    """
    from astropy.io import registry

    from ..catalog import ClusterCatalog

    try:
        yield
    except registry.IORegistryError as error:
        formats = ", ".join(registry.get_formats(ClusterCatalog, access)["Format"])
        raise ValueError(
            f"the suffix of {path} must be that of a format of catalogues: {formats}"
        ) from error
