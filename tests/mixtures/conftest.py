# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Features with a known answer."""

import numpy as np
import pytest


@pytest.fixture
def two_groups():
    """Correlated sky (360 rows) and a distinct group (40 rows), three features."""
    rng = np.random.default_rng(7)
    mixing = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -0.3], [0.0, 0.0, 0.7]])
    sky = rng.normal(size=(360, 3)) @ mixing
    group = 0.5 * rng.normal(size=(40, 3)) + [5.0, -3.0, 4.0]
    return np.concatenate([sky, group]), np.repeat([False, True], [360, 40])
