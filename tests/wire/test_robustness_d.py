"""Rude clients, line by line of tests/robustness.md (D): slow, torn, reset, in single bytes, or talking something else. Meanwhile
healthy requests never fail, and afterwards sockets, scratch files and memory are back where they were.

With SELTZER_SOAK=1 slowhttptest comes with 2,000 connections in each of its modes, and the p95 of the healthy is compared."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from client import counts, six, status_of
from rude import BASIC, CLOSE, MIB, Healthy, back_to_baseline, chunked, connect, errors_of, get, own_server, post, read_reply, release_binary, reset, rss_mib, seeded, soak, whole

CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server of this file's own: its sockets and files are counted."""
    with own_server(tmp_path_factory.mktemp("rude")) as s:
        s.main = s.api().create({"k": "text", "n": "number", "a": "text"}, key="k", public=True)
        s.target = s.api().create({"k": "text", "n": "number", "a": "text"}, key="k")
        s.api().upsert_ok(s.main, [{"k": f"row {i}", "n": i, "a": "x" * 200} for i in range(3000)])
        s.api().upsert_ok(s.target, [{"k": "old", "n": 1}])
        yield s


def untouched(own, version):
    """Wait until whatever was cut off is over; the target is as it was."""
    api = own.api()
    assert api.version(own.target) == version
    assert api.rows(own.target) == [{"k": "old", "n": "1"}]


@contextlib.contextmanager
def quietly():
    with contextlib.suppress(OSError, ssl.SSLError, ValueError):
        yield


def upload_bytes(rows=4000):
    body = b"[" + b",".join(b'{"k":"torn %d","n":%d,"a":"%s"}' % (i, i, b"y" * 150) for i in range(rows)) + b"]"
    return body


# ── torn ──


def test_D5_cut_off_at_random_points_of_an_upload(own):
    rng, version = seeded(), own.api().version(own.target)
    body = upload_bytes()
    forms = [whole(own.target, body), post(own.target, CHUNKED, b"".join(chunked(body[i:i + 9000] for i in range(0, len(body), 9000)))),
             whole(own.target, body, method=b"PUT")]
    with back_to_baseline(own), Healthy(own, own.main):
        for _ in range(60):
            request = rng.choice(forms)
            tls = connect(own, "127.0.0.5")
            with quietly():
                tls.sendall(request[:rng.randrange(len(request) - 1)])
                rng.choice([reset, lambda s: s.close(), lambda s: s.unwrap()])(tls)
            tls.close()
    untouched(own, version)


def test_D5_cut_off_in_the_middle_of_a_tls_record(own):
    """The record's length says more than comes: over a proxy that passes some bytes on and then closes."""
    rng, version = seeded(), own.api().version(own.target)
    body = upload_bytes(500)
    with back_to_baseline(own), Healthy(own, own.main):
        for _ in range(30):
            ours, theirs = socket.socketpair()
            raw = socket.create_connection(("127.0.0.1", own.port), 10)
            left = rng.randrange(1500, 90000)

            def pump(a, b, limit):
                n = 0
                with quietly():
                    while chunk := a.recv(4096):
                        b.sendall(chunk[:limit - n])
                        n += len(chunk)
                        if n >= limit:
                            break
                for s in (a, b):
                    with quietly():
                        s.shutdown(socket.SHUT_RDWR)

            pumps = [threading.Thread(target=pump, args=(theirs, raw, left)), threading.Thread(target=pump, args=(raw, theirs, 1 << 30))]
            for t in pumps:
                t.start()
            with quietly():
                tls = ssl.create_default_context(cafile=own.ca).wrap_socket(ours, server_hostname="127.0.0.1")
                tls.sendall(whole(own.target, body))
                tls.recv(1)
            ours.close()
            for t in pumps:
                t.join()
            for s in (theirs, raw):
                s.close()
    untouched(own, version)


