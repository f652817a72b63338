"""Resources, line by line of tests/robustness.md (C): whatever is sent, the server stays under 256 MiB (the release binary, for
AddressSanitizer's own memory says nothing), and without descriptors or threads it says so and goes on."""

import contextlib
import os
import resource
import socket
import ssl
import subprocess
import threading
import time

import pytest

from client import ADMIN, Server
from rude import BASIC, CLOSE, MIB, SOAK, back_to_baseline, chunked, connect, get, own_server, peak_mib, post, read_reply, release_binary, rss_mib, soak, stream, whole

PEAK_MIB = 256
PEAK_OF_LARGE_ROWS_MIB = 400  # several rows near the limit one after another: the page cache that a bulk write borrows comes on top
CHUNKED = b"Transfer-Encoding: chunked\r\n"
COLUMNS = {"k": "text", "a": "text", "b": "text", "n": "number", "j": "json", "p": "point", "g": "polygon", "t": "calendar_date"}


@pytest.fixture(scope="module")
def lean(tmp_path_factory):
    """A release server."""
    with own_server(tmp_path_factory.mktemp("lean"), binary=release_binary()) as s:
        yield s


@contextlib.contextmanager
def peak_within(server, mib=PEAK_MIB):
    """The peak of what happens inside; /proc/PID/clear_refs forgets what was before."""
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as f:
        f.write("5")
    yield
    peak = peak_mib(server)
    print(f"peak {peak:.0f} MiB")
    assert peak <= mib, f"{peak:.0f} MiB"


def in_pieces(rows, size=256 << 10):
    held, n = [], 0
    for row in rows:
        held.append(row)
        n += len(row)
        if n >= size:
            yield b"".join(held)
            held, n = [], 0
    yield b"".join(held)


def json_rows(total, row):
    """Rows of JSON as an array, about `total` bytes; row(i) is one."""
    sent, i = 0, 0
    while sent < total:
        text = (b"[" if i == 0 else b",") + row(i)
        sent, i = sent + len(text), i + 1
        yield text
    yield b"]"


def csv_rows(total, header, row):
    yield header
    sent, i = 0, 0
    while sent < total:
        text = row(i)
        sent, i = sent + len(text), i + 1
        yield text


def scattered(i):
    return i * 2654435761 % 2 ** 32


def wide(i):
    return (b'{"k":"%010d","a":"%s","b":"some text %d","n":%d.50,"p":"POINT (%d %d)","t":"2014-10-13T05:06:07"}'
            % (scattered(i), b"x" * 120, i, i, i % 180, i % 90))


