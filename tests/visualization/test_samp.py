# Licensed under a 3-clause BSD style license - see LICENSE.rst
import gc
import os
import shutil
import stat
import subprocess
import sys
import time
from urllib.parse import urlparse

import numpy as np
import pytest
from astropy.io import fits

from astro_vaeclust.catalog import ClusterCatalog
from astro_vaeclust.utils import samp

from ..example_catalog import make_catalog

SAMP = samp.samp_module()

# pyvo's clients leave their sockets to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def no_hub(monkeypatch, tmp_path):
    """A lock file of no hub, and no network."""
    monkeypatch.setenv("SAMP_HUB", "std-lockurl:" + (tmp_path / "samp").as_uri())
    with SAMP.conf.set_temp("use_internet", False):
        yield tmp_path / "samp"


@pytest.fixture
def hub(no_hub):
    server = SAMP.SAMPHubServer(
        web_profile=False, lockfile=str(no_hub), addr="127.0.0.1"
    )
    server.start()
    yield server
    server.stop()
    gc.collect()


@pytest.fixture
def program(hub):
    """A program that takes everything, and remembers it; fails as often as it shall."""
    client = SAMP.SAMPIntegratedClient("a table program", addr="127.0.0.1")
    client.connect()
    client.received, client.failures = [], 0

    def receive(private_key, sender, message_id, message_type, parameters, extra):
        client.received.append((message_type, parameters))
        ok = client.failures == 0 or message_type != "table.highlight.row"
        client.failures -= not ok
        error = {"samp.status": "samp.error", "samp.error": {"samp.errortxt": "no"}}
        if message_id is not None:
            client.reply(
                message_id,
                {"samp.status": "samp.ok", "samp.result": {}} if ok else error,
            )

    def notice(private_key, sender, message_type, parameters, extra):
        client.received.append((message_type, parameters))

    for message in (
        "image.load.fits",
        "ds9.set",
        "table.load.votable",
        "table.highlight.row",
    ):
        client.bind_receive_call(message, receive)
    client.bind_receive_notification("coord.pointAt.sky", notice)
    yield client
    client.disconnect()


def path_of(url):
    return urlparse(url).path


@pytest.mark.parametrize("send", ["send_to_ds9", "broadcast", "point_at"])
def test_without_a_hub_the_error_names_what_to_start(no_hub, send):
    arguments = (1,) if send == "point_at" else ()
    with pytest.raises(ConnectionError, match=r"start TOPCAT.*ds9 -samp connect"):
        getattr(make_catalog(1), send)(*arguments)
    assert not no_hub.exists()  # none was started


@pytest.mark.parametrize("send", ["send_to_ds9", "broadcast"])
def test_nobody_who_takes_it(hub, send):
    with pytest.raises(ConnectionError, match="no program on the SAMP hub takes"):
        getattr(make_catalog(1), send)()


def test_the_table_goes_to_table_programs(program):
    catalog = make_catalog(3)
    assert catalog.broadcast() == ["a table program"]
    ((message, parameters),) = program.received
    assert message == "table.load.votable"
    read = ClusterCatalog.read(path_of(parameters["url"]))
    assert read["id"].tolist() == [1, 2, 3]
    mode = os.stat(samp.session_folder()).st_mode
    assert stat.S_IMODE(mode) == 0o700


def test_pointing_tries_until_the_table_is_there(program, monkeypatch):
    monkeypatch.setattr(samp, "PAUSE", 0.05)
    catalog = make_catalog(3)
    catalog.broadcast()
    program.failures = 2
    catalog.point_at(3)
    table_id = program.received[0][1]["table-id"]
    rows = [values for name, values in program.received if name.endswith("row")]
    assert len(rows) == 3
    assert rows[-1]["row"] == "2"
    assert rows[-1]["table-id"] == table_id
    (place,) = [values for name, values in program.received if "pointAt" in name]
    sky = catalog["sky_center"][2]
    assert float(place["ra"]) == pytest.approx(sky.ra.deg, abs=1e-6)


def test_pointing_gives_up_and_says_why(program, monkeypatch):
    monkeypatch.setattr(samp, "PATIENCE", 0.2)
    program.failures = 10**6
    with pytest.raises(ConnectionError, match=r"a table program.*table.highlight.row"):
        make_catalog(1).point_at(1)
    with pytest.raises(ValueError, match=r"\[1\], got 5"):
        make_catalog(1).point_at(5)


def test_image_regions_and_view_for_ds9(program):
    catalog = make_catalog(2)
    catalog.send_to_ds9()
    names = [name for name, _ in program.received]
    assert names == ["image.load.fits", "ds9.set", "ds9.set"]
    pixels = fits.getdata(path_of(program.received[0][1]["url"]))
    np.testing.assert_array_equal(np.isnan(pixels), catalog.image.mask)
    load, pan = (values["cmd"] for _, values in program.received[1:])
    with open(load.removeprefix("regions load ")) as file:
        assert file.read().count("circle(") == 2
    ra = catalog["sky_center"][0].ra.deg
    assert pan == f"pan to {ra:.6f} {catalog['sky_center'][0].dec.deg:.6f} wcs icrs"


@pytest.mark.skipif(
    not (shutil.which("ds9") and shutil.which("Xvfb"))
    and not (os.environ.get("CI") and sys.platform == "linux"),
    reason="needs DS9 and Xvfb",
)
def test_real_ds9_gives_the_regions_back(hub, tmp_path):
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24"]
    xvfb = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ds9 = None
    try:
        ds9 = subprocess.Popen(
            ["ds9", "-samp", "connect"],
            env=os.environ | {"DISPLAY": f":{xvfb.stdout.readline().strip()}"},
        )
        client = SAMP.SAMPIntegratedClient("test", addr="127.0.0.1", callable=False)
        client.connect()
        end = time.monotonic() + 60
        while not client.get_subscribed_clients("ds9.set"):
            assert time.monotonic() < end, "DS9 did not connect"
            time.sleep(0.2)
        catalog = make_catalog(2)
        catalog.send_to_ds9()
        (recipient,) = client.get_subscribed_clients("ds9.get")
        answer = client.ecall_and_wait(
            recipient, "ds9.get", "20", cmd="regions -format ds9 -system wcs -sky icrs"
        )
        text = answer["samp.result"].get("value") or answer["samp.result"]["url"]
        if text.startswith("file:"):
            with open(path_of(text)) as file:
                text = file.read()
        assert text.count("circle(") == 2
        client.disconnect()
    finally:
        hub.stop()  # while DS9 still answers
        for process in (ds9, xvfb):
            if process is not None:
                process.terminate()
                process.wait()
        xvfb.stdout.close()
