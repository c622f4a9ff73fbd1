# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Messages to programs on this computer, such as DS9 and TOPCAT, by SAMP."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path

from .warning import ignored_warnings

__all__ = ["Samp", "connected", "samp_module", "session_folder"]

TIMEOUT = 10
"""Seconds in which a program must answer."""

PATIENCE = 10
"""Seconds in which a call is tried again."""

PAUSE = 0.5
"""Seconds between two trials."""


@cache
def samp_module():
    """Return pyvo.samp, or astropy.samp, which it was before version 8 of astropy."""
    try:
        return import_module("pyvo.samp")
    except ImportError:
        with ignored_warnings(Warning):  # that it is deprecated
            return import_module("astropy.samp")


@cache
def session_folder():
    """Return a folder that only this user can read; it is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="astro_vaeclust-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def connected():
    """
    Connect to the SAMP hub that runs, which is that of DS9, TOPCAT or Aladin.

    Yields
    ------
    samp : `Samp`
        The connection.

    Raises
    ------
    ConnectionError
        If no hub runs. None is started.
    """
    samp = samp_module()
    with samp.conf.set_temp("use_internet", False):
        client = samp.SAMPIntegratedClient("astro_vaeclust", callable=False)
        try:
            client.connect()
        except samp.SAMPHubError as error:
            raise ConnectionError(
                "no SAMP hub is running; start TOPCAT, Aladin or DS9 "
                "(ds9 -samp connect) and try again"
            ) from error
        try:
            yield Samp(client)
        finally:
            client.disconnect()


class Samp:
    """
    A connection to a SAMP hub.

    Parameters
    ----------
    client : `~astropy.samp.SAMPIntegratedClient`
        The connected client.
    """

    def __init__(self, client):
        self.client = client

    def recipients(self, message, program):
        """
        Return the ids of the programs that take a message.

        Parameters
        ----------
        message : str
            Its type, such as ``table.load.votable``.
        program : str
            What to start where there is none, for the error.

        Raises
        ------
        ConnectionError
            If there is none.
        """
        found = list(self.client.get_subscribed_clients(message))
        if not found:
            raise ConnectionError(
                f"no program on the SAMP hub takes {message}; start {program}"
            )
        return found

    def name(self, recipient):
        """Return the name of a program (str)."""
        return self.client.get_metadata(recipient).get("samp.name", recipient)

    def call(self, recipient, message, *, timeout=TIMEOUT, **parameters):
        """Send a message and wait; raises ConnectionError unless the answer is ok."""
        content = {"samp.mtype": message, "samp.params": parameters}
        try:
            answer = self.client.call_and_wait(recipient, content, str(timeout))
        except samp_module().SAMPProxyError as error:
            raise ConnectionError(
                f"{self.name(recipient)} did not answer {message} in {timeout} s"
            ) from error
        if answer["samp.status"] == "samp.error":
            reason = answer.get("samp.error", {}).get("samp.errortxt", "no reason")
            raise ConnectionError(f"{self.name(recipient)}: {message}: {reason}")

    def retry(self, recipient, message, **parameters):
        """Call until the answer is ok, for some seconds; raises as `call` then."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.call(recipient, message, timeout=3, **parameters)
            except ConnectionError:
                if time.monotonic() > end:
                    raise
            time.sleep(PAUSE)

    def tell_all(self, message, **parameters):
        """Send a message to all that take it, without waiting."""
        self.client.notify_all({"samp.mtype": message, "samp.params": parameters})
