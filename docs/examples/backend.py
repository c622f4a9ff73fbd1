"""
An embedding of your own
========================

Replace the autoencoder by two numbers per window, and see what the search makes of it.

Embeddings, mixtures, thresholds and catalogue methods can be exchanged without a change
to the package. :doc:`/writing_a_backend` has the contracts; this page shows one at
work.
"""

# %%
# The embedding
# -------------
#
# It describes every window of the image by the mean and the scatter of its pixels.

from dataclasses import dataclass

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.embeddings import LatentMap, WindowEmbedding
from astro_vaeclust.simulation import MockCluster, simulate_tile


@dataclass(frozen=True, kw_only=True)
class MomentsEmbedding(WindowEmbedding):
    """Mean and scatter of the pixels of each window."""

    def embed(self, prepared, *, seed, device, progress_bar=None):
        """Return one map of moments for each size of windows."""
        return [self._embed_one_size(prepared, size) for size in self.patch_sizes]

    def _embed_one_size(self, prepared, size):
        grid = self.windows(prepared, size)
        moments = [grid.views.mean(axis=(2, 3)), grid.views.std(axis=(2, 3))]
        mean = np.stack(moments, axis=2).astype(np.float32)
        return LatentMap(
            mean=mean,
            variance=np.zeros_like(mean),
            valid=grid.valid,
            patch_size=size,
            stride=grid.stride,
            image_shape=grid.image_shape,
        )


# %%
# The search
# ----------
#
# The finder takes an instance. A mixture of Gaussians is fitted to the two numbers, and
# the windows of its brightest component vote for the heat map.

cluster = MockCluster(
    n_members=250, half_number_radius=30 * u.arcsec, nebulosity="embedded"
)
image = simulate_tile(shape=(480, 480), clusters=cluster, seed=1).image
finders = {
    "moments": VAEClusterFinder(embedding=MomentsEmbedding()),
    "principal components": VAEClusterFinder(embedding="pca"),
    "trained network": VAEClusterFinder(),
}

fig, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
for ax, (name, finder) in zip(axes, finders.items(), strict=True):
    catalog = finder.detect(image)
    shown = ax.imshow(catalog.heatmap.data, origin="lower", vmin=0, vmax=1)
    for row in catalog.table:
        circle = plt.Circle(
            (row["x_center"], row["y_center"]),
            row["radius"].to_value("arcsec"),
            fill=False,
            color="white",
        )
        ax.add_patch(circle)
    ax.set(title=f"{name}: {len(catalog)}", xticks=[], yticks=[])
fig.colorbar(shown, ax=axes, label="heat map")
plt.show()

# %%
# The heat maps of the first two are fractions of votes, that of the network is the
# probability that a cluster has its core at a pixel. Only the network states
# false-alarm rates.
