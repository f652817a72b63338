"""Every limit on both sides: the largest that is said to pass passes, one more is refused, clearly and by name (docs/wire/http.md,
docs/wire/bodies.md). Bodies are made while they are sent. What takes minutes runs with SELTZER_SOAK=1."""

import base64
import contextlib
import json
import re
import socket
import ssl
import time

import pytest

from client import ADMIN, counts, refused, six, status_of
from rude import BASIC, CLOSE, MIB, chunked, connect, errors_of, get, own_server, post, read_reply, soak, stream, whole

CHUNKED = b"Transfer-Encoding: chunked\r\n"
ROW_MAX = 70_000_000


@pytest.fixture
def dataset(api):
    return api.create({"k": "text", "a": "text", "j": "json", "n": "number"}, key="k")


def upload(server, dataset, pieces, **how):
    reply, _ = stream(server, post(dataset, CHUNKED, **how), chunked(pieces), timeout=120)
    assert reply, "no reply"
    return reply[0], json.loads(reply[2])


# ── heads ──


def line_of(n):
    """A request whose request line, without its end, has n bytes."""
    start, end = b"GET /api/version?a=", b" HTTP/1.1"
    return start + b"x" * (n - len(start) - len(end)) + end + b"\r\nHost: a\r\n" + CLOSE + b"\r\n"


def head_of(n):
    """A request whose head has n bytes, empty line included."""
    start = b"GET /api/version HTTP/1.1\r\nHost: a\r\n" + CLOSE
    lines = b""
    while n - len(start) - len(lines) - 2 > 20000:
        lines += b"X-A: " + b"y" * 9993 + b"\r\n"
    return start + lines + b"X-B: " + b"y" * (n - len(start) - len(lines) - 9) + b"\r\n\r\n"


def headers_of(n):
    return b"GET /api/version HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"".join(b"X-%d: y\r\n" % i for i in range(n - 2)) + b"\r\n"


HEADS = [("request_line_32_KiB", line_of(32 * 1024), 200), ("request_line_32_KiB_and_2", line_of(32 * 1024 + 2), 414), ("head_128_KiB", head_of(128 * 1024), 200),
         ("head_128_KiB_and_2", head_of(128 * 1024 + 2), 431), ("headers_100", headers_of(100), 200), ("headers_101", headers_of(101), 431)]


@pytest.mark.parametrize("request_bytes,status", [x[1:] for x in HEADS], ids=[x[0] for x in HEADS])
def test_heads(server, request_bytes, status):
    with connect(server) as tls:
        tls.sendall(request_bytes)
        got, _, body = read_reply(tls)
    assert got == status, body
    if status != 200:
        errors_of(body)


