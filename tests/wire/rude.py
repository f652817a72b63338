"""Clients with bad manners, and what to watch while they are at it: raw requests, bodies of any size made while they are sent,
healthy requests on the side, and the server's memory, sockets and scratch files from /proc.

SELTZER_SOAK=1 adds the tests that take minutes (mark `soak`); SELTZER_SEED repeats a random run."""

import base64
import contextlib
import json
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from client import ADMIN, Server

SOAK = os.environ.get("SELTZER_SOAK", "") not in ("", "0")
soak = pytest.mark.skipif(not SOAK, reason="takes minutes; SELTZER_SOAK=1 runs it")
BASIC = b"Authorization: Basic " + base64.b64encode(":".join(ADMIN).encode()) + b"\r\n"
CLOSE = b"Connection: close\r\n"
MIB = 1 << 20


def seeded():
    """Random numbers whose seed is printed, and taken back."""
    seed = int(os.environ.get("SELTZER_SEED", random.randrange(2 ** 32)))
    print("SELTZER_SEED=%d" % seed)
    return random.Random(seed)


# ── bytes of requests ──


def get(path="/api/version", headers=b"", auth=b""):
    return b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n" + auth + headers + b"\r\n"


def post(dataset, headers, body=b"", method=b"POST", kind=b"application/json", query=b""):
    return (method + b" /resource/" + dataset.encode() + b".json" + query + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + kind + b"\r\n"
            + BASIC + headers + b"\r\n" + body)


def whole(dataset, body, headers=b"", **how):
    return post(dataset, headers + b"Content-Length: %d\r\n" % len(body), body, **how)


def connect(server, source=None, context=None, timeout=20):
    """TLS from an address of one's own choice (127.0.0.x), for the limits are counted by address."""
    context = context or ssl.create_default_context(cafile=server.ca)
    raw = socket.create_connection(("127.0.0.1", server.port), timeout, source_address=(source, 0) if source else None)
    try:
        return context.wrap_socket(raw, server_hostname="127.0.0.1")
    except BaseException:
        raw.close()
        raise


def reset(sock):
    """Closes with RST instead of FIN. Of a TLS socket, the file under it."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        sock.close()


def read_reply(sock, got=b""):
    """One reply as (status, headers in small letters, body); None when the connection ends before it is whole. got: what was read of it."""
    while b"\r\n\r\n" not in got:
        chunk = sock.recv(65536)
        if not chunk:
            return None
        got += chunk
    head, body = got.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    length = int(headers.get("content-length", 0))
    pieces, n = [body], len(body)
    while n < length:
        chunk = sock.recv(min(MIB, length - n))
        if not chunk:
            return None
        pieces.append(chunk)
        n += len(chunk)
    return int(lines[0].split()[1]), headers, b"".join(pieces)


def stream(server, head, pieces, source=None, timeout=60):
    """Sends a body piece by piece until it ends or the server answers; (reply, bytes sent). Chunked bodies frame themselves."""
    sent = 0
    with connect(server, source, timeout=timeout) as tls:
        tls.sendall(head)
        try:
            for piece in pieces:
                tls.sendall(piece)
                sent += len(piece)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
        try:
            return read_reply(tls), sent
        except (ConnectionError, ssl.SSLError):
            return None, sent


def chunked(pieces):
    for piece in pieces:
        if piece:
            yield b"%x\r\n" % len(piece) + piece + b"\r\n"
    yield b"0\r\n\r\n"


def errors_of(body):
    """The house's error body, checked."""
    said = json.loads(body)
    assert said["error"] is True and said["message"] and said["code"] and said["errorCode"] and isinstance(said["data"], dict), said
    return said


# ── a release binary for what ASan distorts: memory ──


