"""
A UKIDSS or VVV mosaic
======================

Search an image with fine pixels, from a file with several extensions, block by block.

Surveys with sub-arcsecond pixels need no other settings. The search bins images with
pixels below 0.7 arcsec to about 0.6 arcsec and uses a network that was trained for
them.
"""

# %%
# A file
# ------
#
# UKIDSS and VISTA archives deliver files with the image in an extension. This one has a
# mock VVV image with one cluster, 10' on a side.

import tempfile
from pathlib import Path

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.visualization import simple_norm
from astropy.wcs import WCS

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.simulation import MockCluster, simulate_tile

center = SkyCoord(245.0, -50.0, unit="deg")
cluster = MockCluster(
    n_members=250,
    half_number_radius=22 * u.arcsec,
    center=center.spherical_offsets_by(-1 * u.arcmin, 1 * u.arcmin),
    nebulosity="embedded",
)
tile = simulate_tile(
    survey="vvv-ks", shape=(1760, 1760), center=center, clusters=cluster, seed=4
)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "mosaic.fits"
pixels = fits.ImageHDU(tile.image.data, tile.image.wcs.to_header(), name="KS")
fits.HDUList([fits.PrimaryHDU(), pixels]).writeto(path)

# %%
# The search
# ----------
#
# ``hdu`` names the extension. An image of more than 8192 x 8192 pixels is read and
# searched in blocks, so that it never has to be in memory as a whole. A smaller one is
# searched in blocks when ``block_size`` is given. The clusters are the same.

catalog = VAEClusterFinder().detect(path, hdu="KS", block_size=1024)
catalog.table["sky_center", "r50", "n_members", "false_alarm_rate", "flags"]

# %%
# A search in blocks has no heat map, which would be as large as the image, so the
# picture is drawn from the file. The circles of the catalogue are on the sky;
# ``to_pixel`` puts them on an image. Dashed is the true radius of 80 % of the members.

with fits.open(path) as hdus:
    data, wcs = hdus["KS"].data, WCS(hdus["KS"].header)

fig, ax = plt.subplots(figsize=(7, 7), subplot_kw={"projection": wcs})
ax.imshow(data, cmap="gray_r", norm=simple_norm(data, "asinh", percent=99.5))
for region in catalog.regions:
    region.to_pixel(wcs).plot(ax=ax, edgecolor="tab:blue", lw=2)
angle = np.linspace(0, 2 * np.pi, 100)
for truth in tile.clusters:
    radius = truth["r80"].to_value("arcsec") / 0.34
    x, y = wcs.world_to_pixel(truth["sky_center"])
    ax.plot(
        x + radius * np.cos(angle), y + radius * np.sin(angle), "--", c="tab:orange"
    )
ax.set(xlim=(0, data.shape[1]), ylim=(0, data.shape[0]))
ax.set(xlabel="Right ascension", ylabel="Declination")
plt.show()

# %%
# On the command line:
#
# .. code-block:: console
#
#    $ vaeclust detect mosaic.fits --hdu KS --block-size 1024 --output clusters.ecsv
#
# How many clusters are found in UKIDSS and VVV, and at how many false alarms, is on the
# page :doc:`/performance`. Deep images of the Galactic plane are harder than 2MASS.

folder.cleanup()
