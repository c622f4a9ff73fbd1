# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The version, in one place, and how to cite it; the build reads it without git."""

__version__ = "0.1.0.dev0"

__citation__ = f"""\
@software{{astro_vaeclust,
  author = {{{{The astro_vaeclust developers}}}},
  title = {{astro_vaeclust: star clusters in near-infrared images by variational
           autoencoders}},
  version = {{{__version__}}},
  year = {{2026}},
}}
@misc{{karmakar2018,
  author = {{Karmakar, Arnab and Mishra, Deepak and Tej, Anandmayee}},
  title = {{Stellar Cluster Detection using GMM with Deep Variational Autoencoder}},
  year = {{2018}},
  eprint = {{1809.01434}},
  archivePrefix = {{arXiv}},
}}
"""
