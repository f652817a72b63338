"""A client for tests in which things break: it tells a whole reply from a closed connection, and both from a hang."""

import base64
import http.client
import socket
import ssl
import time

from client import ADMIN


class Closed(Exception):
    """The connection ended without a reply."""


class Talk:
    """A client that tells a closed connection from a reply, and a reply from a hang."""

    def __init__(self, server):
        self.server = server
        self.context = ssl.create_default_context(cafile=server.ca)
        self.connection = None

    def open(self):
        self.close()
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.context, timeout=30)
        self.connection.connect()

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def once(self, method, path, body=None, headers=None, auth=ADMIN):
        """(status, body); Closed when there was no whole reply."""
        try:
            if not self.connection:
                self.open()
            given = dict(headers or {})
            if auth:
                given["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
            self.connection.request(method, path, body, given)
            reply = self.connection.getresponse()
            content = reply.read()
            if reply.will_close:
                self.close()
            return reply.status, content
        except (TimeoutError, socket.timeout):
            self.close()
            raise AssertionError(f"{method} {path} hangs") from None
        except (http.client.HTTPException, OSError) as e:
            self.close()
            raise Closed(str(e)) from e

    def healthy(self, method, path, body=None, headers=None, wanted=(200,)):
        """Without faults: must work, within 20 s if the server is still mending."""
        deadline = time.monotonic() + 20
        while True:
            try:
                status, content = self.once(method, path, body, headers)
                if status in wanted:
                    return content
                said = f"{status} {content[:500]!r}"
            except Closed as e:
                said = f"closed: {e}"
            assert time.monotonic() < deadline, f"{method} {path} does not work again: {said}"
            time.sleep(0.05)
