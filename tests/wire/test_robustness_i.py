"""JSON bodies, line by line of tests/robustness.md (I): what test_errors.py, test_types.py and test_upsert.py do not show already.
After each refusal the rows and the data version are what they were."""

from decimal import Decimal

import pytest

from client import counts, refused, six
from rude import MIB, chunked, errors_of, post, soak, stream


@pytest.fixture
def dataset(api):
    d = api.create({"k": "text", "n": "number", "j": "json"}, key="k")
    api.upsert_ok(d, [{"k": "old"}])
    return d


@pytest.fixture(scope="module")
def shared(api):
    """For refusals only: nothing may ever change here."""
    d = api.create({"k": "text", "n": "number", "t": "calendar_date", "p": "point", "j": "json"}, key="k")
    api.upsert_ok(d, [{"k": "old"}])
    return d, api.version(d)


def nothing_changed(api, shared):
    dataset, version = shared
    assert api.version(dataset) == version and api.rows(dataset) == [{"k": "old"}]


POSITIONS = [  # id, body, row, column, words of the message
    ("I1_empty", "", 1, 1, ()), ("I1_blanks", " \n ", 1, 1, ()), ("I2_cut_in_text", '[{"k":"ab', 1, 7, ()),
    ("I3_garbage", '[{"k":"1"}] x', 1, 13, ()), ("I3_two_documents", '[{"k":"1"}]\n[]', 2, 1, ()),
    ("I3_ndjson_without_its_type", '{"k":"1"}\n{"k":"2"}', 2, 1, ("ndjson",)),
    ("I6_nan", '[{"n":NaN}]', 1, 7, ("null",)), ("I6_infinity", '[{"n":Infinity}]', 1, 7, ("null",)), ("I6_minus_infinity", '[{"n":-Infinity}]', 1, 7, ()),
    ("I6_leading_zero", '[{"n":01}]', 1, 7, ("text",)), ("I6_point", '[{"n":.5}]', 1, 7, ()), ("I6_plus", '[{"n":+1}]', 1, 7, ()),
    ("I6_hex", '[{"n":0x1F}]', 1, 7, ()), ("I6_comment", '[/*c*/]', 1, 2, ("comment",)), ("I6_single_quotes", "[{'k':1}]", 1, 3, ("quote",)),
    ("I6_none", '[{"n":None}]', 1, 7, ("null",)), ("I6_true", '[{"n":True}]', 1, 7, ()), ("I6_bare_name", "[{k:1}]", 1, 3, ("quote",)),
    ("I6_last_comma", '[{"k":"1",}]', 1, 11, ("comma",)), ("I6_line_break_in_text", '[{"k":"a\nb"}]', 1, 9, ())]


@pytest.mark.parametrize("text,row,column,says", [x[1:] for x in POSITIONS], ids=[x[0] for x in POSITIONS])
def test_malformed_json_says_where_and_what(api, shared, text, row, column, says):
    body = refused(api.upsert(shared[0], text), 400, "req.body.malformed-json", says=says)
    assert body["data"]["row"] == row and abs(body["data"]["column"] - column) <= 1, body
    nothing_changed(api, shared)


BYTES = [("I9_lone_byte", b'[{"k":"a\xff"}]', 8), ("I9_overlong", b'[{"k":"\xc0\xaf"}]', 7), ("I9_surrogate", b'[{"k":"\xed\xa0\x80"}]', 7),
         ("I9_beyond_unicode", b'[{"k":"\xf4\x90\x80\x80"}]', 7), ("I9_cut_sequence", b'[{"k":"\xe2\x82"}]', 7), ("I9_in_a_name", b'[{"\xff":1}]', 3),
         ("I9_outside_of_text", b'[\xff]', 1), ("I9_two_boms", b'\xef\xbb\xbf\xef\xbb\xbf[]', 3), ("I9_lone_surrogate_escape", b'[{"k":"\\ud800"}]', 7),
         ("I9_lone_low_surrogate", b'[{"k":"\\udc00"}]', 7), ("I9_two_high_surrogates", b'[{"k":"\\ud800\\ud800"}]', 7)]


@pytest.mark.parametrize("raw,byte", [x[1:] for x in BYTES], ids=[x[0] for x in BYTES])
def test_bytes_that_are_no_text_are_named_by_offset(api, shared, raw, byte):
    body = refused(api.upsert(shared[0], raw), 400)
    assert abs(body["data"]["byte"] - byte) <= 3, body
    nothing_changed(api, shared)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"], ids=lambda e: "I9_" + e)
