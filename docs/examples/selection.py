"""
The selection function of your field
====================================

Paint mock clusters on an image, search for them, and fit the probability that a cluster
is found.

Which clusters a search finds depends on the field: its crowding, its nebulae, its
noise. For a study of a cluster population that dependence has to be measured on the
images that were searched.
"""

# %%
# Your image
# ----------
#
# This mock tile stands for a tile of yours.

import astropy.units as u
import matplotlib.pyplot as plt

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.evaluation import selection_function
from astro_vaeclust.simulation import simulate_tile

image = simulate_tile(shape=(400, 400), density=4.3, seed=5).image

# %%
# Injections
# ----------
#
# Each injection is one cluster with its own position, radius, number of members and
# shape. Eighty are enough to see how it works; use 300 or more for a result.

selection = selection_function(VAEClusterFinder(), image, n_injections=80, seed=1)
selection

# %%
# The fit
# -------
#
# The completeness is a logistic function of the logarithms of number of members,
# half-number radius and local density of sources. ``completeness`` evaluates it, and
# ``interval`` has its error.

members = [20, 50, 100]
print("completeness", selection.completeness(members, 25 * u.arcsec).round(2))
low, high = selection.interval(members, 25 * u.arcsec)
print("from", low.round(2), "to", high.round(2))

# %%
# Curves for three radii, with the outcomes of the injections:

fig, ax = plt.subplots()
selection.plot(ax=ax)
plt.show()

# %%
# Values beyond the range of the injections are refused unless you ask with
# ``extrapolate=True``. ``selection.write("selection.ecsv")`` keeps the fit and all
# injections. With ``folder=``, an interrupted run resumes.
#
# On the command line:
#
# .. code-block:: console
#
#    $ vaeclust selection-function tile.fits --injections 300 --plot selection.png
#
# :doc:`/evaluation` says what the painted clusters leave out.
