# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The page on which a person looks at candidates and gives verdicts."""
