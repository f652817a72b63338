"""HTTP framing and routing, line by line of tests/robustness.md (H): what tests/wire/test_framing.py does not show already."""

import re

import pytest

from client import status_of
from rude import BASIC, CLOSE, connect, errors_of, get, post, read_reply, whole


@pytest.fixture(scope="module")
def dataset(api):
    d = api.create({"k": "text", "n": "number"}, key="k", public=True)
    api.upsert_ok(d, [{"k": "1"}])
    return d


def reply_to(server, request):
    with connect(server) as tls:
        tls.sendall(request)
        return read_reply(tls)


LENGTHS = [
    ("H1_space_after", b"Content-Length: 2 \r\n"), ("H1_tab_before", b"Content-Length:\t2\r\n"), ("H1_empty_list", b"Content-Length: ,2\r\n"),
    ("H1_quoted", b"Content-Length: \"2\"\r\n"), ("H1_fullwidth", "Content-Length: \uff12\r\n".encode()), ("H1_nul", b"Content-Length: 2\x00\r\n"),
    ("H2_chunked_tab", b"Transfer-Encoding: chunked\t\r\n"), ("H2_quoted", b"Transfer-Encoding: \"chunked\"\r\n"),
    ("H2_parameter", b"Transfer-Encoding: chunked;q=1\r\n"), ("H2_name_space", b"Transfer-Encoding : chunked\r\n"),
    ("H2_name_prefix", b"X\x0bTransfer-Encoding: chunked\r\nContent-Length: 2\r\n"), ("H2_folded", b"Transfer-Encoding:\r\n chunked\r\n")]


@pytest.mark.parametrize("headers", [x[1] for x in LENGTHS], ids=[x[0] for x in LENGTHS])
def test_bodies_of_doubtful_length_are_refused(server, api, dataset, headers):
    before = api.version(dataset)
    with connect(server) as tls:
        tls.sendall(post(dataset, headers, b"2\r\n[]\r\n0\r\n\r\n"))
        status, head, body = read_reply(tls)
        assert status in (400, 501) and head["connection"] == "close", (status, head)
        errors_of(body)
        assert tls.recv(100) == b""
    assert api.version(dataset) == before


def test_H3_many_small_extensions_are_refused(server, api, dataset):
    before = api.version(dataset)
    chunks = b"".join(b"1;" + b"x" * 250 + b"\r\n \r\n" for _ in range(200))
    assert reply_to(server, post(dataset, b"Transfer-Encoding: chunked\r\n", chunks))[0] == 400
    assert api.version(dataset) == before


@pytest.mark.parametrize("trailer", [b"Content-Length: 5\r\n", b"Authorization: Basic Og==\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: elsewhere\r\n",
                                     b"X-SODA2-Truth-Version: 99999\r\n", b"Expect: 100-continue\r\n"], ids=lambda t: "H4_" + t.split(b":")[0].decode())
def test_trailers_change_nothing(server, dataset, trailer):
    request = post(dataset, b"Transfer-Encoding: chunked\r\n", b"2\r\n[]\r\n0\r\n" + trailer + b"\r\n")
    with connect(server) as tls:
        tls.sendall(request + get())
        assert read_reply(tls)[0] == 200
        assert read_reply(tls)[0] == 200


def test_H4_endless_trailers_are_refused(server, dataset):
    trailers = b"".join(b"X-%d: %s\r\n" % (i, b"y" * 80) for i in range(400))
    assert reply_to(server, post(dataset, b"Transfer-Encoding: chunked\r\n", b"2\r\n[]\r\n0\r\n" + trailers + b"\r\n"))[0] in (400, 431)


@pytest.mark.parametrize("byte", list(range(1, 9)) + [11, 12] + list(range(14, 32)) + [127], ids=lambda b: f"H5_byte_{b:02x}")
def test_no_control_character_passes_in_a_header(server, byte):
    assert reply_to(server, get(headers=b"X-A: a" + bytes([byte]) + b"b\r\n"))[0] == 400


@pytest.mark.parametrize("host", [b"", b" ", b"a b", b"a,b", b"a@b", b"a\\b", b"a/b", b"[::1", b"a:x", b"a?b", b"a#b"],
                         ids=lambda h: "H6_" + (h.decode().strip() or "empty"))
def test_a_host_that_is_none_is_refused(server, host):
    assert reply_to(server, b"GET /api/version HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")[0] == 400


@pytest.mark.parametrize("version", [b"HTTP/1.1x", b"HTTP/1.1 ", b"HTTP/01.1", b"HTTP/1", b"HTTPS/1.1", b"Http/1.1", b"HTTP/1.-1", b"HTTP/99999999999.1"],
                         ids=lambda v: "H7_" + v.decode().strip().replace("/", "_"))
def test_other_versions(server, version):
    assert reply_to(server, b"GET /api/version " + version + b"\r\nHost: a\r\n\r\n")[0] in (400, 505)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_H9_a_method_override_does_nothing(api, dataset, header):
    before = api.version(dataset)
    assert api.get(f"/resource/{dataset}.json", headers={header: "DELETE"}).status_code == 200
    assert api.post(f"/resource/{dataset}.json?method=DELETE", json=[]).status_code == 400
    assert api.version(dataset) == before and len(api.rows(dataset)) == 1


