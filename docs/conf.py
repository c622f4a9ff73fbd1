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
import sys
from pathlib import Path

from sphinx_astropy.conf.v2 import *

import astro_vaeclust

project = "astro_vaeclust"
author = "The astro_vaeclust developers"
copyright = f"{datetime.datetime.now(tz=datetime.UTC).year}, {author}"
release = astro_vaeclust.__version__
version = ".".join(release.split(".")[:2])

sys.path.insert(0, str(Path(__file__).parent))

NOT_USED = {
    "matplotlib.sphinxext.plot_directive",  # figures are made by the gallery
    "sphinx.ext.inheritance_diagram",  # needs Graphviz
    "sphinx.ext.mathjax",  # needs a network; the pages have MathML
}
extensions = [name for name in extensions if name not in NOT_USED]
extensions += ["mathml", "sphinx_design", "sphinx_gallery.gen_gallery"]
html_math_renderer = "mathml"

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "tasks",
    "filename_pattern": r"/examples/",
    "abort_on_example_error": True,
    "copyfile_regex": r".*\.rst",
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

nitpicky = True
default_role = "obj"
exclude_patterns += ["**.ipynb_checkpoints", "_templates", "examples"]
templates_path = ["_templates"]
automodapi_inheritance_diagram = False
automodsumm_inherited_members = False
autoclass_content = "class"
numpydoc_xref_param_type = False
# The docstrings say more, and annotations such as u.Quantity resolve to nothing.
autodoc_typehints = "none"

html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_sidebars = {name: [] for name in ("index", "genindex", "py-modindex", "search")}
html_theme_options |= {
    "logo": {"text": project},
    "navbar_end": ["version-switcher", "theme-switcher"],
    "navigation_with_keys": False,
    "check_switcher": False,
    "switcher": {"json_url": "_static/versions.json", "version_match": release},
}

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
nitpick_ignore_regex = [(r"py:.*", r"(distributed|pyarrow|tqdm)(\..*)?")]
if OFFLINE:
    packages = "|".join(name for name in OTHER_PACKAGES if name != "python")
    nitpick_ignore_regex += [
        (r"py:.*", rf"({packages})(\..*)?"),
        # What the standard library defines, which belongs to no module or is a base.
        (r"py:.*", r"(abc|collections|dataclasses|enum|functools|logging|pathlib)\..*"),
        (r"py:.*", r"(bool|bytes|complex|dict|float|int|list|object|str|tuple|type)"),
        (r"py:(exc|class|obj)", r"[A-Z]\w*(Error|Warning|Exception)"),
    ]


def resolve_name(app, env, node, contnode):
    """
    Resolve a name that is documented under another module.

    It may be without a module, such as `LatentMap`, or with that which defines it,
    where another one exports it. It must be one documented object; anything else stays
    unresolved, and nitpicky reports it.
    """
    if node["refdomain"] != "py":
        return None
    domain = env.get_domain("py")
    target = node["reftarget"]
    module, _, name = target.rpartition(".")
    if module.startswith(project):
        matches = [m for m in _documented(domain, env, name) if _is_same(m, target)]
    elif "." not in module:
        matches = _documented(domain, env, target)
    else:
        return None
    if not matches or len({id(_object(match)) for match in matches}) > 1:
        return None
    shortest = min(matches, key=len)
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", shortest, node, contnode
    )


def _documented(domain, env, name):
    """Return the full names of this package that are documented and end in a name."""
    found = domain.find_obj(env, None, None, name, None, searchmode=1)
    return [match[0] for match in found if match[0].startswith(f"{project}.")]


def _is_same(name, other):
    try:
        return _object(name) is _object(other)
    except (ImportError, AttributeError):
        return False


def _object(name):
    """Return the module, or what a module or class has, of a full name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        owner, _, attribute = name.rpartition(".")
        return getattr(_object(owner), attribute)


def setup(app):
    """Add the resolution of names."""
    app.connect("missing-reference", resolve_name)
