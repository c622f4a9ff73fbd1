# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Point sources: tables of them, finding them, and the width of stars."""
