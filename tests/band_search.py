# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A search in several bands that finds one cluster, without a trained model."""

import astropy.units as u
import numpy as np
from photutils.segmentation import SegmentationImage

from astro_vaeclust.base import ClusterSearchBase
from astro_vaeclust.measure.circles import bands_of_circles, circle

RADIUS = 20.0


class MiddleSearch(ClusterSearchBase):
    """Finds a cluster in the middle of an image, with an extinction from colours."""

    sources_used_as = "nothing"
    models = ()

    def __init__(self, image):
        self.image = image
        ny, nx = image.shape
        self.center = np.array([nx / 2, ny / 2])

    @property
    def segmentation(self):
        labels = np.zeros(self.image.shape, dtype=np.int32)
        part, inside = circle(self.image.shape, self.center, RADIUS)
        labels[part][inside] = 1
        return SegmentationImage(labels)

    @property
    def heatmap(self):
        return np.where(self.image.unseen, 0.0, 0.5 * self.segmentation.data)

    def flag_conditions(self, table):
        pass

    def columns(self):
        x, y = self.center[:, np.newaxis]
        radius = RADIUS * self.image.pixel_scale * u.pix * np.ones(1)
        found = {
            "id": np.array([1]),
            "sky_center": self.image.wcs.pixel_to_world(x, y),
            "x_center": x,
            "y_center": y,
            "radius": radius,
            "radius_err": 0.1 * radius,
            "area": np.pi * radius**2,
            "score": np.array([0.9]),
            "false_alarm_rate": np.array([0.1]) / u.deg**2,
            "n_sources": np.array([7]),
            "flags": np.array([0]),
        }
        if self.image.bands:
            bands = bands_of_circles(self.image, [self.center], [RADIUS])
            found |= {"bands": bands, "a_k": [0.75] * u.mag, "a_k_err": [0.1] * u.mag}
        return found
