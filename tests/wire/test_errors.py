"""Every refused value names its row, line, column, value and what would be right; malformed texts name where (docs/wire/errors.md)."""

import json

import pytest

from client import counts, refused, six


@pytest.fixture
def dataset(api):
    return api.create({"k": "text", "n": "number", "t": "calendar_date", "c": "checkbox", "u": "url", "p": "point", "l": "location"},
                      key="k")


def test_a_refused_value_names_row_line_column_and_value_json(api, dataset):
    body = refused(api.upsert(dataset, '[\n{"k":"1","n":1},\n{"k":"2","n":"abc"}\n]'), 400, "soda.column.maltyped",
                   says=["n", "abc", "number", "3"])
    error, = body["data"]["errors"]
    assert error["input_index"] == 1 and error["line"] == 3 and error["field"] == "n" and error["value"] == "abc", error
    assert error["code"] == "soda.column.maltyped" and error.get("primary_key", "2") == "2", error
    assert api.rows(dataset) == []


def test_a_refused_value_names_row_line_column_and_value_csv(api, dataset):
    body = refused(api.send_csv("POST", dataset, 'k,n\n"a\nb",1\n2,abc\n'), 400, "soda.column.maltyped", says=["n", "abc"])
    error, = body["data"]["errors"]
    assert error["input_index"] == 1 and error["line"] == 4 and error["field"] == "n" and error["value"] == "abc", error


def test_values_are_cut_to_200_bytes(api, dataset):
    body = refused(api.upsert(dataset, [{"k": "1", "n": "x" * 5000}]), 400)
    assert len(body["data"]["errors"][0]["value"]) <= 204
    assert len(body["message"]) < 1000


def test_the_first_thousand_are_listed_and_the_total_is_exact(api, dataset):
    rows = [{"k": str(i), "n": "abc" if i % 2 else 1} for i in range(4000)]
    body = refused(api.upsert(dataset, rows), 400)
    errors = body["data"]["errors"]
    assert len(errors) == 1000 and [e["input_index"] for e in errors] == list(range(1, 2000, 2))
    assert "2000" in body["message"].replace(",", "") or body["data"].get("total") == 2000 or body["data"].get("errors_total") == 2000
    assert api.rows(dataset) == []


