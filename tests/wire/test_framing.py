"""The bytes of HTTP/1.1 (docs/wire/http.md; RFC 9112): what is taken, and that nothing is repaired. Sent over TLS as they stand."""

import base64
import json
import re
import socket
import ssl
import time

import pytest

from client import ADMIN, counts, read_to_end, six, status_of

BASIC = b"Authorization: Basic " + base64.b64encode(":".join(ADMIN).encode()) + b"\r\n"


@pytest.fixture(scope="module")
def dataset(api):
    d = api.create({"k": "text"}, key="k", public=True)
    api.upsert_ok(d, [{"k": "1"}])
    return d


def get(path="/api/version", headers=b"", version=b"HTTP/1.1", method=b"GET", host=b"Host: localhost\r\n"):
    path = path.encode() if isinstance(path, str) else path
    return method + b" " + path + b" " + version + b"\r\n" + host + headers + b"\r\n"


def post(dataset, headers, body):
    return (b"POST /resource/%s.json HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" % dataset.encode() + BASIC + headers + b"\r\n" + body)


def closes_with(server, request, statuses):
    """One reply with one of the statuses, and then the connection is closed."""
    with server.connect() as tls:
        tls.sendall(request)
        tls.settimeout(8)
        got = b""
        while True:
            try:
                chunk = tls.recv(65536)
            except socket.timeout:
                raise AssertionError(f"the connection stays open; so far {got[:300]!r}")
            except (ssl.SSLError, ConnectionError):
                break
            if not chunk:
                break
            got += chunk
    assert status_of(got) in statuses, got[:400]
    assert len(re.findall(rb"HTTP/1\.1 \d\d\d ", got)) == 1, got
    if b"\r\n\r\n{" in got:
        body = json.loads(got.split(b"\r\n\r\n", 1)[1])
        assert body["error"] is True and body["message"] and body["code"] and body["errorCode"]
    return got


BAD_LENGTHS = [b"Content-Length: +5\r\n", b"Content-Length: 5, 5\r\n", b"Content-Length: 0x5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 5 5\r\n",
               b"Content-Length: 5\r\nContent-Length: 5\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: \r\n",
               b"Content-Length: 99999999999999999999999\r\n", b"Content-Length: 5_0\r\n", b"Content-Length: 1e2\r\n"]
BAD_CODINGS = [b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
               b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding: chunked, identity\r\n", b"Transfer-Encoding: chunked, chunked\r\n",
               b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
               b"Transfer-Encoding:\x0bchunked\r\n", b"Transfer-Encoding: chunked\x00\r\n", b"Transfer-Encoding: \r\n"]


@pytest.mark.parametrize("headers", BAD_LENGTHS + BAD_CODINGS, ids=repr)
def test_ambiguous_body_lengths_are_refused_and_the_connection_closed(server, api, dataset, headers):
    closes_with(server, post(dataset, headers, b"[{\"k\":\"smuggled\"}]"), (400, 413, 501))
    assert api.rows(dataset) == [{"k": "1"}]


BAD_CHUNKS = [b"0_2e\r\n", b"0x2\r\n[]\r\n0\r\n\r\n", b"+2\r\n[]\r\n0\r\n\r\n", b"-1\r\n", b"00000000000000002\r\n[]\r\n0\r\n\r\n", b"2\r\n[]0\r\n\r\n",
              b"2\r\n[]\r\nzz\r\n", b"2;" + b"x" * 1048576 + b"\r\n[]\r\n0\r\n\r\n", b"2 \r\n[]\r\n0\r\n\r\n", b"\r\n[]\r\n0\r\n\r\n",
              b"2\n[]\n0\n\n", b"2\r\n[]\n0\r\n\r\n", b"ffffffffffffffff\r\n"]


@pytest.mark.parametrize("chunks", BAD_CHUNKS, ids=[repr(c[:24]) for c in BAD_CHUNKS])
def test_bad_chunks_are_refused_and_the_connection_closed(server, api, dataset, chunks):
    before = api.version(dataset)
    closes_with(server, post(dataset, b"Transfer-Encoding: chunked\r\n", chunks), (400, 413))
    assert api.version(dataset) == before


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"CHUNKED"])
@pytest.mark.parametrize("chunks", [b"2\r\n[]\r\n0\r\n\r\n", b"1\r\n[\r\n1;ext=\"a\"\r\n]\r\n0\r\n\r\n", b"02\r\n[]\r\n000\r\n\r\n",
                                    b"2\r\n[]\r\n0\r\nContent-Length: 50\r\nAuthorization: Basic x\r\n\r\n", b"A\r\n[        ]\r\n0\r\n\r\n"])
