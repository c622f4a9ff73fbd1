"""
What the network sees
=====================

Follow one image through the trained detector: its pixels as the network gets them, the
classes at four scales, and the map of centres.

This page looks into parts that are not promised to stay as they are, see
:doc:`/internals`.
"""

# %%
# The image on the network's grid
# -------------------------------
#
# The sky is subtracted, the rest is divided by the noise and compressed, and every
# pixel gets a mark that says whether it can be used. Images with fine pixels are
# binned, and the highest pixel of each bin is a channel of its own; here it equals the
# first.

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np
import torch

from astro_vaeclust.detector.grid import NetworkImage
from astro_vaeclust.detector.inference import run_network
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.detector.network import CLASSES
from astro_vaeclust.images import read_image
from astro_vaeclust.simulation import MockCluster, simulate_tile

cluster = MockCluster(
    n_members=120, half_number_radius=30 * u.arcsec, nebulosity="embedded"
)
tile = simulate_tile(shape=(448, 448), clusters=cluster, seed=6)
model = load_model()
network_image = NetworkImage.from_image(
    read_image(tile.image), model.network.settings.fine_scale
)
network = model.network_for(network_image.grid.is_fine)
maps = run_network(network, network_image.channels)

# %%
# Four scales
# -----------
#
# At each scale there is one set of latent variables per cell, and a mixture of five
# Gaussians with meanings. The probability of the component "cluster" at each scale:

number = CLASSES.index("cluster")
fig, axes = plt.subplots(1, 4, figsize=(12, 3.6), layout="constrained")
for scale, ax in enumerate(axes):
    shown = ax.imshow(maps.classes[scale][..., number], origin="lower", vmin=0, vmax=1)
    ax.set(title=f"cells of {8 * 2**scale} pixels", xticks=[], yticks=[])
fig.colorbar(shown, ax=axes, label="p(cluster)")
plt.show()

# %%
# One level of the autoencoder
# ----------------------------
#
# A decoder rebuilds each cell from its latent variables. Together the cells make an
# image without what the latent variables do not hold.

mean, _ = maps.posteriors[0]
with torch.no_grad():
    cells = network.decoders[0](torch.from_numpy(mean)).numpy()
ny, nx = cells.shape[:2]
rebuilt = cells.reshape(ny, nx, 8, 8).transpose(0, 2, 1, 3).reshape(8 * ny, 8 * nx)
pixels = network_image.channels[0]
brightest = np.percentile(pixels, 99.5)
panels = {
    "what the network gets": (pixels, brightest),
    "rebuilt from cells of 8 pixels": (rebuilt, brightest),
    "probability of a core": (maps.heat, 1),
}
fig, axes = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
for ax, (title, (shown, vmax)) in zip(axes, panels.items(), strict=True):
    ax.imshow(shown, origin="lower", vmin=0, vmax=vmax)
    ax.set(title=title, xticks=[], yticks=[])
plt.show()

# %%
# The last panel is the heat map. Its peaks are the candidates, and what the network
# measures around a peak becomes a row of the table; :doc:`/detector` has the rest.
