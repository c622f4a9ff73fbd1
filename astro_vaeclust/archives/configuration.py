# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Addresses, patience and limits, as items of astropy's configuration."""

from __future__ import annotations

from urllib.parse import urlsplit

from astropy.config import ConfigItem, ConfigNamespace

__all__ = ["ADDRESSES", "Conf", "changed_hosts", "conf"]

ADDRESSES = (
    "irsa_tap_url",
    "irsa_sia_url",
    "irsa_old_sia_url",
    "wsa_url",
    "vsa_url",
    "vizier_url",
    "simbad_url",
)
"""The items that are addresses of services."""

_MODULE = "astro_vaeclust.archives"


def _item(default, description, kind=None):
    return ConfigItem(default, description, cfgtype=kind, module=_MODULE)


class Conf(ConfigNamespace):
    """Configuration of `astro_vaeclust.archives`, read at each request."""

    irsa_tap_url = _item("https://irsa.ipac.caltech.edu/TAP", "Catalogues of IRSA.")
    irsa_sia_url = _item(
        "https://irsa.ipac.caltech.edu/SIA", "Images of IRSA, SIA version 2."
    )
    irsa_old_sia_url = _item(
        "https://irsa.ipac.caltech.edu/cgi-bin/2MASS/IM/nph-im_sia?type=at&ds=asky&",
        "Atlas images of 2MASS, SIA version 1; the fallback.",
    )
    wsa_url = _item(
        "http://wsa.roe.ac.uk:8080/wsa/", "The WFCAM Science Archive (UKIDSS)."
    )
    vsa_url = _item("http://vsa.roe.ac.uk:8080/vdfs/", "The VISTA Science Archive.")
    vizier_url = _item("https://vizier.cds.unistra.fr", "VizieR or a mirror of it.")
    simbad_url = _item(
        "https://simbad.cds.unistra.fr/simbad/sim-tap", "TAP service of SIMBAD."
    )
    trusted_hosts = _item(
        ["ipac.caltech.edu", "roe.ac.uk", "unistra.fr", "u-strasbg.fr"],
        "Hosts that may be asked besides those of the addresses above: links in the "
        "answer of a service to any other host are not followed. A name stands for "
        "its subdomains too.",
        "string_list",
    )
    timeout = _item(60.0, "Longest silence of a service in seconds.")
    deadline = _item(
        600.0, "Longest time in seconds for one request, with body and retries."
    )
    retries = _item(3, "How often a request is sent again after a passing failure.")
    backoff = _item(
        1.0,
        "Pauses before a request is sent again: the first is none, the second twice "
        "these seconds, and then it doubles.",
    )
    interval = _item(0.25, "Least time in seconds between two requests to one host.")
    largest_answer = _item(512.0, "Largest answer in MB (1e6 bytes), unpacked.")
    use_cache = _item(True, "Whether answers are kept and taken from the cache.")


conf = Conf()
"""The configuration in use."""


def changed_hosts():
    """Return the hosts of addresses other than the defaults, such as mirrors (list)."""
    changed = (
        getattr(conf, name)
        for name in ADDRESSES
        if getattr(conf, name) != getattr(Conf, name).defaultvalue
    )
    return sorted({urlsplit(address).netloc for address in changed})
