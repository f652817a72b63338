"""How the wire tests talk to a server: start one, create datasets, send rows, read them back; and raw bytes over TLS.

Server owns the process. Api is a requests session with the right CA, credentials and base address. Nothing here knows how
the server works inside: what is tested is what a client could see."""

import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import time

import requests

if os.geteuid() == 0:  # in a container, say; that root is refused otherwise has tests of its own (test_sandbox.py)
    os.environ.setdefault("SELTZER_RUN_AS", "root")

ADMIN = ("admin", "seltzer-dev-password")
SIX = ("Rows Created", "Rows Updated", "Rows Deleted", "By RowIdentifier", "By SID", "Errors")
ROW_ID = re.compile(r"^row-[2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}$")
VERSION = re.compile(r"^rv-[2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}[-._~][2-9a-km-np-z]{4}$")
FOUR_BY_FOUR = re.compile(r"^[a-z0-9]{4}-[a-z0-9]{4}$")
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion .* failed)")


class Server:
    """One seltzer process on a data directory; ports are picked by the system."""

    def __init__(self, data, binary=None, extra=()):
        self.data = str(data)
        self.binary = binary or os.environ.get("SELTZER", "build/asan/seltzer")
        self.extra = list(extra)
        self.log_path = self.data + ".log"
        self.process = None
        self.environment = {}

    def start(self):
        environment = dict(os.environ, SELTZER_ADMIN_PASSWORD=ADMIN[1], **self.environment)
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
             "--disk-reserve", "1M", *self.extra],  # a nearly full disk of whoever runs the tests is not what they try
            stdout=subprocess.PIPE, stderr=self.log, env=environment)
        self.url = self.http_url = None
        lines = b""
        deadline = time.monotonic() + 30
        while not (self.url and self.http_url):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                self.kill()
                raise AssertionError(f"server not ready; it said {lines!r} and {self.said()[-2000:]!r}")
            lines += chunk
            for line in lines.decode().splitlines():
                if line.startswith("ready https://"):
                    self.url = line.split()[1]
                elif line.startswith("ready http://"):
                    self.http_url = line.split()[1]
        return self

    @property
    def ca(self):
        return os.path.join(self.data, "tls", "ca.pem")

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def said(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode(errors="replace")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9, as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.close()

    def stop(self):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(40)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.close()
        return status

    def close(self):
        self.process.stdout.close()
        self.log.close()

    def check_clean(self):
        """No sanitizer report, no failed assertion in all that it said."""
        report = SANITIZER.search(self.said())
        assert not report, self.said()[max(0, report.start() - 500):report.start() + 6000]

    def add_user(self, name, password, role="publisher"):
        """A user, as an operator adds one beside the running server; its Api."""
        subprocess.run([self.binary, "user", "add", name, "--role", role, "--data", self.data], input=password.encode() + b"\n", check=True)
        return self.api((name, password))

    def run(self, *words, **options):
        """A command beside the running server, which must be done; what it printed."""
        return subprocess.run([self.binary, *words, "--data", self.data], capture_output=True, text=True, check=True, timeout=60, **options).stdout

    def api(self, auth=ADMIN):
        return Api(self, auth)

    def connect(self, alpn=None):
        """A TLS connection for bytes of one's own."""
        context = ssl.create_default_context(cafile=self.ca)
        if alpn:
            context.set_alpn_protocols(alpn)
        raw = socket.create_connection(("127.0.0.1", self.port), 20)
        raw.settimeout(20)
        return context.wrap_socket(raw, server_hostname="127.0.0.1")

    def exchange(self, request):
        """Sends bytes as they stand; returns all that comes back until the server closes (or stays silent for 3 s)."""
        with self.connect() as tls:
            tls.sendall(request)
            tls.settimeout(3)
            return read_to_end(tls)


def read_to_end(tls):
    got = b""
    try:
        while True:
            chunk = tls.recv(65536)
            if not chunk:
                break
            got += chunk
    except (socket.timeout, ssl.SSLError, ConnectionError):
        pass
    return got


def status_of(reply):
    assert reply.startswith(b"HTTP/1.1 "), reply[:200]
    return int(reply.split(b" ", 2)[1])


class Api:
    """A publisher: HTTPS, Basic. Paths are relative to the server."""

    def __init__(self, server, auth=ADMIN):
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = server.ca
        self.session.auth = auth

    def request(self, method, path, **options):
        options.setdefault("timeout", 60)
        options.setdefault("allow_redirects", False)
        return self.session.request(method, self.server.url + path, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    # datasets

    def create(self, columns, key=None, publish=True, public=False, **view):
        """A dataset; columns is {"field": "type"} or a list of column documents; returns its 4x4."""
        if isinstance(columns, dict):
            columns = [{"name": name.replace("_", " ").title(), "fieldName": name, "dataTypeName": kind}
                       for name, kind in columns.items()]
        document = dict({"name": "a test", "columns": columns}, **view)
        if key:
            document.setdefault("metadata", {})["rowIdentifier"] = key
        reply = self.post("/api/views.json", json=document)
        assert reply.status_code == 200, reply.text
        dataset = reply.json()["id"]
        if publish:
            reply = self.post(f"/api/views/{dataset}/publication.json")
            assert reply.status_code == 200, reply.text
        if public:
            reply = self.put(f"/api/views/{dataset}.json?method=setPermission&value=public.read")
            assert reply.status_code == 200, reply.text
        return dataset

    # rows

    def send_json(self, method, dataset, body, path="", **params):
        """body: a Python value, or a str/bytes that is sent as it stands."""
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        return self.request(method, f"/resource/{dataset}{path or '.json'}", data=body, params=params,
                            headers={"Content-Type": "application/json"})

    def send_csv(self, method, dataset, text, path="", **params):
        if isinstance(text, str):
            text = text.encode()
        return self.request(method, f"/resource/{dataset}{path or '.json'}", data=text, params=params,
                            headers={"Content-Type": "text/csv"})

    def upsert(self, dataset, rows, **params):
        return self.send_json("POST", dataset, rows, **params)

    def replace(self, dataset, rows, **params):
        return self.send_json("PUT", dataset, rows, **params)

    def upsert_ok(self, dataset, rows, **params):
        reply = self.upsert(dataset, rows, **params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def rows(self, dataset, **params):
        reply = self.get(f"/resource/{dataset}.json", params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def full(self, dataset):
        """All rows with system fields."""
        return self.rows(dataset, **{"$select": ":*,*"})

    def version(self, dataset):
        return int(self.get(f"/resource/{dataset}.json", params={"$limit": "1"}).headers["X-SODA2-Truth-Version"])


def counts(created=0, updated=0, deleted=0, by_key=0, by_sid=0, errors=0):
    return dict(zip(SIX, (created, updated, deleted, by_key, by_sid, errors)))


def six(reply):
    """The six counts of a reply, which must all be there as integers."""
    body = reply if isinstance(reply, dict) else reply.json()
    assert isinstance(body, dict), body
    for name in SIX:
        assert type(body.get(name)) is int, body
    return {name: body[name] for name in SIX}


def refused(reply, status, error_code=None, code=None, says=()):
    """An error in the house form, with that status, those codes, and all those words in its message; the body."""
    assert reply.status_code == status, f"{reply.status_code} to {reply.request.method} {reply.request.path_url[:200]}: {reply.text[:600]}"
    assert reply.headers["Content-Type"].lower().replace(" ", "") == "application/json;charset=utf-8"
    assert reply.headers["X-Socrata-RequestId"]
    body = reply.json()
    assert body["error"] is True and body["message"] and isinstance(body["data"], dict), body
    assert body["code"] and body["errorCode"], body
    if error_code:
        assert body["errorCode"] == error_code, body
    if code:
        assert body["code"] == code, body
    for words in [says] if isinstance(says, str) else says:
        assert words.lower() in body["message"].lower(), body["message"]
    return body