def release_binary():
    """build/seltzer beside the binary under test, brought up to date, by the same compiler (SELTZER_CC)."""
    build = os.path.dirname(os.path.dirname(os.environ.get("SELTZER", "build/asan/seltzer"))) or "build"
    subprocess.run(["make", "-s", "-j2", f"BUILD={build}", f"CC={os.environ.get('SELTZER_CC', 'gcc')}"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(build, "seltzer")


# ── /proc ──


def status_kb(server, name):
    with open(f"/proc/{server.process.pid}/status") as f:
        return int(re.search(rf"^{name}:\s+(\d+)", f.read(), re.M)[1])


def rss_mib(server):
    return status_kb(server, "VmRSS") / 1024


def peak_mib(server):
    return status_kb(server, "VmHWM") / 1024


def open_things(server):
    """Descriptors that only requests hold: sockets and nameless files; and what lies in scratch."""
    held = []
    folder = f"/proc/{server.process.pid}/fd"
    for fd in os.listdir(folder):
        with contextlib.suppress(OSError):
            target = os.readlink(os.path.join(folder, fd))
            if target.startswith("socket:") or target.endswith("(deleted)"):
                held.append(target.split(":")[0])
    scratch = os.path.join(server.data, "scratch")
    return sorted(held), sorted(os.listdir(scratch)) if os.path.isdir(scratch) else []


@contextlib.contextmanager
def back_to_baseline(server, seconds=10):
    """What was open before is open afterwards, and no more, within some seconds (sooner as a rule)."""
    time.sleep(0.2)
    before = open_things(server)
    yield
    deadline = time.monotonic() + seconds
    while len((now := open_things(server))[0]) > len(before[0]) or len(now[1]) > len(before[1]):
        assert time.monotonic() < deadline, f"before {before}, now {now}"
        time.sleep(0.1)
    assert server.alive(), server.said()[-4000:]


class Healthy:
    """Requests of a well-behaved client while others misbehave: each on its own connection or all on one, from an address of its own.
    None of them may fail; how long they took is for the soak run to judge."""

    def __init__(self, server, dataset, source="127.0.0.9", fresh=True, pause=0.02):
        self.server, self.dataset, self.source, self.fresh, self.pause = server, dataset, source, fresh, pause
        self.context = ssl.create_default_context(cafile=server.ca)
        self.times, self.failures, self.writes = [], [], 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        tls = None
        while not self.over.is_set():
            started = time.monotonic()
            write = len(self.times) % 4 == 3
            body = b'[{"k":"healthy","n":%d}]' % len(self.times)
            try:
                if tls is None:
                    tls = connect(self.server, self.source, self.context)
                tls.sendall(whole(self.dataset, body) if write else get(f"/resource/{self.dataset}.json?$limit=5", auth=BASIC))
                reply = read_reply(tls)
                if reply is None or reply[0] != 200:
                    self.failures.append(reply)
                self.writes += write
            except (OSError, ssl.SSLError) as e:
                self.failures.append(repr(e))
                tls = None
            if tls and (self.fresh or self.failures):
                tls.close()
                tls = None
            self.times.append(time.monotonic() - started)
            self.over.wait(self.pause)
        if tls:
            tls.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failed):
        enough = time.monotonic() + 10
        while len(self.times) < 3 and time.monotonic() < enough:
            time.sleep(0.01)
        self.over.set()
        self.thread.join()
        if failed[0] is None:
            assert not self.failures, self.failures[:5]
            assert len(self.times) > 2, "no healthy request got through"

    def p95(self):
        return sorted(self.times)[int(len(self.times) * 0.95)]


@contextlib.contextmanager
def own_server(folder, binary=None, extra=()):
    if binary and os.geteuid() != 0:  # a release binary's /proc/PID is closed to its own user by the sandbox
        extra = [*extra, "--no-sandbox"]
    s = Server(folder / "data", binary=binary, extra=extra).start()
    try:
        yield s
    finally:
        if s.alive():
            assert s.stop() == 0, s.said()[-3000:]
        s.check_clean()