def test_other_unicode_forms_are_refused_undeclared(api, shared, encoding):
    refused(api.upsert(shared[0], '[{"k":"é"}]'.encode(encoding)), 400, says="utf")
    nothing_changed(api, shared)


@pytest.mark.parametrize("levels,status", [(61, 200), (62, 400), (100000, 400)], ids=["I4_depth_64", "I4_depth_65", "I4_depth_100000"])
def test_depth(api, levels, status):
    dataset = api.create({"k": "text", "j": "json"}, key="k")
    reply = api.upsert(dataset, '[{"k":"1","j":{"json":%s%s}}]' % ("[" * levels, "]" * levels))
    assert reply.status_code == status, reply.text
    if status == 200:
        assert api.rows(dataset)[0]["j"]["json"] is not None
    else:
        refused(reply, 400, "req.limit-exceeded", says="64")


@pytest.mark.parametrize("text", ["[" * 64, "[" * 65, '{"a":' * 65, "[" * 100000, '{"a":' * 100000, '[{"k":' * 50000, "]" * 10], ids=lambda t: f"I4_open_{t[:5]}_{len(t)}")
def test_what_is_opened_and_never_closed(api, shared, text):
    refused(api.upsert(shared[0], text), 400)
    nothing_changed(api, shared)


DOUBLES = [("I5_same", '{"k":"1","n":1,"n":2}'), ("I5_same_value", '{"k":"1","n":1,"n":1}'), ("I5_case", '{"k":"1","n":1,"N":1}'), ("I5_blank", '{"k":"1","n":1," n ":1}'),
           ("I5_key", '{"k":"1","k":"1"}'), ("I5_escape", '{"k":"1","n":1,"\\u006e":1}'), ("I5_null", '{"k":"1","n":null,"n":null}'),
           ("I5_deleted", '{"k":"1",":deleted":true,":deleted":false}')]


@pytest.mark.parametrize("row", [x[1] for x in DOUBLES], ids=[x[0] for x in DOUBLES])
def test_a_field_twice_is_refused(api, shared, row):
    refused(api.upsert(shared[0], "[" + row + "]"), 400, "soda.row.duplicate-field")
    nothing_changed(api, shared)


NUMBERS = [("I7_1e400", "1e400", True), ("I7_minus_1e400", "-1e400", True), ("I7_1e-400", "1e-400", True), ("I7_1e999999999", "1e999999999", False),
           ("I7_1e-999999999", "1e-999999999", False), ("I7_1e99999999999999999999", "1e99999999999999999999", False), ("I7_0e999999999", "0e999999999", None),
           ("I8_20_digits", "9" * 20, True), ("I8_40_digits", "1" * 40, True), ("I8_4096_digits", "7" * 4096, True), ("I8_4097_digits", "7" * 4097, False),
           ("I8_4096_places", "0." + "1" * 4094, True), ("I8_5000_places", "0." + "1" * 5000, False)]


@pytest.mark.parametrize("text,good", [x[1:] for x in NUMBERS], ids=[x[0] for x in NUMBERS])
def test_numbers_are_exact_or_refused_in_a_number_column(api, dataset, text, good):
    reply = api.upsert(dataset, '[{"k":"1","n":%s}]' % text)
    if good is None:
        good = reply.status_code == 200
    if not good:
        refused(reply, 400)
        assert api.rows(dataset) == [{"k": "old"}]
        return
    assert reply.status_code == 200, reply.text[:300]
    value = api.rows(dataset, k="1")[0]["n"]
    assert Decimal(value) == Decimal(text) and "inf" not in value.lower() and len(value) <= 5000


@pytest.mark.parametrize("text", ["1e400", "1e999999999", "9" * 40, "-0.0", "1.10"], ids=lambda t: "I7_in_text_" + t[:14])
def test_numbers_in_a_text_column_stay_as_written(api, dataset, text):
    assert six(api.upsert(dataset, '[{"k":%s}]' % text)) == counts(created=1)
    assert api.rows(dataset, k=text) == [{"k": text}]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e309"], ids=lambda t: "I7_in_geometry_" + t)
def test_infinite_ordinates_are_refused(api, shared, number):
    for value in ('{"type":"Point","coordinates":[%s,1]}' % number, '"POINT (%s 1)"' % number):
        refused(api.upsert(shared[0], '[{"k":"1","p":%s}]' % value), 400, "soda.column.maltyped")
    nothing_changed(api, shared)