PATHS = [("H10_double_slash", "/api//version", (404,)), ("H10_dots_encoded", "/resource/%2e%2e/api/version", (400, 404)), ("H10_slash_encoded", "/api%2fversion", (404,)),
         ("H10_backslash", "/api\\version", (400, 404)), ("H10_backslash_encoded", "/api%5cversion", (404,)), ("H10_overlong_slash", "/api%c0%afversion", (400,)),
         ("H10_overlong_3", "/api%e0%80%afversion", (400,)), ("H10_surrogate", "/api/%ed%a0%80", (400,)), ("H10_half_percent", "/api/version%", (400,)),
         ("H10_percent_2", "/api/version%2", (400,)), ("H10_nul", "/api/version%00.json", (400,)), ("H10_passwd", "/resource/..%2f..%2f..%2fetc%2fpasswd", (400, 404)),
         ("H10_dotfile", "/.git/config", (404,)), ("H10_semicolon", "/api/version;jsessionid=1", (404,)), ("H10_twice", "/api/%2576ersion", (404,)),
         ("H10_long_segment", "/resource/" + "a" * 30000, (404,)), ("H10_many_segments", "/" + "a/" * 10000, (404,))]


@pytest.mark.parametrize("path,statuses", [x[1:] for x in PATHS], ids=[x[0] for x in PATHS])
def test_odd_paths_find_nothing(server, path, statuses):
    status, _, body = reply_to(server, get(path, headers=CLOSE, auth=BASIC))
    assert status in statuses, body
    errors_of(body)


@pytest.mark.parametrize("query", ["$limit=1&$limit=2", "$limit=1&$LIMIT=2", "k=1&k=2", "k=1&K=1", "$order=k&$order=n"],
                         ids=lambda q: "H11_" + q.replace("&", "_"))
def test_a_parameter_twice_is_refused(api, dataset, query):
    assert api.get(f"/resource/{dataset}.json?{query}").status_code == 400


@pytest.mark.parametrize("query", ["truncate=true&truncate=false", "dryRun=true&dryRun=false", "expectedDataVersion=1&expectedDataVersion=2"],
                         ids=lambda q: "H11_write_" + q.split("=")[0])
def test_a_parameter_twice_on_a_write_is_refused(api, dataset, query):
    before = api.version(dataset)
    assert api.post(f"/resource/{dataset}.json?{query}", json=[{"k": "twice"}]).status_code == 400
    assert api.version(dataset) == before


def test_H11_a_thousand_parameters_and_one_more(api, dataset):
    for n, status in ((1000, 200), (1001, 400)):
        query = "&".join(f"$$a{i}" for i in range(n))
        assert api.get(f"/resource/{dataset}.json?{query}").status_code == status


def routes():
    """The route table, as the server reads it."""
    with open("src/api/routes.def") as f:
        return re.findall(r'^X\((\w+), "([^"]+)"', f.read(), re.M)


def allowed(pattern):
    methods = {m for m, p in routes() if p == pattern} | {"OPTIONS"}
    return methods | {"HEAD"} if "GET" in methods else methods


@pytest.mark.parametrize("pattern", sorted({p for _, p in routes()}), ids=lambda p: "H14_" + p)
def test_head_and_options_on_every_route(server, dataset, pattern):
    path = pattern.replace(":id", dataset).replace(":row", "1").replace(":report", "none")
    status, headers, body = reply_to(server, b"OPTIONS " + path.encode() + b" HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n")
    assert status == 200 and body == b"" and set(re.split(r", *", headers["allow"])) == allowed(pattern), headers
    status, headers, body = reply_to(server, b"PATCH " + path.encode() + b" HTTP/1.1\r\nHost: a\r\n" + BASIC + CLOSE + b"\r\n")
    assert status == 405 and set(re.split(r", *", headers["allow"])) == allowed(pattern), headers
    if ("GET", pattern) not in routes():
        return
    whole_reply = reply_to(server, get(path, auth=BASIC, headers=CLOSE))
    got = server.exchange(get(path, auth=BASIC, headers=CLOSE).replace(b"GET ", b"HEAD ", 1))
    assert status_of(got) == whole_reply[0] and got.endswith(b"\r\n\r\n"), got
    length = re.search(rb"content-length: (\d+)", got.lower())
    assert length and (int(length[1]) == len(whole_reply[2]) or whole_reply[0] != 200)


@pytest.mark.parametrize("accept", [b"*/*", b"application/*", b"image/png", b"text/csv;q=0, */*;q=0.1", b"application/json;q=0", b";", b",,,", b"a" * 8000,
                                    b"text/csv;q=abc", b"text/csv;q=1.0000", b"\xff/\xfe", b"application/json;charset=utf-16"],
                         ids=lambda a: "H16_" + a[:20].decode("latin-1"))
def test_an_accept_is_never_an_error(server, dataset, accept):
    status, headers, _ = reply_to(server, get(f"/resource/{dataset}", headers=b"Accept: " + accept + b"\r\n"))
    assert status == 200 and headers["content-type"].split(";")[0] in ("application/json", "text/csv"), headers


def test_what_comes_after_a_body_is_the_next_request(server, api, dataset):
    """D10: a body longer than its Content-Length; the surplus is no request."""
    with connect(server) as tls:
        tls.sendall(whole(dataset, b"[]") + b'{"k":"surplus"}]\r\n\r\n')
        assert read_reply(tls)[0] == 200
        status, headers, body = read_reply(tls)
        assert status == 400 and headers["connection"] == "close"
        errors_of(body)
    assert [r["k"] for r in api.rows(dataset)] == ["1"]