def test_D6_gone_after_the_last_byte_the_key_tells_what_became_of_it(own):
    rng, api = seeded(), own.api()
    dataset = api.create({"k": "text", "n": "number"}, key="k")
    with back_to_baseline(own), Healthy(own, own.main):
        for i in range(25):
            body = b'[{"k":"%d","n":1}]' % i
            tls = connect(own, "127.0.0.5")
            with quietly():
                tls.sendall(whole(dataset, body, headers=b"Idempotency-Key: gone-%d\r\n" % i))
                time.sleep(rng.choice([0, 0, 0.002, 0.02]))
            reset(tls)
            again = api.post(f"/resource/{dataset}.json", data=body, headers={"Content-Type": "application/json", "Idempotency-Key": f"gone-{i}"})
            assert again.status_code == 200 and six(again) == counts(created=1), again.text
    assert len(api.rows(dataset)) == 25


def test_cut_off_at_random_points_of_a_download(own):
    rng = seeded()
    with back_to_baseline(own), Healthy(own, own.main):
        for _ in range(60):
            tls = connect(own, "127.0.0.5")
            with quietly():
                tls.sendall(get(f"/resource/{own.main}.json?$limit=3000", auth=BASIC) * rng.randrange(1, 6))
                left = rng.randrange(700000)
                while left > 0 and (chunk := tls.recv(min(left, 65536))):
                    left -= len(chunk)
                rng.choice([reset, lambda s: s.close()])(tls)
            tls.close()


def test_D7_half_closed_after_the_body_is_answered(own):
    """FIN without TLS's own good-bye, as a proxy that is done with its side sends it."""
    with back_to_baseline(own):
        for request in (whole(own.main, b"[]"), get(), whole(own.main, b'[{"k":"half closed"}]')):
            tls = connect(own)
            tls.sendall(request)
            socket.socket.shutdown(tls, socket.SHUT_WR)
            reply = read_reply(tls)
            assert reply and reply[0] == 200
            tls.close()


def test_half_closed_inside_the_body_is_refused_and_nothing_written(own):
    version = own.api().version(own.target)
    with back_to_baseline(own):
        for sent in (b"", b"[", b'[{"k":"half"}'):
            tls = connect(own)
            tls.sendall(post(own.target, b"Content-Length: 500\r\n", sent))
            socket.socket.shutdown(tls, socket.SHUT_WR)
            with quietly():
                reply = read_reply(tls)
                assert reply is None or reply[0] == 400 and errors_of(reply[2])
            tls.close()
    untouched(own, version)


def test_D8_a_storm_of_resets(own):
    rng = seeded()
    with back_to_baseline(own, 4), Healthy(own, own.main):
        before = rss_mib(own)
        for _ in range(600):
            raw = socket.create_connection(("127.0.0.1", own.port), 10, source_address=(f"127.0.0.{rng.randrange(10, 40)}", 0))
            with quietly():
                raw.sendall(rng.choice([b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50), b"GET / HTTP/1.1\r\n\r\n"]))
            reset(raw)
        print(f"memory {before:.0f} -> {rss_mib(own):.0f} MiB")


# ── in small pieces ──


def test_D9_one_byte_a_segment_and_a_record_gives_the_same(own):
    api = own.api()
    dataset = api.create({"k": "text", "n": "number"}, key="k")
    body = '[{"k":"é\\u00e9","n":1.50},{"k":"two","n":null}]'.encode()
    with Healthy(own, own.main):
        for request in (whole(dataset, body), post(dataset, CHUNKED, b"".join(chunked(body[i:i + 1] for i in range(len(body))))), whole(dataset, body, method=b"PUT")):
            with connect(own, "127.0.0.5") as tls:
                tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for i in range(len(request)):
                    tls.sendall(request[i:i + 1])
                status, _, reply = read_reply(tls)
                assert status == 200, reply
    assert api.rows(dataset) == [{"k": "éé", "n": "1.50"}, {"k": "two"}]