def test_good_chunks_are_read_and_trailers_ignored(server, dataset, chunks, coding):
    got = server.exchange(post(dataset, b"Connection: close\r\nTransfer-Encoding: " + coding + b"\r\n", chunks))
    assert status_of(got) == 200 and got.count(b"HTTP/1.1 ") == 1, got


BAD_HEADS = [
    ("no host", get(host=b"")), ("two hosts", get(host=b"Host: a\r\nHost: b\r\n")), ("host with a slash", get(host=b"Host: a/b\r\n")),
    ("bare LF", get().replace(b"\r\n", b"\n")), ("NUL in a value", get(headers=b"X-A: a\x00b\r\n")), ("CR in a value", get(headers=b"X-A: a\rb\r\n")),
    ("space before the colon", get(headers=b"X-A : b\r\n")), ("folded line", get(headers=b"X-A: a\r\n b\r\n")), ("no colon", get(headers=b"nonsense\r\n")),
    ("empty name", get(headers=b": a\r\n")), ("name with a space", get(headers=b"X A: b\r\n")), ("name with NUL", get(headers=b"X\x00A: b\r\n")),
    ("first header folded", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"), ("two spaces", b"GET  /api/version HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("tab for space", b"GET\t/api/version\tHTTP/1.1\r\nHost: a\r\n\r\n"), ("no version", b"GET /api/version\r\n\r\n"),
    ("lower case version", get(version=b"http/1.1")), ("absolute form of another host", get("http://elsewhere/api/version")),
    ("method with a mark", b"GET ! HTTP/1.1\r\nHost: a\r\n\r\n"), ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"),
    ("space in the target", b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), ("control in the target", b"GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("request line only LF", b"GET / HTTP/1.1\nHost: a\r\n\r\n")]


@pytest.mark.parametrize("name,request_bytes", BAD_HEADS, ids=[h[0] for h in BAD_HEADS])
def test_bad_heads_are_400_and_closed(server, name, request_bytes):
    if name == "absolute form of another host":
        assert status_of(server.exchange(request_bytes.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))) in (400, 421)
        return
    closes_with(server, request_bytes, (400, 505))


@pytest.mark.parametrize("version,statuses", [(b"HTTP/1.32", (400, 505)), (b"HTTP/2.0", (505,)), (b"HTTP/0.9", (400, 505)), (b"HTTP/11", (400, 505)),
                                              (b"HTTP/1.", (400, 505)), (b"HTTP/3.0", (505,))])
def test_other_versions_are_refused(server, version, statuses):
    closes_with(server, get(version=version), statuses)


@pytest.mark.parametrize("method,statuses", [(b"TRACE", (405, 501)), (b"CONNECT", (400, 405, 501)), (b"X" * 1000, (400, 405, 501)), (b"get", (400, 405, 501)),
                                             (b"PATCH", (405,)), (b"QUERY", (405, 501))])
def test_other_methods_are_refused(server, dataset, method, statuses):
    got = server.exchange(get(f"/resource/{dataset}.json", method=method, headers=b"Connection: close\r\n"))
    assert status_of(got) in statuses, got[:300]
    if status_of(got) == 405:
        assert b"\r\nallow: " in got.lower()


@pytest.mark.parametrize("path,statuses", [
    ("//resource/x", (400, 404)), ("/./api/version", (400, 404)), ("/api/../api/version", (400, 404)), ("/api/%2e%2e%2fversion", (400, 404)),
    ("/api/%00version", (400,)), ("/api/%zz", (400,)), ("/api/version;x", (404,)), ("/api/%c0%af", (400, 404)), ("/%2561pi/version", (404,)),
    ("/api/version?a=%zz", (400,)), ("/api/version?a=%00", (400,)), ("/api/%76ersion", (200,)), ("/api/version/", (200,)), ("/api/version.json", (200,)), ("/API/version", (404,)), ("*", (400, 404))])
def test_paths_are_decoded_once_and_never_tidied(server, path, statuses):
    assert status_of(server.exchange(get(path, headers=b"Connection: close\r\n"))) in statuses


LONG = 32 * 1024


@pytest.mark.parametrize("request_bytes,statuses", [
    (get("/api/version?a=" + "x" * (LONG - 200)), (200,)), (get("/api/version?a=" + "x" * LONG), (414,)),
    (get(headers=b"".join(b"X-%d: y\r\n" % i for i in range(98))), (200,)), (get(headers=b"".join(b"X-%d: y\r\n" % i for i in range(101))), (431,)),
    (get(headers=b"X-Big: " + b"y" * (100 * 1024) + b"\r\n"), (200,)), (get(headers=b"X-Big: " + b"y" * (128 * 1024) + b"\r\n"), (431,))],
    ids=["line under", "line over", "count under", "count over", "size under", "size over"])
def test_heads_have_limits(server, request_bytes, statuses):
    request_bytes = request_bytes.replace(b"Host: localhost\r\n", b"Host: localhost\r\nConnection: close\r\n")
    assert status_of(server.exchange(request_bytes)) in statuses


def test_a_hundred_pipelined_requests_are_answered_in_order(server, dataset):
    requests = b"".join(get(f"/resource/{dataset}.json?$limit=1", headers=b"X-Socrata-RequestId: n%d\r\n" % i) for i in range(100))
    got = server.exchange(requests + get(headers=b"Connection: close\r\n"))
    ids = [line.split(b": ")[1] for line in got.split(b"\r\n") if line.lower().startswith(b"x-socrata-requestid: ")]
    assert ids[:100] == [b"n%d" % i for i in range(100)] and len(ids) == 101 and got.count(b"HTTP/1.1 200 ") == 101


def test_pipelined_writes_are_applied_in_order(server, api):
    d = api.create({"k": "text", "n": "number"}, key="k")
    requests = b""
    for i in range(50):
        body = b'[{"k":"1","n":%d}]' % i
        requests += post(d, b"Content-Length: %d\r\n" % len(body), body)
    got = server.exchange(requests + get(headers=b"Connection: close\r\n"))
    assert got.count(b"HTTP/1.1 200 ") == 51
    assert api.rows(d) == [{"k": "1", "n": "49"}]


@pytest.mark.parametrize("version,header,stays", [(b"HTTP/1.1", b"", True), (b"HTTP/1.1", b"Connection: close\r\n", False), (b"HTTP/1.0", b"", False),
                                                  (b"HTTP/1.0", b"Connection: keep-alive\r\n", None), (b"HTTP/1.1", b"Connection: Close\r\n", False)])
def test_keep_alive(server, version, header, stays):
    with server.connect() as tls:
        tls.sendall(get(version=version, headers=header))
        tls.settimeout(2)
        got = b""
        closed = False
        try:
            while True:
                chunk = tls.recv(65536)
                if not chunk:
                    closed = True
                    break
                got += chunk
        except socket.timeout:
            pass
        except ssl.SSLError:
            closed = True
    assert status_of(got) == 200
    assert stays is None or closed != stays


def test_one_byte_a_segment_gives_the_same_answer(server, dataset):
    body = b'[{"k":"1"}]'
    request = post(dataset, b"Content-Length: %d\r\nConnection: close\r\n" % len(body), body)
    with server.connect() as tls:
        for i in range(len(request)):
            tls.sendall(request[i:i + 1])
        got = read_to_end(tls)
    assert status_of(got) == 200 and b'"Rows Updated":1' in got.replace(b" : ", b":").replace(b": ", b":"), got


def test_100_continue_comes_before_the_body(server, dataset):
    with server.connect() as tls:
        tls.sendall(post(dataset, b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n", b""))
        assert tls.recv(65536).startswith(b"HTTP/1.1 100 ")
        tls.sendall(b"[]")
        assert status_of(read_to_end(tls)) == 200


@pytest.mark.parametrize("auth,path,status", [(b"", b"", 403), (b"Authorization: Basic eDp5\r\n", b"", 401), (BASIC, b"nope/nope/", 404)])
def test_a_refusal_comes_instead_of_100_continue(server, dataset, auth, path, status):
    with server.connect() as tls:
        tls.sendall(b"POST /resource/%s%s.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n" % (path, dataset.encode())
                    + auth + b"\r\n")
        assert status_of(tls.recv(65536)) == status


def test_other_expectations_are_417(server, dataset):
    got = server.exchange(post(dataset, b"Content-Length: 2\r\nExpect: 200-ok\r\nConnection: close\r\n", b"[]"))
    assert status_of(got) in (417, 200)


def test_an_answer_in_the_middle_of_an_upload_is_readable(server, api, dataset):
    """A bad row near the start of a body: the client gets its 400 although it is still sending."""
    before = api.version(dataset)
    body = b'[{"k":"1"},{"k" "2"},' + b'{"k":"3"},' * 100000
    with server.connect() as tls:
        tls.sendall(post(dataset, b"Content-Length: %d\r\n" % (len(body) + 10), b""))
        try:
            tls.sendall(body)
        except (ConnectionError, ssl.SSLError):
            pass
        got = read_to_end(tls)
    assert status_of(got) == 400 and b"malformed" in got
    assert api.version(dataset) == before


def test_too_large_a_body_is_refused_before_it_is_read(server, dataset):
    got = server.exchange(post(dataset, b"Content-Length: %d\r\n" % (9 * 1024 ** 3), b"["))
    assert status_of(got) == 413 and b"limit" in got


def test_a_client_that_leaves_in_the_middle_writes_nothing(server, api, dataset):
    before = api.version(dataset)
    for part in (b"", b"[", b'[{"k":"half"}', b'[{"k":"half"},{"k":"'):
        with server.connect() as tls:
            tls.sendall(post(dataset, b"Content-Length: 500\r\n", part))
    with server.connect() as tls:
        tls.sendall(post(dataset, b"Transfer-Encoding: chunked\r\n", b'e\r\n[{"k":"half"}]\r\n'))
    time.sleep(0.3)
    assert api.rows(dataset) == [{"k": "1"}] and api.version(dataset) == before


def test_a_half_closed_client_still_gets_its_answer(server, dataset):
    with server.connect() as tls:
        tls.sendall(post(dataset, b"Content-Length: 2\r\n", b"[]"))
        try:
            tls.unwrap()
        except (ssl.SSLError, OSError):
            pass
    # Over TLS a client that sent close_notify may not read any more; what counts is that the server lives.
    assert status_of(server.exchange(get(headers=b"Connection: close\r\n"))) == 200


def test_a_body_on_get_is_ignored(server, dataset):
    got = server.exchange(get(f"/resource/{dataset}.json?", headers=b"Content-Type: application/json\r\nContent-Length: 4\r\n") + b"null" +
                          get(headers=b"Connection: close\r\n"))
    assert got.count(b"HTTP/1.1 200 ") == 2, got


@pytest.mark.parametrize("header", [b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"X-App-Token:\r\n",
                                    b"X-Empty: \r\n", b"Accept: " + b"x/y;q=0.1," * 1000 + b"*/*\r\n", b"Accept: text/nonsense;q=0\r\n", b"Range: bytes=0-1\r\n"])
def test_headers_that_are_ignored(server, dataset, header):
    got = server.exchange(get(f"/resource/{dataset}.json", headers=header + (b"" if b"Connection" in header else b"Connection: close\r\n")))
    assert status_of(got) == 200, got[:300]


def test_no_line_end_in_what_is_echoed(server):
    got = server.exchange(get(headers=b"X-Socrata-RequestId: a\tb\xffc\r\nConnection: close\r\n"))
    head = got.split(b"\r\n\r\n")[0]
    assert status_of(got) == 200 and b"\xff" not in head


def test_every_reply_is_dated_typed_and_sized(server, dataset):
    for path in (f"/resource/{dataset}.json", "/nope", "/api/version"):
        head = server.exchange(get(path, headers=b"Connection: close\r\n")).split(b"\r\n\r\n")[0].lower()
        for name in (b"date: ", b"content-type: ", b"x-socrata-requestid: "):
            assert b"\r\n" + name in head, head
        assert b"content-length: " in head or b"transfer-encoding: chunked" in head
        for word in (b"openssl", b"sqlite", b"seltzer/"):
            assert word not in head


def test_tls_1_2_and_1_3_and_no_older(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=server.ca)
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 10), server_hostname="localhost") as tls:
            tls.sendall(get(headers=b"Connection: close\r\n"))
            assert status_of(read_to_end(tls)) == 200
    context = ssl.create_default_context(cafile=server.ca)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    try:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    except ValueError:
        return
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 10), server_hostname="localhost")