SIZE = (2048 if SOAK else 200) * MIB
BODIES = [  # id, method, kind, pieces, statuses
    ("C5_json_many_rows", b"POST", b"application/json", lambda: json_rows(SIZE, wide), (200,)),
    ("C5_json_the_same_again", b"POST", b"application/json", lambda: json_rows(SIZE // 4, wide), (200,)),
    ("C5_csv_replace", b"PUT", b"text/csv", lambda: csv_rows(SIZE // 2, b"k,a,n\n", lambda i: b"%d,%s,%d\n" % (scattered(i), b"y" * 150, i)), (200,)),
    ("C5_rows_of_5_MB", b"POST", b"application/json", lambda: json_rows(SIZE // 2, lambda i: b'{"k":"%d","a":"%s"}' % (i, b"z" * 5000000)), (200,)),
    ("C5_rows_of_60_MB", b"PUT", b"application/json", lambda: json_rows(SIZE, lambda i: b'{"k":"%d","a":"%s"}' % (i, b"z" * 60000000)), (200,)),
    ("C5_one_key_again_and_again", b"POST", b"application/json", lambda: json_rows(SIZE // 4, lambda i: b'{"k":"same","a":"%d"}' % i), (200,)),
    ("C5_all_values_refused", b"POST", b"application/json", lambda: json_rows(SIZE // 4, lambda i: b'{"k":"%d","n":"no number"}' % i), (400,)),
    ("C5_all_refused_by_long_values", b"POST", b"text/csv", lambda: csv_rows(SIZE // 4, b"k,n\n", lambda i: b"%d,%s\n" % (i, b"9x" * 5000)), (400,)),
    ("C5_deletes_of_what_is_not_there", b"POST", b"application/json", lambda: json_rows(SIZE // 8, lambda i: b'["gone %d"]' % i), (200,)),
    ("C5_only_blanks", b"POST", b"application/json", lambda: (b" " * MIB for _ in range(SIZE // MIB)), (400,)),
    ("C5_escapes", b"PUT", b"application/json", lambda: json_rows(SIZE // 8, lambda i: b'{"k":"%d","a":"%s"}' % (i, b"\\u00e9" * 2000000)), (200,)),
    ("C5_nfc", b"PUT", b"application/json", lambda: json_rows(SIZE // 8, lambda i: b'{"k":"%d","a":"%s"}' % (i, b"e\xcc\x81" * 2000000)), (200,)),
    ("C5_json_values", b"PUT", b"application/json", lambda: json_rows(SIZE // 4, lambda i: b'{"k":"%d","j":{"json":[%s1]}}' % (i, b"[1],\n" * 1900000)), (200,)),
    ("C5_polygons", b"PUT", b"application/json", lambda: json_rows(SIZE // 8, lambda i: b'{"k":"%d","g":{"type":"Polygon","coordinates":[[[0,0],%s[0,0]]]}}'
                                                                  % (i, b"[1.25,2.5]," * 900000)), (200,)),
    ("C5_ndjson", b"POST", b"application/x-ndjson", lambda: (wide(i) + b"\n" for i in range(SIZE // 4 // 250)), (200,)),
    ("C6_one_cell", b"POST", b"application/json", lambda: [b'[{"k":"1","a":"' + b"x" * 69999900 + b'"}]'], (200,)),
    ("C6_one_cell_of_quotes", b"POST", b"text/csv", lambda: [b'k,a\n1,"' + b'""' * 34000000 + b'"\n'], (200,)),
    ("I14_one_endless_string", b"POST", b"application/json", lambda: [b'[{"k":"', *[b"x" * MIB] * 100], (413,)),
    ("J1_one_endless_quote", b"POST", b"text/csv", lambda: [b'k,a\n1,"', *[b"x,\n" * 300000] * 100], (413,))]


@pytest.mark.parametrize("method,kind,pieces,statuses", [x[1:] for x in BODIES], ids=[x[0] for x in BODIES])
def test_the_peak_of_one_upload(lean, request, method, kind, pieces, statuses):
    dataset = upload_target(lean)
    with peak_within(lean, PEAK_OF_LARGE_ROWS_MIB if "60_MB" in request.node.name or "C6" in request.node.name else PEAK_MIB):
        reply, _ = stream(lean, post(dataset, CHUNKED, method=method, kind=kind), chunked(in_pieces(pieces())), timeout=600)
        assert reply and reply[0] in statuses, reply and (reply[0], reply[2][:500])


targets = {}


def upload_target(server):
    if server not in targets:
        targets[server] = server.api().create(COLUMNS, key="k")
    return targets[server]


def test_the_peak_of_reading_it_all_back(lean):
    dataset = lean.api().create({"k": "text", "a": "text"}, key="k")
    reply, _ = stream(lean, post(dataset, CHUNKED), chunked(in_pieces(json_rows(SIZE // 2, lambda i: b'{"k":"%d","a":"%s"}' % (i, b"z" * 20000)))), timeout=600)
    assert reply[0] == 200
    with peak_within(lean), contextlib.ExitStack() as held:
        slow = [held.enter_context(connect(lean)) for _ in range(4)]
        for tls in slow:
            tls.sendall(get(f"/resource/{dataset}.json?$limit=1000000", auth=BASIC))
            tls.recv(1000)
        time.sleep(1)
        for form in ("json", "csv"):
            with connect(lean, timeout=600) as tls:
                tls.sendall(get(f"/resource/{dataset}.{form}?$limit=1000000&$order=a", auth=BASIC, headers=CLOSE))
                n = 0
                while chunk := tls.recv(MIB):
                    n += len(chunk)
        assert n > SIZE // 2 * 0.9


def test_D3_the_peak_of_many_replies_that_nobody_reads(lean):
    """Of so many replies of a MiB only the first have their memory; the others wait in files. Read at last, each is whole."""
    dataset = lean.api().create({"k": "number", "a": "text"}, key="k")
    assert lean.api().upsert(dataset, [{"k": i, "a": "x" * 1000} for i in range(1000)]).status_code == 200
    with connect(lean) as tls:
        tls.sendall(get(f"/resource/{dataset}.json", auth=BASIC))
        whole_body = read_reply(tls)[2]
    assert len(whole_body) > MIB * 0.9
    context = ssl.create_default_context(cafile=lean.ca)
    with back_to_baseline(lean), peak_within(lean), contextlib.ExitStack() as held:
        slow = []
        for i in range(600):
            raw = held.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(60)
            raw.bind((f"127.0.5.{1 + i // 200}", 0))
            raw.connect(("127.0.0.1", lean.port))
            tls = held.enter_context(context.wrap_socket(raw, server_hostname="127.0.0.1"))
            tls.sendall(get(f"/resource/{dataset}.json", auth=BASIC))
            slow.append(tls)
        for tls in slow[::100] + slow[-1:]:
            assert read_reply(tls)[2] == whole_body


@pytest.mark.parametrize("uploads,size", [(16, 20), (8, 65), pytest.param(64, 65, marks=soak)], ids=["C5_16_of_20_MB_at_once", "C5_8_of_65_MB_at_once", "C5_64_of_65_MB_at_once"])
def test_the_peak_of_large_rows_at_once(lean, uploads, size):
    """Several rows near the limit at the same time: served, or told to come again, within the same memory."""
    dataset = upload_target(lean)
    replies = []

    def run(i):
        replies.append(stream(lean, post(dataset, CHUNKED), chunked([b'[{"k":"%d","a":"' % i, *[b"x" * MIB] * size, b'"}]']), timeout=300)[0])

    with peak_within(lean, PEAK_OF_LARGE_ROWS_MIB):
        threads = [threading.Thread(target=run, args=(i,)) for i in range(uploads)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(replies) == uploads and all(r and (r[0] == 200 or r[0] == 503 and int(r[1]["retry-after"]) > 0) for r in replies), [r and r[0] for r in replies]
        assert any(r[0] == 200 for r in replies)


def test_the_peak_of_many_uploads_that_stand_still(lean):
    dataset = upload_target(lean)
    head = post(dataset, b"Content-Length: 1000000000\r\n", b'[{"k":"1","a":"' + b"x" * 300000)
    with peak_within(lean), contextlib.ExitStack() as held:
        context = ssl.create_default_context(cafile=lean.ca)
        for i in range(400):
            held.enter_context(connect(lean, f"127.0.0.{20 + i // 200}", context)).sendall(head)
        with connect(lean) as tls:
            tls.sendall(whole(dataset, b"[]"))
            assert read_reply(tls)[0] == 200


def test_D11_the_peak_of_idle_connections(tmp_path):
    count = 4000 if SOAK else 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with own_server(tmp_path, binary=release_binary()) as s, contextlib.ExitStack() as held:
        context = ssl.create_default_context(cafile=s.ca)
        before = rss_mib(s)
        for i in range(count):
            tls = held.enter_context(connect(s, f"127.0.3.{1 + i // 250}", context))
            tls.sendall(get())
            assert read_reply(tls)[0] == 200
        each = (rss_mib(s) - before) * 1024 / count
        print(f"{each:.1f} KiB a connection")
        assert each <= 24


def test_C8_two_hundred_wrong_passwords_at_once(lean):
    """Hashing a password takes memory on purpose; only a few are hashed at once, and those who are known go on."""
    api = lean.api()
    assert api.get("/api/users/current.json").status_code == 200
    statuses, good = [], []

    def wrong(i):
        with connect(lean, f"127.0.0.{30 + i % 3}") as tls:
            tls.sendall(get("/api/users/current", headers=b"Authorization: Basic " + b"YWRtaW46d3Jvbmc=" + b"\r\n"))
            reply = read_reply(tls)
            statuses.append(reply and reply[0])

    with peak_within(lean):
        threads = [threading.Thread(target=wrong, args=(i,)) for i in range(200)]
        for t in threads:
            t.start()
        for _ in range(20):
            good.append(api.get("/api/users/current.json").status_code)
        for t in threads:
            t.join()
    assert set(good) == {200} and set(statuses) <= {401, 429, 503} and statuses.count(401) >= 10, (set(statuses), set(good))


def test_C3_without_descriptors_it_waits_and_goes_on(tmp_path):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    s = Server(tmp_path / "data")
    started = subprocess.Popen
    try:
        subprocess.Popen = lambda *a, **k: started(*a, preexec_fn=few, **k)
        s.start()
    finally:
        subprocess.Popen = started
    try:
        api = s.api()
        dataset = api.create({"k": "text"}, key="k")
        socks = []
        with contextlib.suppress(OSError):
            for i in range(150):
                socks.append(connect(s, f"127.0.0.{40 + i % 8}", timeout=1))
        assert len(socks) >= 20
        assert s.alive()
        reply = api.upsert(dataset, [{"k": "1"}])
        assert reply.status_code in (200, 503), reply.text
        for tls in socks:
            tls.close()
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError):
                if s.api().upsert(dataset, [{"k": "2"}]).status_code == 200:
                    break
            assert time.monotonic() < deadline
        with_all = {r["k"] for r in api.rows(dataset)}
        assert "2" in with_all and with_all <= {"1", "2"}
    finally:
        assert s.stop() == 0
        s.check_clean()


@pytest.mark.parametrize("mib", [40, 80, 120, 200, 400])
def test_C2_little_address_space_is_no_crash(tmp_path, mib):
    """It starts, or says what is missing; requests are answered, with 503 when memory is short."""
    process = subprocess.Popen(["/bin/sh", "-c", f"ulimit -v {mib * 1024}; exec \"$0\" \"$@\"", release_binary(), "serve", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0",
                                "--http-listen", "none"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ, SELTZER_ADMIN_PASSWORD=ADMIN[1]))
    line = process.stdout.readline()
    if not line:
        assert process.wait(20) in (1, 2, 127) and process.stderr.read().strip()
        return
    s = Server(tmp_path / "data")
    s.process, s.url = process, line.split()[1]
    try:
        api = s.api()
        reply = api.post("/api/views.json", json={"name": "x", "columns": [{"name": "K", "fieldName": "k", "dataTypeName": "text"}]})
        if reply.status_code == 200:
            dataset = reply.json()["id"]
            got, _ = stream(s, post(dataset, CHUNKED), chunked([b'[{"k":"', *[b"x" * MIB] * 60, b'"}]']))
            assert got is None or got[0] in (200, 503), got
            assert api.upsert(dataset, [{"k": "1"}]).status_code in (200, 503)
        else:
            assert reply.status_code == 503, reply.text
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(40) == 0


@soak
def test_C9_ten_thousand_datasets_are_listed_in_pages(tmp_path):
    with own_server(tmp_path, binary=release_binary()) as s:
        api = s.api()
        for i in range(10000):
            assert api.post("/api/views.json", json={"name": f"d{i}", "columns": []}).status_code == 200
        assert api.get("/api/views.json?limit=1000").status_code == 200
        assert peak_mib(s) < PEAK_MIB


@soak
def test_D15_a_million_requests_on_one_connection(lean):
    with connect(lean) as tls:
        request = get() * 100
        before = None
        for i in range(10000):
            tls.sendall(request)
            got = b""
            while got.count(b"HTTP/1.1 200 ") < 100 or not got.endswith(b"}\n"):
                got += tls.recv(MIB)
            if i == 500:
                before = rss_mib(lean)
        assert rss_mib(lean) < before + 8