def test_D9_tls_records_torn_into_single_bytes_on_the_way(own):
    """The bytes below TLS, handshake included, arrive one by one."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=own.ca).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", own.port), 20) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def drip():
            for byte in outgoing.read():
                raw.sendall(bytes([byte]))

        def until(call):
            while True:
                try:
                    result = call()
                    drip()
                    return result
                except ssl.SSLWantReadError:
                    drip()
                    incoming.write(raw.recv(1))
        until(tls.do_handshake)
        until(lambda: tls.write(whole(own.main, b'[{"k":"drop by drop","n":7}]', headers=CLOSE)))
        got = b""
        while b"\r\n\r\n" not in got or b"}" not in got:
            got += until(lambda: tls.read(1000))
    assert status_of(got) == 200 and b'"Rows Created":1' in got, got


# ── slow ──


@contextlib.contextmanager
def unread(server, request):
    """Asks, over a socket that takes little, and reads nothing."""
    context = ssl.create_default_context(cafile=server.ca)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(60)
        raw.connect(("127.0.0.1", server.port))
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            tls.sendall(request)
            yield tls


def slow_client(own, request, source, held):
    tls = connect(own, source)
    with quietly():
        tls.sendall(request)
    held.append(tls)


def test_D1_D2_D3_slow_heads_bodies_and_readers_at_once_hurt_nobody(own):
    """A sample of what slowhttptest does in the soak: many that begin and then send, or read, hardly anything."""
    head = b"POST /resource/x.json HTTP/1.1\r\nHost: a\r\nX-A: "
    body = post(own.target, b"Content-Length: 100000\r\n", b'[{"k":"slo')
    read = get(f"/resource/{own.main}.json?$limit=3000", auth=BASIC) * 20
    version = own.api().version(own.target)
    held = []
    with back_to_baseline(own, 20):
        try:
            with Healthy(own, own.main, pause=0.01) as healthy:
                for i in range(150):
                    slow_client(own, (head, body, read)[i % 3], f"127.0.0.{50 + i % 3}", held)
                for _ in range(20):
                    for i, tls in enumerate(held):
                        with quietly():
                            if i % 3 < 2:
                                tls.sendall(b"y")
                            else:
                                tls.recv(1)
                    time.sleep(0.05)
            print(f"healthy: {len(healthy.times)} requests, p95 {healthy.p95() * 1e3:.0f} ms")
        finally:
            for tls in held:
                tls.close()
    untouched(own, version)


def scratch_bytes(server):
    """What the nameless files that are open take of the disk."""
    folder, found = f"/proc/{server.process.pid}/fd", 0
    for fd in os.listdir(folder):
        with contextlib.suppress(OSError):
            if os.readlink(f"{folder}/{fd}").endswith("(deleted)"):
                found += os.stat(f"{folder}/{fd}").st_blocks * 512
    return found


def stands_still(look, seconds=20):
    """Waits until two looks, some time apart, see the same."""
    deadline, before = time.monotonic() + seconds, None
    while (now := look()) != before:
        assert time.monotonic() < deadline, now
        before = now
        time.sleep(1)
    return now


def test_D3_replies_that_nobody_reads_fill_their_share_of_the_scratch_area_and_no_more(tmp_path):
    """The next reply waits until a client has read on; when as many wait as may, one is told to come again. The rest goes on."""
    with own_server(tmp_path, extra=["--replies-max", "24", "--workers", "2"]) as own:
        api = own.api()
        dataset = api.create({"k": "number", "a": "text"}, key="k")
        for at in range(0, 2000, 500):
            assert api.upsert(dataset, [{"k": i, "a": "x" * 9000} for i in range(at, at + 500)]).status_code == 200
        request = get(f"/resource/{dataset}.json?$limit=10000", auth=BASIC)
        with back_to_baseline(own), unread(own, request) as first:
            begun = first.recv(1)
            with unread(own, request) as second, connect(own) as third:
                assert 20 * MIB < stands_still(lambda: scratch_bytes(own)) < 25 * MIB
                third.sendall(request)
                status, headers, body = read_reply(third)
                said = errors_of(body)
                assert status == 503 and int(headers["retry-after"]) > 0 and "scratch area" in said["message"], (status, said)
                third.sendall(get(f"/resource/{dataset}.json?$limit=2", auth=BASIC))
                assert read_reply(third)[0] == 200
                for tls, had in (first, begun), (second, b""):
                    status, _, body = read_reply(tls, had)
                    assert status == 200 and len(json.loads(body)) == 2000


def test_D3_a_reply_larger_than_all_of_its_share_is_refused_whole(tmp_path):
    with own_server(tmp_path, extra=["--replies-max", "2"]) as own:
        api = own.api()
        dataset = api.create({"k": "number", "a": "text"}, key="k")
        assert api.upsert(dataset, [{"k": i, "a": "x" * 9000} for i in range(400)]).status_code == 200
        for limit, wanted in ((150, 200), (400, 507)):
            reply = api.get(f"/resource/{dataset}.json", params={"$limit": str(limit)})
            assert reply.status_code == wanted and (wanted == 200 or "2097152 bytes" in errors_of(reply.content)["message"]), reply.text[:300]


def test_D4_ranges_are_ignored(own):
    with connect(own) as tls:
        for ranges in (b"0-1", b"0-," * 2000 + b"1-", b",".join(b"%d-%d" % (i, i) for i in range(1300)), b"-0", b"x"):
            tls.sendall(get(f"/resource/{own.main}.json?$limit=2", headers=b"Range: bytes=" + ranges + b"\r\n", auth=BASIC))
            status, headers, body = read_reply(tls)
            assert status == 200 and "content-range" not in headers and body.count(b"\n") == 2


def test_D10_a_body_shorter_than_it_said_waits_and_is_given_up_with_its_client(own):
    version = own.api().version(own.target)
    with back_to_baseline(own):
        with connect(own) as tls:
            tls.sendall(post(own.target, b"Content-Length: 20\r\n", b"[{}]"))
            tls.settimeout(1)
            with pytest.raises(TimeoutError):
                tls.recv(1)
    untouched(own, version)


# ── something else than HTTPS ──


def test_D13_garbage_and_half_handshakes(own):
    rng = seeded()
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    hello = hello.read()
    with back_to_baseline(own, 15), Healthy(own, own.main):
        for _ in range(300):
            raw = socket.create_connection(("127.0.0.1", own.port), 10, source_address=(f"127.0.0.{rng.randrange(10, 40)}", 0))
            junk = bytearray(hello)
            for _ in range(rng.randrange(5)):
                junk[rng.randrange(len(junk))] = rng.randrange(256)
            with quietly():
                raw.sendall(rng.choice([rng.randbytes(rng.randrange(2000)), bytes(junk), hello[:rng.randrange(len(hello))], hello + hello, b"\x80" + bytes(300),
                                        b"\x15\x03\x01\x00\x02\x02\x28", b"\x14\x03\x03\x00\x01\x01", b"SSH-2.0-x\r\n", b"\x17\x03\x03\xff\xff" + bytes(70000)]))
                raw.settimeout(0.01)
                raw.recv(100)
            raw.close()


def test_D13_no_renegotiation(own):
    """TLS 1.2 clients may ask for one; it is not granted, and the connection's first request is all they get."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{own.port}", "-tls1_2", "-CAfile", own.ca], input=b"R\n", capture_output=True, timeout=20)
    assert b"no renegotiation" in done.stderr or b"no renegotiation" in done.stdout or done.returncode != 0
    assert own.api().get("/api/version").status_code == 200


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST /resource/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n[]", b"get\r\n", b"~"],
                         ids=["get", "post", "text", "tilde"])