@pytest.mark.parametrize("at", ["first", "middle", "last"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("how", ["json", "csv"])
def test_one_bad_value_anywhere_changes_nothing(api, dataset, at, method, how):
    api.upsert_ok(dataset, [{"k": "old", "n": 1}])
    before = api.get(f"/resource/{dataset}.json")
    n = 2000
    bad = {"first": 0, "middle": n // 2, "last": n - 1}[at]
    values = ["oops" if i == bad else str(i) for i in range(n)]
    if how == "json":
        reply = api.send_json(method, dataset, [{"k": str(i), "n": v} for i, v in enumerate(values)])
    else:
        reply = api.send_csv(method, dataset, "k,n\n" + "".join(f"{i},{v}\n" for i, v in enumerate(values)))
    body = refused(reply, 400, "soda.column.maltyped", says="oops")
    assert body["data"]["errors"][0]["input_index"] == bad
    after = api.get(f"/resource/{dataset}.json")
    assert after.text == before.text
    for name in ("ETag", "X-SODA2-Truth-Version", "Last-Modified"):
        assert after.headers[name] == before.headers[name]


HINTS = [("n", '"1,234"'), ("n", '"$5"'), ("n", '"NaN"'), ("n", '"0x10"'), ("n", "true"), ("n", "{}"), ("n", "[1]"),
         ("t", '"2014-10-13T05:06:07Z"'), ("t", '"20141013"'), ("t", "1413158400"), ("t", '"2024-02-30"'), ("t", '"25:61"'),
         ("c", "1"), ("c", '"maybe"'), ("u", "5"), ("u", "[]"), ("p", '"POINT(1,2)"'), ("p", '"POINT (1 2) x"'), ("p", "5"),
         ("p", '"POLYGON ((0 0, 1 1, 1 0, 0 0))"'), ("l", '"somewhere (1,2"'), ("l", "7")]


@pytest.mark.parametrize("field,value", HINTS, ids=[f"{f} {v}" for f, v in HINTS])
def test_each_refusal_says_what_would_be_accepted(api, dataset, field, value):
    body = refused(api.upsert(dataset, f'[{{"k":"1","{field}":{value}}}]'), 400, "soda.column.maltyped", says=field)
    assert len(body["message"]) > 30, body["message"]
    assert body["data"]["errors"][0]["field"] == field


def test_the_message_alone_is_enough(api, dataset):
    text = refused(api.upsert(dataset, '[{"k":"1"},\n{"k":"2","t":"13/45/2020"}]'), 400)["message"]
    assert "13/45/2020" in text and "t" in text and ("row 1" in text or "row 2" in text) and "line 2" in text, text


# Malformed JSON


MALFORMED = ["", "   ", "[", "[{", '[{"k"', '[{"k":', '[{"k":"1"', '[{"k":"1"}', '[{"k":"1"},', '[{"k":"1"},]', "[{a b}]", "[{'k':'1'}]",
             "[{k:1}]", '[{"n":01}]', '[{"n":.5}]', '[{"n":+1}]', '[{"n":0x1}]', '[{"n":NaN}]', '[{"n":Infinity}]', '[{"n":1.}]',
             '[{"n":-}]', "[// x\n]", "[/* x */]", '[{"k":"\t"}]', '[{"k":"\\x"}]', '[{"k":"\\ud800"}]', '[{"k":"\\u12"}]',
             '[{"k":"1"}] x', '[{"k":"1"}][]', '[{"k":"1"}]\n{"k":"2"}', '[tru]', '{"k":"1"}}']


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_json_names_row_and_column_of_the_text(api, dataset, text, method):
    api.upsert_ok(dataset, [{"k": "old"}])
    reply = api.send_json(method, dataset, text)
    if method == "PUT" and text.startswith("{"):
        refused(reply, 400)
    else:
        body = refused(reply, 400, "req.body.malformed-json")
        assert body["data"]["row"] >= 1 and body["data"]["column"] >= 1, body
        assert str(body["data"]["row"]) in body["message"] and str(body["data"]["column"]) in body["message"]
    assert api.rows(dataset) == [{"k": "old"}]


def test_the_position_is_exact(api, dataset):
    body = refused(api.upsert(dataset, '[{"k":"1"},\n {"k":"2" "n":1}]'), 400, "req.body.malformed-json")
    assert (body["data"]["row"], body["data"]["column"]) == (2, 11), body


def test_truncated_at_each_byte_writes_nothing(api, dataset):
    text = '[{"k":"1","n":-1.5e3,"c":true,"u":{"url":"http:\\/\\/x\\u00e9"}},["2"]]'
    for cut in range(len(text)):
        refused(api.upsert(dataset, text[:cut]), 400, "req.body.malformed-json")
    assert api.rows(dataset) == []


@pytest.mark.parametrize("raw", [b'[{"k":"\xff"}]', b'[{"k":"\xc0\xaf"}]', b'[{"k":"\xed\xa0\x80"}]', b'[{"k":"\xf5\x80\x80\x80"}]',
                                 '[{"k":"1"}]'.encode("utf-16"), b'[{"k":"\xe9"}]', b'\xef\xbb\xbf\xef\xbb\xbf[]'])
def test_bytes_that_are_no_utf8_are_refused(api, dataset, raw):
    refused(api.upsert(dataset, raw), 400)
    assert api.rows(dataset) == []


def test_one_byte_order_mark_is_dropped(api, dataset):
    assert six(api.upsert(dataset, b'\xef\xbb\xbf[{"k":"1"}]')) == counts(created=1)
    assert six(api.send_csv("POST", dataset, b"\xef\xbb\xbfk,n\n2,1\n")) == counts(created=1)


def test_nul_is_removed_and_counted(api, dataset):
    reply = api.upsert_ok(dataset, '[{"k":"a\\u0000b"}]')
    assert api.rows(dataset) == [{"k": "ab"}] and reply["Warnings"], reply


@pytest.mark.parametrize("depth,status", [(60, 200), (65, 400), (100000, 400)])
def test_depth_is_limited(api, depth, status):
    dataset = api.create({"j": "json"})
    text = '[{"j":{"json":%s%s}}]' % ("[" * depth, "]" * depth)
    assert api.upsert(dataset, text).status_code == status
    assert api.upsert(dataset, "[" * depth).status_code == 400


NUMBERS = [("1e400", True), ("-1e400", True), ("1e-400", True), ("9" * 20, True), ("9" * 40, True), ("9" * 4096, True), ("9" * 4097, False),
           ("1e999999999", False), ("1e-999999999", False), ("1e4095", True), ("1e4096", False)]


@pytest.mark.parametrize("text,good", NUMBERS, ids=[n[0][:14] + f" {len(n[0])}" for n in NUMBERS])
def test_numbers_up_to_4096_digits_are_exact_and_beyond_refused(api, dataset, text, good):
    reply = api.upsert(dataset, f'[{{"k":"1","n":{text}}}]')
    if not good:
        refused(reply, 400)
        return
    assert reply.status_code == 200, reply.text[:500]
    from decimal import Decimal
    assert Decimal(api.rows(dataset)[0]["n"]) == Decimal(text)


# Malformed CSV


CSV = [("unclosed quote", 'k,n\n1,2\n"3,4\n5,6\n', "3"), ("short row", "k,n\n1,2\n3\n", "3"), ("long row", "k,n\n1,2\n3,4,5\n", "3"),
       ("duplicate header", "k,k\n1,2\n", "k"), ("empty header", "k,\n1,2\n", ""), ("unknown header", "k,zz\n1,2\n", "zz"),
       ("no header", "", ""), ("semicolons", "k;n\n1;2\n", ";"), ("quote inside", 'k,n\na"b,1\n', ""),
       ("text after quote", 'k,n\n"a"b,1\n', "")]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("name,text,says", CSV, ids=[c[0] for c in CSV])
def test_malformed_csv_says_where(api, dataset, name, text, says, method):
    api.upsert_ok(dataset, [{"k": "old"}])
    reply = api.send_csv(method, dataset, text)
    if name == "quote inside" and reply.status_code == 200:
        return  # a bare quote inside an unquoted cell: either is fine, RFC 4180 leaves it open
    refused(reply, 400, says=says)
    assert api.rows(dataset) == [{"k": "old"}]


@pytest.mark.parametrize("text,rows", [
    ("k,n\r\n1,2\r\n3,4\r\n", 2), ("k,n\n1,2\n3,4", 2), ("k,n\r1,2\r3,4\r", 2), ("k,n\r\n1,2\n3,4\r", 2), ("k,n\n", 0), ("k,n", 0),
    ('k,n\n"a\nb",1\n"c,""d""",2\n', 2)])
def test_line_ends_and_quotes(api, dataset, text, rows):
    assert six(api.send_csv("POST", dataset, text)) == counts(created=rows)


def test_a_newline_in_quotes_is_kept(api, dataset):
    api.send_csv("POST", dataset, 'k,n\n"a\r\nb",1\n"c ""d""",\n')
    assert [r["k"] for r in api.rows(dataset)] == ["a\r\nb", 'c "d"']


def test_cells_go_by_column_type_and_text_stays_untouched(api):
    dataset = api.create({"k": "text", "n": "number", "c": "checkbox", "s": "text"}, key="k")
    assert six(api.send_csv("POST", dataset, "k,n,c,s\n1,007,TRUE,007\n2,1e5,f,=SUM(A1)\n")) == counts(created=2)
    assert api.rows(dataset) == [{"k": "1", "n": "7", "c": True, "s": "007"}, {"k": "2", "n": "100000", "c": False, "s": "=SUM(A1)"}]
    for cell in ("1,234", "$5"):
        refused(api.send_csv("POST", dataset, f'k,n\n1,"{cell}"\n'), 400, "soda.column.maltyped")


def test_undeclared_latin1_is_refused_with_its_place(api, dataset):
    refused(api.send_csv("POST", dataset, "k\ncaf\u00e9\n".encode("latin-1")), 400)


def test_a_million_header_cells_are_refused(api, dataset):
    refused(api.send_csv("POST", dataset, "," * 1000000 + "\n"), 400)


# Other errors in their form


@pytest.mark.parametrize("method,path,status,code", [
    ("GET", "/nope", 404, "not-found"), ("GET", "/resource", 404, "not-found"), ("PATCH", "/resource/{d}", 405, "method-not-allowed"),
    ("POST", "/api/users/current", 405, "method-not-allowed"), ("GET", "/resource/zzzz-9999.json", 404, "soda.dataset.not-found"),
    ("GET", "/api/views/zzzz-9999.json", 404, "soda.dataset.not-found"), ("GET", "/.well-known/x", 404, "not-found"),
    ("GET", "/server-status", 404, "not-found")])
def test_errors_have_the_house_form(api, dataset, method, path, status, code):
    reply = api.request(method, path.format(d=dataset))
    refused(reply, status, code)
    if status == 405:
        assert "GET" in reply.headers["Allow"]


# A line of the catalogue each: what it takes to get it, its status, code, errorCode and the members of its data


CATALOGUE = [
    ("missing content type", lambda a, d: a.post(f"/resource/{d}.json", data=b"<x/>"), 400, "req.content-type.missing", "invalid_request", ()),
    ("unparsable content type", lambda a, d: a.post(f"/resource/{d}.json", data=b"<x/>", headers={"Content-Type": "///"}), 400,
     "req.content-type.unparsable", "invalid_request", ("content-type",)),
    ("wrong content type", lambda a, d: a.post(f"/resource/{d}.json", data=b"<x/>", headers={"Content-Type": "application/xml"}), 415,
     "req.content-type.not-json", "invalid_request", ("content-type",)),
    ("unknown charset", lambda a, d: a.post(f"/resource/{d}.json", data=b"[]", headers={"Content-Type": "application/json; charset=x"}), 415,
     "req.content-type.unknown-charset", "invalid_request", ("charset",)),
    ("malformed JSON", lambda a, d: a.upsert(d, "[{"), 400, "req.body.malformed-json", "invalid_request", ("row", "column")),
    ("not rows", lambda a, d: a.upsert(d, "5"), 400, "req.content.json.invalid", "invalid_request", ("expected",)),
    ("object for PUT", lambda a, d: a.replace(d, "{}"), 400, "req.content.json.invalid", "invalid_request", ("expected",)),
    ("not an object", lambda a, d: a.send_json("POST", d, "[]", path="/1.json"), 400, "req.content.json.not-object", "invalid_request", ()),
    ("bad parameter", lambda a, d: a.upsert(d, [], truncate="x"), 400, "req.bad-parameter", "invalid_request", ("parameter", "value")),
    ("no dataset", lambda a, d: a.upsert("zzzz-9999", []), 404, "soda.dataset.not-found", "dataset.missing", ("id", "dataset")),
    ("unknown type", lambda a, d: a.post(f"/api/views/{d}/columns", json={"name": "x", "dataTypeName": "zz"}), 400, "soda.column.unknown-type",
     "invalid_request", ("type",)),
    ("bad value", lambda a, d: a.upsert(d, [{"k": "1", "n": "x"}]), 400, "soda.column.maltyped", "invalid_request", ("field", "expected", "got", "errors")),
    ("no row", lambda a, d: a.delete(f"/resource/{d}/zz.json"), 404, "soda.row.not-found", "not_found", ("value",)),
    ("no column", lambda a, d: a.upsert(d, [{"zz": 1}]), 400, "soda.row.column-not-found", "invalid_request", ("value",)),
    ("not a row", lambda a, d: a.upsert(d, "[5]"), 400, "soda.row.upsert-row-not-an-object", "invalid_request", ()),
    ("no key", lambda a, d: a.upsert(d, {"n": 1}), 400, "soda.row.primary-key-nonexistent-or-null", "invalid_request", ()),
    ("version", lambda a, d: a.upsert(d, [], expectedDataVersion="999"), 409, "soda.row.dataset-version-mismatch", "conflict", ("dataset", "version")),
    ("method", lambda a, d: a.request("PATCH", f"/resource/{d}.json"), 405, "method-not-allowed", "method_not_allowed", ("method", "allowed")),
    ("path", lambda a, d: a.get("/nope"), 404, "not-found", "not_found", ("path",)),
    ("precondition", lambda a, d: a.get(f"/resource/{d}.json", headers={"If-Match": '"x"'}), 412, "precondition-failed", "precondition_failed", ()),
]


@pytest.mark.parametrize("name,ask,status,error_code,code,members", CATALOGUE, ids=[c[0] for c in CATALOGUE])
def test_each_error_has_its_status_codes_and_data(api, dataset, name, ask, status, error_code, code, members):
    body = refused(ask(api, dataset), status, error_code, code)
    assert set(members) <= set(body["data"]), body
    assert set(body) >= {"code", "errorCode", "error", "message", "data"}


def test_no_error_tells_how_the_inside_works(api, dataset):
    texts = [api.get(f"/resource/{dataset}.json?$order=';drop").text, api.get(f"/resource/{dataset}.json?k[]=1").text,
             api.upsert(dataset, '[{"k":"1","n":"\' or 1=1"}]').text, api.get("/../../etc/passwd").text]
    for text in texts:
        for word in ("sqlite", "SELECT ", "src/", "c1", "/tmp"):
            assert word not in text, text
