"""
Comparing with a catalogue method
=================================

Run star counts and other methods on the same images, and compare them fairly.

The package has seven methods that work on a list of stars, behind the same interface as
the detector. They are what one would use without it.
"""

# %%
# One image
# ---------
#
# Each method finds the sources in the image itself, or takes them from ``sources=``.

import tempfile

import astropy.units as u
import matplotlib.pyplot as plt

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.baselines import MatchedFilter, StarCounts
from astro_vaeclust.evaluation import evaluate_finders, make_finders
from astro_vaeclust.simulation import MockCluster, simulate_tile

cluster = MockCluster(n_members=80, half_number_radius=28 * u.arcsec)
tile = simulate_tile(shape=(400, 400), clusters=cluster, density=4.0, seed=11)

finders = {
    "default": VAEClusterFinder(),
    "star counts": StarCounts(),
    "matched filter": MatchedFilter(),
}
fig = plt.figure(figsize=(12, 4.5), layout="constrained")
for number, (name, finder) in enumerate(finders.items(), start=1):
    catalog = finder.detect(tile.image)
    ax = fig.add_subplot(1, 3, number, projection=tile.image.wcs)
    catalog.plot(ax=ax)
    ax.set(title=name, xlabel="Right ascension", ylabel="Declination")
plt.show()

# %%
# The contours are those of the heat map of each method. ``score`` is not on one scale
# for all methods, so the number of detections on one image compares nothing. What can
# be compared is the completeness *at the same rate of false positives*.
#
# Many images
# -----------
#
# `~astro_vaeclust.evaluation.evaluate_finders` makes mock tiles, half of them without a
# cluster, runs the finders, and counts. It keeps its results in a folder and resumes
# from there.

with tempfile.TemporaryDirectory() as folder:
    results = evaluate_finders(
        make_finders(["default", "star-counts"]),
        folder,
        n_tiles=16,
        seed=2_000_000,
        n_bootstrap=200,
    )

fig, ax = plt.subplots()
for name, result in results.items():
    result.with_members(20).plot(ax=ax, label=name)
ax.legend()
plt.show()

# %%
# Sixteen tiles are a demonstration: one cluster more or less moves a curve by 0.1, and
# a third of a square degree without clusters says nothing about rates below a few per
# square degree. :doc:`/performance` has 1000 tiles and all methods, and
# :doc:`/baselines` how each method was tuned.
#
# On the command line:
#
# .. code-block:: console
#
#    $ vaeclust evaluate --tiles 100 --finders default star-counts --workers 2
