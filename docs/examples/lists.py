"""
Matching known lists
====================

Find out which detections are known clusters, and which known clusters were missed.
"""

# %%
# Detections
# ----------
#
# A mock tile with two clusters stands for a search of yours.

import astropy.units as u
import matplotlib.pyplot as plt
from astropy.coordinates import SkyCoord
from astropy.table import Table

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.simulation import MockCluster, simulate_tile

center = SkyCoord(84.8, 35.75, unit="deg")
offsets = [(-1, 2.5), (1.2, -2)] * u.arcmin
clusters = [
    MockCluster(
        n_members=100,
        half_number_radius=25 * u.arcsec,
        center=center.spherical_offsets_by(*offset),
        nebulosity="embedded",
    )
    for offset in offsets
]
tile = simulate_tile(shape=(640, 480), center=center, clusters=clusters, seed=3)
catalog = VAEClusterFinder().detect(tile.image)

# %%
# A list of known clusters
# ------------------------
#
# Any table with positions will do. This one has one of the clusters, at a position 15"
# away, and an entry where there is no cluster.

known = SkyCoord(
    [
        clusters[0].center.spherical_offsets_by(15 * u.arcsec, 0 * u.arcsec),
        center.spherical_offsets_by(-2.5 * u.arcmin, -3.5 * u.arcmin),
    ]
)
my_list = Table({"name": ["A 1", "A 2"], "ra": known.ra, "dec": known.dec})
matched = catalog.crossmatch(my_list, radius=1 * u.arcmin)
matched.table["id", "name", "offset", "status"]

# %%
# Published lists are named by a tag and looked up at VizieR::
#
#     catalog.crossmatch(["bica2003", "morales2013", "hunt2023"])
#
# :doc:`/matching` lists the tags.

wcs = tile.image.wcs
fig, ax = plt.subplots(figsize=(6, 7), subplot_kw={"projection": wcs})
catalog.plot(ax=ax)
ax.set(xlabel="Right ascension", ylabel="Declination")
for name, x, y in zip(my_list["name"], *wcs.world_to_pixel(known), strict=True):
    ax.plot(x, y, "r+", markersize=12)
    ax.annotate(name, (x, y), (8, -20), textcoords="offset points", color="red")
plt.show()

# %%
# What was missed
# ---------------
#
# The other direction is one line: the entries that have no detection near.

_, separation, _ = known.match_to_catalog_sky(catalog["sky_center"])
my_list[separation > 1 * u.arcmin]

# %%
# "Known" means that a listed position is within the radius, and not that the two are
# the same object. Large clusters have small ones near their edges, and the candidates
# of some lists are not real.
