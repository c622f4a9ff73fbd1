# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Helpers that know nothing of clusters: checks, files, jobs, statistics."""