def test_D14_plain_http_on_the_tls_port_gets_a_hint(own, sent):
    with back_to_baseline(own), socket.create_connection(("127.0.0.1", own.port), 10) as raw:
        raw.sendall(sent)
        got = b""
        with quietly():
            while chunk := raw.recv(1000):
                got += chunk
        assert status_of(got) == 400 and b"https://" in got and b"text/plain" in got, got


def test_tls_on_the_plain_port_is_refused(own):
    port = int(own.http_url.rsplit(":", 1)[1])
    with back_to_baseline(own), socket.create_connection(("127.0.0.1", port), 10) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        ssl.create_default_context(cafile=own.ca).wrap_socket(raw, server_hostname="localhost")


def test_D15_many_requests_on_one_connection_leave_nothing(own):
    with back_to_baseline(own), connect(own) as tls:
        for _ in range(40):
            tls.sendall(get(f"/resource/{own.main}.json?$limit=1", auth=BASIC) * 50)
            for _ in range(50):
                got = b""
                while not got.endswith(b"]\n"):
                    got += tls.recv(1)
                assert status_of(got) == 200


@pytest.mark.parametrize("headers,status", [(b"Authorization: Basic eDp5\r\n", 401), (BASIC + b"Content-Length: 9000000000\r\n", 413), (b"", 403)], ids=["401", "413", "403"])
def test_D16_refused_before_the_body(own, headers, status):
    with connect(own) as tls:
        tls.sendall(b"POST /resource/" + own.target.encode() + b".json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n" + headers
                    + (b"" if b"Length" in headers else b"Content-Length: 100000\r\n") + b"\r\n")
        reply = read_reply(tls)
        assert reply[0] == status and reply[1]["connection"] == "close"
        errors_of(reply[2])


