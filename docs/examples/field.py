"""
Clusters in a 2MASS field
=========================

Search one tile, look at what was found, and write it to files.

The image is a mock 2MASS Ks Atlas tile, so that this page builds without a network and
the truth is known. With a tile of yours, only the first step is different::

    from astropy.nddata import CCDData

    image = CCDData.read("tile.fits", unit="adu")

`~astro_vaeclust.archives.TwoMASS` downloads one for a position or a name, see
:doc:`/archives`.
"""

# %%
# The image
# ---------
#
# The tile has two clusters: a rich one in a nebula, and a poorer one without. Field
# stars, bright stars with their artefacts, dust and a background galaxy come with it.

import astropy.units as u
import matplotlib.pyplot as plt
from astropy.coordinates import SkyCoord

from astro_vaeclust import ClusterFlags, VAEClusterFinder
from astro_vaeclust.simulation import MockCluster, simulate_tile

center = SkyCoord(275.0, -16.0, unit="deg")
embedded = MockCluster(
    n_members=120,
    half_number_radius=35 * u.arcsec,
    center=center.spherical_offsets_by(-1 * u.arcmin, 2.5 * u.arcmin),
    nebulosity="embedded",
)
open_cluster = MockCluster(
    n_members=70,
    half_number_radius=30 * u.arcsec,
    center=center.spherical_offsets_by(1.5 * u.arcmin, -2 * u.arcmin),
)
tile = simulate_tile(
    center=center, clusters=[embedded, open_cluster], nulls=["galaxy"], seed=7
)
image = tile.image
print(type(image).__name__, image.shape, image.unit)

# %%
# The search
# ----------
#
# ``VAEClusterFinder()`` has the recommended settings. It needs no source catalogue and
# no training on the image.

catalog = VAEClusterFinder().detect(image)
print(catalog)

# %%
# ``r50`` is the radius that holds half of the members. ``n_members`` counts the members
# brighter than ten times the noise after the field has been subtracted; ``n_sources``
# counts every source within the radius, field stars included. ``false_alarm_rate`` is
# how many false detections per square degree have a score as high as this one. The
# truth for comparison:

for cluster in tile.clusters:
    print(f"{cluster['n_members']} members, r50 = {cluster['r50']:.1f}")

# %%
# The picture
# -----------
#
# The plot shows the image, contours of the heat map, and a circle around each cluster.

fig, ax = plt.subplots(figsize=(6, 9), subplot_kw={"projection": image.wcs})
catalog.plot(ax=ax)
ax.set(xlabel="Right ascension", ylabel="Declination")
plt.show()

# %%
# Flags
# -----
#
# A cluster with ``flags == 0`` has nothing against it. Other values are bits, and
# `~astro_vaeclust.ClusterFlags` says what they mean.

for row in catalog:
    print(row["id"], ClusterFlags.describe(row["flags"]) or "no remarks")

# %%
# Files
# -----
#
# The suffix sets the format. ECSV keeps everything, ``.reg`` is for DS9::
#
#     catalog.write("clusters.ecsv")
#     catalog.write("clusters.reg")
#     catalog.write_heatmap("heatmap.fits")
#
# On the command line, the search and the files are
#
# .. code-block:: console
#
#    $ vaeclust detect tile.fits --output clusters.ecsv --regions clusters.reg \
#          --heatmap heatmap.fits --plot overlay.png
#
# :doc:`/output` describes every column and every format.
