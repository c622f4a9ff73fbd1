# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Configuration of Sphinx.

The build works without a network: set ASTRO_VAECLUST_DOCS_OFFLINE=1, and references to
other packages (Astropy, NumPy, ...) stay text instead of links, while every reference
within this package must still resolve. Without it, links to other packages are checked
against their inventories, which are fetched.
"""

import datetime
import importlib
import os

from sphinx_astropy.conf.v2 import *

import astro_vaeclust

project = "astro_vaeclust"
author = "The astro_vaeclust developers"
copyright = f"{datetime.datetime.now(tz=datetime.UTC).year}, {author}"
release = astro_vaeclust.__version__
version = ".".join(release.split(".")[:2])

extensions = [
    name
    for name in extensions
    # There are no such figures, and no diagrams, which would need Graphviz.
    if name
    not in ("matplotlib.sphinxext.plot_directive", "sphinx.ext.inheritance_diagram")
]

nitpicky = True
default_role = "obj"
exclude_patterns.append("**.ipynb_checkpoints")
automodapi_inheritance_diagram = False
automodsumm_inherited_members = False
autoclass_content = "class"
numpydoc_xref_param_type = False
# The docstrings say more, and annotations such as u.Quantity resolve to nothing.
autodoc_typehints = "none"

html_title = f"{project} {release}"
html_static_path = ["_static"]
html_theme_options |= {"navigation_with_keys": False}

OTHER_PACKAGES = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "matplotlib": "https://matplotlib.org/stable/",
    "astropy": "https://docs.astropy.org/en/stable/",
    "photutils": "https://photutils.readthedocs.io/en/stable/",
    "regions": "https://astropy-regions.readthedocs.io/en/stable/",
    "sklearn": "https://scikit-learn.org/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
}
OFFLINE = bool(os.environ.get("ASTRO_VAECLUST_DOCS_OFFLINE"))
if OFFLINE:
    intersphinx_mapping = {}
else:
    intersphinx_mapping = {name: (url, None) for name, url in OTHER_PACKAGES.items()}

# No inventory to link to, anywhere.
nitpick_ignore_regex = [(r"py:.*", r"tqdm(\..*)?")]
if OFFLINE:
    packages = "|".join(name for name in OTHER_PACKAGES if name != "python")
    nitpick_ignore_regex += [
        (r"py:.*", rf"({packages})(\..*)?"),
        # What the standard library defines, which belongs to no module or is a base.
        (r"py:.*", r"(abc|collections|dataclasses|enum|functools|logging|pathlib)\..*"),
        (r"py:.*", r"(bool|bytes|complex|dict|float|int|list|object|str|tuple|type)"),
        (r"py:(exc|class|obj)", r"[A-Z]\w*(Error|Warning|Exception)"),
    ]


def resolve_short_name(app, env, node, contnode):
    """
    Resolve a name without its module, such as `LatentMap`, within this package.

    It must be one documented object, under whatever modules that is documented;
    anything else stays unresolved, and nitpicky reports it.
    """
    if node["refdomain"] != "py" or "." in node["reftarget"].rpartition(".")[0]:
        return None
    domain = env.get_domain("py")
    name = node["reftarget"]
    matches = domain.find_obj(env, None, None, name, None, searchmode=1)
    matches = [match for match in matches if match[0].startswith(f"{project}.")]
    if not matches or len({_canonical(match[0]) for match in matches}) > 1:
        return None
    shortest = min((match[0] for match in matches), key=len)
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", shortest, node, contnode
    )


def _canonical(place):
    """Return where the object that is documented under a name is defined."""
    parts = place.split(".")
    value = astro_vaeclust
    for depth, part in enumerate(parts[1:], start=2):
        try:
            value = getattr(value, part)
        except AttributeError:
            value = importlib.import_module(".".join(parts[:depth]))
    return id(value)


def setup(app):
    """Add the resolution of short names."""
    app.connect("missing-reference", resolve_short_name)
