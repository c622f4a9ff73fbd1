# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What is measured of a cluster: columns, flags, circles and regions."""
