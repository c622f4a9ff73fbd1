# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The result of every embedding: a grid of posteriors and its position in the image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..mixtures.base import FittedMixture

if TYPE_CHECKING:
    from ..sources.points import PointSources

__all__ = ["Features", "LatentMap", "digest"]


class Features(np.ndarray):
    """
    An array of features with the mixture that the embedding was trained with.

    Attributes
    ----------
    prior : `~astro_vaeclust.mixtures.FittedMixture` or None
        Mixture of these features; None for what was computed from them.
    """

    prior = None

    @classmethod
    def of(cls, features, prior):
        """Return a view of features ``(n, d)`` that knows a mixture of them."""
        view = features.view(cls)
        view.prior = prior
        return view


@dataclass(frozen=True, eq=False)
class LatentMap:
    """
    Posterior means and variances on a regular grid of square windows of an image.

    Cell ``(i, j)`` describes the pixels ``[i * stride, i * stride + patch_size)`` in
    y and the same with ``j`` in x; windows may stick out of the upper and right edges.

    Parameters
    ----------
    mean : (ny, nx, latent) array
        Means of the posteriors q(z|x).
    variance : (ny, nx, latent) array
        Variances of the posteriors; zero for an embedding that has none.
    valid : (ny, nx) bool array
        Cells with enough usable pixels; what stands in other cells means nothing.
    patch_size : int
        Side of the window that a cell sees, in pixels.
    stride : int
        Distance of neighbouring windows in pixels.
    image_shape : (int, int)
        Shape (ny, nx) of the image in pixels.
    diagnostics : dict, optional
        What the embedding reports of itself, such as ``"active_units"`` and
        ``"identity"``, a digest of the trained parameters.
    prior : `~astro_vaeclust.mixtures.FittedMixture`, optional
        Mixture over means and standard deviations that the embedding was trained with,
        of ``2 * latent`` features, for ``mixture="prior"``.
    """

    mean: np.ndarray
    variance: np.ndarray
    valid: np.ndarray
    patch_size: int
    stride: int
    image_shape: tuple[int, int]
    diagnostics: dict = field(default_factory=dict)
    prior: FittedMixture | None = None

    @property
    def features(self) -> np.ndarray:
        """
        Means and standard deviations of the valid cells, ``(n_valid, 2 * latent)``.

        Standard deviations that do not vary are left out: they carry nothing and make
        covariances singular. The concatenation is that of Karmakar et al. (2018). With
        a prior these are ``Features``, which know it.
        """
        mean = self.mean[self.valid].astype(np.float64)
        deviation = np.sqrt(self.variance[self.valid].astype(np.float64))
        varies = np.ptp(deviation, axis=0) > 0 if len(deviation) else []
        features = np.concatenate([mean, deviation[:, varies]], axis=1)
        if self.prior is None:
            return features
        kept = np.concatenate([np.ones(mean.shape[1], dtype=bool), varies])
        return Features.of(features, self.prior.given(kept, deviation[:1, ~varies]))

    @property
    def collapsed(self) -> bool:
        """Whether the embedding learned nothing about its windows (bool)."""
        return self.diagnostics.get("active_units") == 0

    def cell_means(
        self, image: np.ndarray, mask: np.ndarray | None = None
    ) -> np.ndarray:
        """
        Return the mean of an image (ny, nx) over the window of every cell, 2D.

        Pixels of the mask do not count; NaN where no pixel does.
        """
        image = np.asarray(image, dtype=np.float64)
        good = np.ones(image.shape) if mask is None else 1.0 - np.asarray(mask)
        total = self._cell_sums(np.where(good > 0, image, 0.0))
        count = self._cell_sums(good)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def cell_counts(self, sources: PointSources) -> np.ndarray:
        """Return the number of `PointSources` in the window of every cell, 2D int."""
        rows, columns = (np.rint(v).astype(int) for v in (sources.y, sources.x))
        on_pixels = np.zeros(self.image_shape)
        np.add.at(on_pixels, (rows, columns), 1)
        return np.rint(self._cell_sums(on_pixels)).astype(int)

    def to_image(self, values: np.ndarray) -> np.ndarray:
        """
        Return the mean value, (ny, nx), of the cells whose windows hold a pixel.

        Only valid cells count; NaN where there is none.
        """
        total = self._spread(np.where(self.valid, values, 0.0))
        count = np.rint(self._spread(self.valid.astype(np.float64)))
        means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        ny, nx = self.image_shape
        rows, columns = (np.diff(edges) for edges in self._edges)
        return means.repeat(columns, axis=1)[:, :nx].repeat(rows, axis=0)[:ny]

    @property
    def _edges(self):
        """Where windows begin or end along each axis; between these all is alike."""
        return [edges for edges, _ in self._edges_and_corners]

    @property
    def _corners(self):
        """Numbers of the edges at which windows begin and end, along each axis."""
        return [corners for _, corners in self._edges_and_corners]

    @property
    def _edges_and_corners(self):
        pairs = []
        for n in self.valid.shape:
            starts = self.stride * np.arange(n)
            ends = starts + self.patch_size
            edges, numbers = np.unique([starts, ends], return_inverse=True)
            pairs.append((edges, numbers.reshape(2, n)))
        return pairs

    def _cell_sums(self, image):
        """Sum over every window by the summed-area table at its edges."""
        blocks = image
        for axis, edges in enumerate(self._edges):
            inside = edges[edges < image.shape[axis]]
            blocks = np.add.reduceat(blocks, inside, axis=axis)
        table = np.zeros([len(edges) for edges in self._edges])
        table[1 : len(blocks) + 1, 1 : blocks.shape[1] + 1] = blocks
        table = table.cumsum(axis=0).cumsum(axis=1)
        (top, bottom), (left, right) = self._corners
        return (
            table[np.ix_(bottom, right)]
            - table[np.ix_(top, right)]
            - table[np.ix_(bottom, left)]
            + table[np.ix_(top, left)]
        )

    def _spread(self, values):
        """Add every cell's value to all that its window holds, the inverse table."""
        steps = np.zeros([len(edges) for edges in self._edges])
        (top, bottom), (left, right) = self._corners
        steps[np.ix_(top, left)] += values
        steps[np.ix_(bottom, left)] -= values
        steps[np.ix_(top, right)] -= values
        steps[np.ix_(bottom, right)] += values
        return steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]


def digest(arrays):
    """Return the first sixteen hexadecimal digits of the SHA-256 of arrays (str)."""
    hashed = hashlib.sha256()
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).tobytes())
    return hashed.hexdigest()[:16]