@pytest.mark.parametrize("length,status", [(6000, 401), (8192, 401), (20000, 401)])
def test_long_credentials_are_wrong_credentials(server, length, status):
    value = base64.b64encode(b"admin:" + b"x" * (length * 3 // 4))[:length // 4 * 4]
    with connect(server) as tls:
        tls.sendall(get("/api/users/current", headers=b"Authorization: Basic " + value + b"\r\n"))
        assert read_reply(tls)[0] in (status, 400)


@pytest.mark.parametrize("length,status", [(255, 200), (256, 400)])
def test_idempotency_keys(api, dataset, length, status):
    reply = api.post(f"/resource/{dataset}.json", json=[], headers={"Idempotency-Key": "k" * length})
    assert reply.status_code == status, reply.text


# ── bodies ──


def test_a_content_length_of_8_GiB_and_one_more(server, dataset):
    with connect(server) as tls:
        tls.sendall(post(dataset, b"Expect: 100-continue\r\nContent-Length: %d\r\n" % (8 << 30)))
        assert tls.recv(1000).startswith(b"HTTP/1.1 100 ")
    with connect(server) as tls:
        tls.sendall(post(dataset, b"Expect: 100-continue\r\nContent-Length: %d\r\n" % ((8 << 30) + 1)))
        status, headers, body = read_reply(tls)
        assert status == 413 and headers["connection"] == "close" and errors_of(body)["data"]["limit"] == 8 << 30


def test_a_chunk_beyond_8_GiB_is_refused_when_its_size_is_read(server, dataset):
    with connect(server) as tls:
        tls.sendall(post(dataset, CHUNKED, b"1\r\n[\r\n%x\r\n" % (8 << 30)))
        status, _, body = read_reply(tls)
        assert status == 413 and errors_of(body)["data"]["limit"] == 8 << 30
    with connect(server) as tls:
        tls.sendall(post(dataset, CHUNKED, b"1\r\n[\r\n%x\r\n" % ((8 << 30) - 1)))
        tls.settimeout(1)
        with pytest.raises(TimeoutError):
            tls.recv(1)


@soak
def test_8_GiB_of_blanks_pass_and_one_byte_more_does_not(server, dataset):
    blank = b" " * MIB
    for more, status in ((0, 200), (1, 413)):
        body = (b"[" if i == 0 else b"]" + blank[1:] if i == 1 else blank for i in range((8 << 10) + 1))
        pieces = [next(body)]

        def cut():
            left = (8 << 30) + more
            for piece in [*pieces, *body]:
                yield piece[:left]
                left -= len(piece[:left])
        reply, _ = stream(server, post(dataset, CHUNKED), chunked(cut()), timeout=300)
        assert reply[0] == status, reply


@pytest.mark.parametrize("total,status", [(16 * MIB, 200), (24 * MIB, 413)])
def test_a_ratio_over_200_from_16_MiB_on(api, dataset, total, status):
    import gzip
    body = gzip.compress(b"[" + b" " * (total - 2) + b"]", 9)
    assert total / len(body) > 500
    reply = api.post(f"/resource/{dataset}.json", data=body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert reply.status_code == status, reply.text


@soak
@pytest.mark.parametrize("more,status", [(0, 200), (1, 413)])
def test_64_GiB_of_inflated_body(server, dataset, more, status):
    """At the highest ratio that passes: members of blanks, each with enough noise in its name to stay under 200:1."""
    import os
    import zlib
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    blanks = b" " * (16 * MIB)
    data = deflate.compress(blanks) + deflate.flush()
    name = os.urandom(16 * MIB // 150).replace(b"\0", b"x")
    member = b"\x1f\x8b\x08\x08" + b"\0" * 6 + name + b"\0" + data + zlib.crc32(blanks).to_bytes(4, "little") + len(blanks).to_bytes(4, "little")

    def small(text):
        return zlib.compress(text, 9, wbits=31)

    def pieces():
        yield small(b"[")
        for _ in range((64 << 30) // len(blanks) - 1):
            yield member
        yield small(b" " * (len(blanks) - 2 + more)) + small(b"]")
    reply, _ = stream(server, post(dataset, CHUNKED + b"Content-Encoding: gzip\r\n"), chunked(pieces()), timeout=900)
    assert reply and reply[0] == status, reply


def blocks(head, n, tail, letter=b"x"):
    """head, n letters, tail"""
    yield head
    for _ in range(n // MIB):
        yield letter * MIB
    yield letter * (n % MIB) + tail


def test_C6_a_row_of_70_million_bytes_and_one_more(server, api, dataset):
    head, tail = b'{"k":"1","a":"', b'"}'
    letters = ROW_MAX - len(head) - len(tail)
    status, said = upload(server, dataset, blocks(b"[" + head, letters, tail + b"]"))
    assert status == 200 and six(said) == counts(created=1), said
    with connect(server, timeout=120) as tls:
        tls.sendall(get(f"/resource/{dataset}.json?$select=a", auth=BASIC))
        status, headers, body = read_reply(tls)
    assert status == 200 and len(body) == len('[{"a":""}]\n') + letters and body.count(b"x") == letters
    version = api.version(dataset)
    status, said = upload(server, dataset, blocks(b"[" + head, letters + 1, tail + b"]"))
    assert status == 413 and said["data"]["limit"] == ROW_MAX and api.version(dataset) == version, said


def test_a_csv_row_of_70_million_bytes_and_more(server, dataset):
    letters = ROW_MAX - 100
    status, said = upload(server, dataset, blocks(b"k,a\n1,", letters, b"\n"), kind=b"text/csv")
    assert status == 200 and six(said) == counts(created=1), said
    status, said = upload(server, dataset, blocks(b"k,a\n1,", ROW_MAX + 1, b"\n"), kind=b"text/csv")
    assert status == 413 and said["data"]["limit"] == ROW_MAX, said


def test_2000_names_in_a_row_and_one_more(api, dataset):
    for n, code in ((2000, "soda.row.column-not-found"), (2001, "req.limit-exceeded")):
        row = {"k": "1", **{f"x{i}": 1 for i in range(n - 1)}}
        refused(api.upsert(dataset, [row]), 400, code)


def test_a_name_of_1024_bytes_and_one_more(api, dataset):
    refused(api.upsert(dataset, [{"k": "1", "x" * 1024: 1}]), 400, "soda.row.column-not-found")
    refused(api.upsert(dataset, [{"k": "1", "x" * 1025: 1}]), 400, "req.limit-exceeded")
    refused(api.send_csv("POST", dataset, "k," + "x" * 1024 + "\n"), 400, "soda.row.column-not-found")
    refused(api.send_csv("POST", dataset, "k," + "x" * 1025 + "\n"), 400)


@pytest.mark.parametrize("levels,status", [(61, 200), (62, 400)])
def test_64_levels_and_one_more(api, dataset, levels, status):
    assert api.upsert(dataset, '[{"k":"1","j":{"json":%s%s}}]' % ('[' * levels, ']' * levels)).status_code == status


@pytest.mark.parametrize("text,status", [("1" * 4096, 200), ("1" * 4097, 400), ("-" + "1" * 4095, 200), ("1e4095", 200), ("1e4096", 400), ("1" + "0" * 4095, 200)],
                         ids=lambda t: str(t)[:8] + str(len(str(t))))
@pytest.mark.parametrize("quoted", [False, True])
def test_4096_digits_and_one_more(api, dataset, text, status, quoted):
    reply = api.upsert(dataset, '[{"k":"1","n":%s}]' % (f'"{text}"' if quoted else text))
    assert reply.status_code == status, reply.text[:200]
    if status == 400:
        assert "4096" in reply.json()["message"].replace(",", ""), reply.json()["message"][:300]


@pytest.mark.parametrize("year,status", [("0001", 200), ("0000", 400), ("9999", 200), ("10000", 400)])
@pytest.mark.parametrize("kind", ["calendar_date", "date"])
def test_years_1_to_9999(api, kind, year, status):
    d = api.create({"k": "text", "t": kind}, key="k")
    assert api.upsert(d, [{"k": "1", "t": f"{year}-12-31T23:59:59"}]).status_code == status


def test_C7_1500_columns_in_a_row_and_one_more(api):
    columns = {f"c{i}": "number" if i else "text" for i in range(1500)}
    d = api.create(columns, key="c0")
    row = {name: str(i) for i, name in enumerate(columns)}
    assert six(api.upsert(d, [row, dict(row, c0="x")])) == counts(created=2)
    assert six(api.replace(d, [row])) == counts(created=1)
    assert api.rows(d) == [row]
    assert api.get(f"/resource/{d}.csv").text.count("\n") == 2
    reply = api.post("/api/views.json", json={"name": "x", "columns": [{"name": f"c{i}", "dataTypeName": "text"} for i in range(1501)]})
    refused(reply, 400, says="1,500")
    refused(api.post(f"/api/views/{d}/columns.json", json={"name": "one more", "fieldName": "one_more", "dataTypeName": "text"}), 400, says="1,500")


def ring(n):
    """A closed ring of n points as text, in pieces."""
    for at in range(0, n - 1, 10000):
        yield b",".join(b"%d %d" % (i % 180, i // 20000) for i in range(at, min(at + 10000, n - 1))) + b","
    yield b"0 0"


def test_K4_a_million_vertices_and_one_more(server, api):
    d = api.create({"k": "text", "g": "polygon", "m": "multipolygon"}, key="k")

    def body(n):
        yield b'[{"k":"1","g":"POLYGON (('
        yield from ring(n)
        yield b'))"}]'
    status, said = upload(server, d, body(1000000))
    assert status == 200 and six(said) == counts(created=1), said
    status, said = upload(server, d, body(1000001))
    assert status == 400 and "1000000" in said["message"], said
    with connect(server, timeout=120) as tls:
        tls.sendall(get(f"/resource/{d}.json?$select=g", auth=BASIC))
        status, _, body = read_reply(tls)
    assert status == 200 and body.count(b"],[") == 999999


def test_a_hundred_thousand_rings_and_one_more(server, api):
    d = api.create({"k": "text", "m": "multipolygon"}, key="k")

    def body(n):
        yield b'[{"k":"1","m":"MULTIPOLYGON ('
        for at in range(0, n, 1000):
            yield b",".join([b"((0 0,1 0,1 1,0 0))"] * (min(at + 1000, n) - at)) + (b"," if at + 1000 < n else b"")
        yield b')"}]'
    assert upload(server, d, body(100000))[0] == 200
    status, said = upload(server, d, body(100001))
    assert status == 400 and "100000" in said["message"], said


@pytest.mark.parametrize("bad,listed", [(1000, 1000), (1001, 1000), (30000, 1000)])
def test_1000_refusals_are_listed_and_all_are_counted(api, dataset, bad, listed):
    body = refused(api.upsert(dataset, [{"k": str(i), "n": "abc"} for i in range(bad)]), 400)
    assert len(body["data"]["errors"]) == listed and body["data"]["total_errors"] == bad


@pytest.mark.parametrize("size,status", [(1 << 20, 413), (100 << 10, 200)])
def test_view_documents(api, size, status):
    reply = api.post("/api/views.json", json={"name": "x", "description": "d" * size, "columns": []})
    assert reply.status_code in (status, 400 if status == 413 else 200), reply.text[:300]
    if reply.status_code != 200:
        refused(reply, reply.status_code)


# ── queries ──


@pytest.mark.parametrize("query", ["$select=" + ",".join(["k"] * 15000), "$order=" + ",".join(["k"] * 15000), "$select=" + "(" * 30000, "$where=" + "(" * 30000,
                                   "$select=`" + "x" * 30000, "k=" + "x" * 32000, "$limit=" + "9" * 30000, "$where=k in(" + ",".join(["'a'"] * 7000) + ")"],
                         ids=lambda q: "C12_" + q[:14])
def test_C12_long_queries_are_answered_or_refused(server, api, dataset, query):
    reply = api.get(f"/resource/{dataset}.json?{query}")
    assert reply.status_code == 200 or refused(reply, reply.status_code) and reply.status_code in (400, 414)


# ── connections and time: each on a server of its own, for they take all that there is ──


def test_256_connections_of_one_client_and_one_more(tmp_path):
    with own_server(tmp_path) as s, contextlib.ExitStack() as held:
        context = ssl.create_default_context(cafile=s.ca)
        for _ in range(256):
            tls = held.enter_context(connect(s, "127.0.0.2", context))
        tls.sendall(get())
        assert read_reply(tls)[0] == 200
        with connect(s, "127.0.0.2", context) as more:
            more.sendall(get())
            status, headers, body = read_reply(more)
            assert status == 503 and int(headers["retry-after"]) > 0 and headers["connection"] == "close"
            errors_of(body)
        with connect(s, "127.0.0.3", context) as other:
            other.sendall(get())
            assert read_reply(other)[0] == 200
        tls.close()
        deadline = time.monotonic() + 5
        while True:
            with connect(s, "127.0.0.2", context) as again:
                again.sendall(get())
                if read_reply(again)[0] == 200:
                    break
            assert time.monotonic() < deadline, "a place that became free is not given again"


@soak
def test_4096_connections_and_one_more(tmp_path):
    with own_server(tmp_path) as s, contextlib.ExitStack() as held:
        context = ssl.create_default_context(cafile=s.ca)
        for i in range(4096):
            held.enter_context(connect(s, f"127.0.1.{1 + i // 250}", context, timeout=60))
        with connect(s, "127.0.2.1", context) as more:
            more.sendall(get())
            assert read_reply(more)[0] == 503


@pytest.mark.slow
def test_a_handshake_has_10_seconds_and_a_head_too(server):
    with socket.create_connection(("127.0.0.1", server.port)) as silent, connect(server) as half:
        half.sendall(b"GET /api/version HTTP/1.1\r\n")
        started = time.monotonic()
        silent.settimeout(16)
        half.settimeout(16)
        assert silent.recv(10) == b""
        assert 8 < time.monotonic() - started < 15
        got = half.recv(10000)
        assert 8 < time.monotonic() - started < 15 and (got == b"" or status_of(got) == 408)


@soak
def test_between_requests_there_are_65_seconds(server):
    with connect(server, timeout=90) as tls:
        tls.sendall(get())
        assert read_reply(tls)[0] == 200
        started = time.monotonic()
        assert tls.recv(10) == b""
        assert 60 < time.monotonic() - started < 75


@soak
@pytest.mark.parametrize("per_second,passes", [(2000, True), (200, False)])
def test_D2_a_body_must_move_at_1_KiB_a_second(server, api, dataset, per_second, passes):
    with connect(server, timeout=200) as tls:
        tls.sendall(post(dataset, CHUNKED, b"1\r\n[\r\n"))
        tls.settimeout(0)
        started, got = time.monotonic(), b""
        while time.monotonic() - started < 140 and not got:
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                tls.sendall(b"%x\r\n" % (per_second // 2) + b" " * (per_second // 2) + b"\r\n")
            with contextlib.suppress(ssl.SSLWantReadError):
                got = tls.recv(10000)
            time.sleep(0.5)
        if passes:
            assert not got
            tls.settimeout(20)
            tls.sendall(b"1\r\n]\r\n0\r\n\r\n")
            assert read_reply(tls)[0] == 200
        else:
            assert status_of(got) == 408 and 50 < time.monotonic() - started < 130
    assert api.rows(dataset) == []