def test_I10_nul_is_dropped_counted_and_never_makes_two_keys(api, dataset):
    body = api.upsert_ok(dataset, '[{"k":"o\\u0000ld","n":1},{"k":"a\\u0000\\u0000"}]')
    assert six(body) == counts(created=1, updated=1, by_key=1) and body["Warnings"], body
    assert api.rows(dataset) == [{"k": "old", "n": "1"}, {"k": "a"}]


def test_I12_every_unknown_column_is_named_with_the_nearest(api, shared):
    api_reply = api.upsert(shared[0], '[{"k":"1","kk":1},{"zz":2}]')
    body = refused(api_reply, 400, "soda.row.column-not-found", says=["Illegal field name sent: ", "kk", "zz", "k"])
    assert body["code"] == "invalid_request"
    nothing_changed(api, shared)


def names(n, width=0):
    yield b'[{"k":"1"'
    for at in range(0, n, 1000):
        yield b"".join(b',"c%0*d":1' % (width, i) for i in range(at, min(at + 1000, n)))
    yield b"}]"


@pytest.mark.parametrize("n", [2001, 1000000], ids=["I13_2001_names", "I13_million_names"])
def test_too_many_names_in_a_row_are_refused_before_they_cost_anything(server, api, shared, n):
    reply, sent = stream(server, post(shared[0], b"Transfer-Encoding: chunked\r\n"), chunked(names(n)))
    assert reply[0] == 400 and errors_of(reply[2])["errorCode"] in ("req.limit-exceeded", "soda.row.column-not-found"), reply
    nothing_changed(api, shared)


def test_I13_ever_new_names_in_many_rows_are_refused(server, api, shared):
    pieces = (b"".join(b'%s{"k":"1","c%d":1}' % (b"[" if i == 0 else b",", i) for i in range(at, at + 500)) for at in range(0, 200000, 500))
    reply, _ = stream(server, post(shared[0], b"Transfer-Encoding: chunked\r\n"), chunked(pieces))
    assert reply[0] == 400
    errors_of(reply[2])
    nothing_changed(api, shared)


@pytest.mark.parametrize("total", [96 * MIB, pytest.param(1024 * MIB, marks=soak)], ids=["I14_96_MiB", "I14_1_GiB"])
@pytest.mark.parametrize("field", ["k", "j", "unknown"], ids=["key", "json", "name"])
def test_one_huge_string_is_refused_at_the_limit_of_a_row(server, api, shared, total, field):
    """Not read on: little more than the limit and the pipe's own buffers is ever sent."""
    head = {"k": b'[{"k":"', "j": b'[{"k":"1","j":{"json":"', "unknown": b'[{"'}[field]
    pieces = (head if i == 0 else b"x" * MIB for i in range(total // MIB))
    reply, sent = stream(server, post(shared[0], b"Transfer-Encoding: chunked\r\n"), chunked(pieces))
    assert sent < 100 * MIB
    if field == "unknown":
        assert reply[0] == 400 and sent < 40 * MIB
    else:
        assert reply[0] == 413 and errors_of(reply[2])["data"]["limit"] == 70000000, reply
    nothing_changed(api, shared)


@pytest.mark.parametrize("how", ["JSON array of arrays", "many nulls"], ids=["I11_arrays", "I11_nulls"])
def test_many_elements_that_are_no_rows_are_counted_exactly(api, shared, how):
    element = '["a","b"]' if how == "JSON array of arrays" else "null"
    body = refused(api.upsert(shared[0], "[" + ",".join([element] * 1500) + "]"), 400)
    errors = body["data"]["errors"]
    assert len(errors) == 1000 and [e["input_index"] for e in errors[:3]] == [0, 1, 2], errors[:3]
    assert body["data"].get("total_errors") == 1500, {k: v for k, v in body["data"].items() if k != "errors"}
    nothing_changed(api, shared)


@pytest.mark.parametrize("flag", ["null", '"true"', "1", "[]", "[true]", '"TRUE"', "0"], ids=lambda f: "I15_deleted_" + f)
def test_deleted_other_than_true_upserts(api, dataset, flag):
    body = api.upsert_ok(dataset, '[{"k":"old",":deleted":%s}]' % flag)
    assert six(body) == counts(updated=1, by_key=1)
    assert bool(body.get("Warnings")) == (flag != "null"), body
    assert len(api.rows(dataset)) == 1