def test_alpn_offers_http_1_1_only(server):
    with server.connect(alpn=["h2", "http/1.1"]) as tls:
        assert tls.selected_alpn_protocol() == "http/1.1"


def test_plain_http_on_the_tls_port_is_answered_and_closed(server):
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
        raw.settimeout(5)
        raw.sendall(get())
        got = b""
        try:
            while chunk := raw.recv(4096):
                got += chunk
        except (ConnectionError, socket.timeout):
            pass
    assert got == b"" or got.startswith(b"HTTP/1.1 400 ") or got[:1] == b"\x15", got


def test_garbage_on_the_tls_port_hurts_nobody(server):
    for junk in (b"", b"\0" * 1000, b"\x16\x03\x01\xff\xff" + b"\xff" * 5000, b"SSH-2.0-x\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
            raw.sendall(junk)
    assert status_of(server.exchange(get(headers=b"Connection: close\r\n"))) == 200


@pytest.mark.slow
def test_a_trickle_of_headers_ends_after_ten_seconds(server):
    started = time.monotonic()
    with server.connect() as tls:
        tls.settimeout(1)
        got, ended = b"", False
        head = b"GET /api/version HTTP/1.1\r\n" + b"X-A: b\r\n" * 100
        for i in range(25):
            try:
                tls.sendall(head[i:i + 1])
                chunk = tls.recv(4096)
                ended = ended or not chunk
                got += chunk
            except socket.timeout:
                continue
            except (ConnectionError, ssl.SSLError):
                ended = True
            if ended:
                break
    took = time.monotonic() - started
    assert ended and 8 <= took <= 16, took
    assert got == b"" or status_of(got) == 408