@pytest.mark.parametrize("early", ["in the first row", "in the last row", "credentials"])
def test_a_client_that_writes_all_before_it_reads_still_finds_its_answer(own, early):
    body = b'[{"k" 1}' + upload_bytes(30000)[1:] if early == "in the first row" else upload_bytes(30000)[:-1] + b',{"k" 1}]'
    request = whole(own.target, body)
    if early == "credentials":
        request = request.replace(BASIC, b"Authorization: Basic eDp5\r\n")
    with back_to_baseline(own), connect(own) as tls:
        tls.sendall(request)
        reply = read_reply(tls)
        assert reply and reply[0] == (401 if early == "credentials" else 400)


# ── the soak ──


SLOW = [("D1_heads", ["-H", "-i", "3"]), ("D2_bodies", ["-B", "-i", "3", "-s", "100000"]), ("D3_readers", ["-X", "-n", "3", "-w", "10", "-y", "20", "-z", "5", "-k", "3"]),
        ("D4_ranges", ["-R", "-a", "5", "-b", "3000"])]


@soak
@pytest.mark.parametrize("options", [x[1] for x in SLOW], ids=[x[0] for x in SLOW])
def test_slowhttptest_with_2000_connections(tmp_path, options):
    """One address is held to its 256 connections; the others are told to come again, and clients elsewhere notice nothing."""
    if not shutil.which("slowhttptest"):
        pytest.skip("slowhttptest is not installed")
    with own_server(tmp_path, binary=release_binary()) as s:
        dataset = s.api().create({"k": "text", "n": "number", "a": "text"}, key="k", public=True)
        s.api().upsert_ok(dataset, [{"k": f"row {i}", "n": i, "a": "x" * 200} for i in range(3000)])
        with Healthy(s, dataset) as calm:
            time.sleep(10)
        with back_to_baseline(s, 30), Healthy(s, dataset) as busy:
            subprocess.run(["slowhttptest", *options, "-c", "2000", "-r", "500", "-l", "40", "-p", "5", "-u", f"{s.url}/resource/{dataset}.json?$limit=3000"],
                           stdout=subprocess.DEVNULL, timeout=300, check=False)
        print(f"healthy: {len(busy.times)} requests, p95 {calm.p95() * 1e3:.1f} -> {busy.p95() * 1e3:.1f} ms; memory {rss_mib(s):.0f} MiB")
        assert busy.p95() <= 3 * max(calm.p95(), 0.005)
        assert rss_mib(s) < 256


@soak
def test_eight_hours_of_cutting_off_in_five_minutes(tmp_path):
    with own_server(tmp_path) as s:
        s.main = s.target = s.api().create({"k": "text", "n": "number", "a": "text"}, key="k")
        rng, body, until = seeded(), upload_bytes(20000), time.monotonic() + 300
        with back_to_baseline(s), Healthy(s, s.main):
            while time.monotonic() < until:
                tls = connect(s, "127.0.0.5")
                with quietly():
                    tls.sendall(whole(s.target, body, method=rng.choice([b"POST", b"PUT"]))[:rng.randrange(len(body))])
                    rng.choice([reset, lambda t: t.close()])(tls)
                tls.close()
