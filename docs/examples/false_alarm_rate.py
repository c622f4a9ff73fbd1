"""
Choosing the false-alarm rate
=============================

``max_false_alarm_rate`` is the one setting to think about. It is the number of false
detections per square degree that you accept.

The right value depends on what the list is for:

- **0.1 per square degree** for a list in which most entries are real clusters.
- **1 per square degree**, the default, for a search of single fields.
- **10 per square degree** for candidates that somebody will look at.

About 0.2 infrared clusters per square degree of the Galactic plane are known. In a
blind search at one false alarm per square degree, most entries are therefore false.
"""

# %%
# What the rate means
# -------------------
#
# Of thirty mock tiles of 2MASS in Ks, one half has a cluster each, the other has none.
# They are searched once, down to a high rate; a lower rate is a cut on the column.

import warnings

import astropy.units as u
import matplotlib.pyplot as plt
import numpy as np

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.evaluation import froc
from astro_vaeclust.simulation import mock_tile

finder = VAEClusterFinder(max_false_alarm_rate=100 / u.deg**2)
tiles = [mock_tile(seed) for seed in range(2_000_000, 2_000_030)]
with warnings.catch_warnings(action="ignore", category=NoDetectionsWarning):
    catalogs = [finder.detect(tile.image) for tile in tiles]

# %%
# On the tiles without a cluster every detection is false. Their number at or below a
# stated rate should be the rate times the area.

area = (tiles[0].image.data.size * u.arcsec**2).to("deg2")
empty = [c for c, tile in zip(catalogs, tiles, strict=True) if not len(tile.clusters)]
sky = area * len(empty)
stated = np.concatenate([c["false_alarm_rate"].value for c in empty])
rates = np.geomspace(1, 100, 50)
counted = [(stated <= rate).sum() for rate in rates]
print(f"{len(empty)} tiles without a cluster, {sky:.2f}")

# %%
# On the others, the fraction of clusters that are found grows with the rate. Here
# `~astro_vaeclust.evaluation.froc` matches detections to the true clusters of 20
# members or more.

truths = [tile.clusters for tile in tiles]
areas = np.full(len(tiles), area.value) * u.deg**2
result = froc(catalogs, truths, areas).with_members(20)
detections = result.detections[result.detections["is_matched"]]
n_clusters = len(result.clusters)
found = [
    np.sum(detections["false_alarm_rate"].value <= rate) / n_clusters for rate in rates
]

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.step(rates, counted, where="post", label="counted")
left.plot(rates, rates * sky.value, "k--", label="rate x area")
left.set(xscale="log", xlabel="stated rate (per deg2)", ylabel="false detections")
left.legend()
right.step(rates, found, where="post")
right.set(
    xscale="log",
    xlabel="stated rate (per deg2)",
    ylabel=f"fraction of {n_clusters} clusters found",
    ylim=(0, 1.05),
)
plt.show()

# %%
# The counts may lie below the line: stated rates include the factor by which candidates
# are more frequent on real sky than on mock sky.
#
# Half a square degree without a cluster says something about 10 and 100 per square
# degree, and next to nothing about 1: less than one false detection is expected there.
# :doc:`/performance` has the measurement on 100 square degrees.
#
# Setting it
# ----------

finder = VAEClusterFinder(max_false_alarm_rate=0.1 / u.deg**2)

# %%
# On the command line it is ``--max-false-alarm-rate 0.1``. A table that was made at a
# high rate can be cut afterwards:

catalog = catalogs[0]
catalog[catalog["false_alarm_rate"] <= 0.1 / u.deg**2]

# %%
# The rates are those of mock tiles of 2MASS and UKIDSS, corrected by six real 2MASS
# tiles. On images of another kind, such as photographic plates or pixels of several
# arcseconds, they are a guess.
