"""Every column type: what is accepted, what is refused, and how it comes back, byte-exact, as JSON, CSV and GeoJSON
(docs/wire/types.md). Values stand as JSON text, so that number lexemes are what is sent. A value that is a JSON string is
sent as a CSV cell too, and must mean the same there."""

import csv
import io
import itertools
import json

import pytest

from client import counts, refused, six

NULL = "null"      # accepted, comes back as nothing
REFUSED = "refused"

NUMBER = [
    ("1", '"1"'), ("-1", '"-1"'), ("0", '"0"'), ("-0", '"0"'), ("1.50", '"1.50"'), ("90744.00", '"90744.00"'), ("1e5", '"100000"'),
    ("1E21", '"1000000000000000000000"'), ("1.5e1", '"15"'), ('"1e5"', '"100000"'), ('"+5"', '"5"'), ('".5"', '"0.5"'), ('"5."', '"5"'),
    ('"00042"', '"42"'), ('"-0"', '"0"'), ('" 5 "', '"5"'), ('""', NULL), ('" "', NULL), (NULL, NULL),
    ("12345678901234567890", '"12345678901234567890"'), ("0.1234567890123456789012345678901234567890", '"0.1234567890123456789012345678901234567890"'),
    ("1234567890123456789012345678901234567890", '"1234567890123456789012345678901234567890"'),
    ("5.302E-7", '"0.0000005302"'), ("5.302E-21", '"5.302E-21"'), ("1e-20", '"0.00000000000000000001"'), ("1e-21", '"1E-21"'),
    ('"1,000"', REFUSED), ('"$5"', REFUSED), ('"NaN"', REFUSED), ('"Infinity"', REFUSED), ('"0x10"', REFUSED), ('"1_000"', REFUSED),
    ('"1 2"', REFUSED), ('"."', REFUSED), ('"e5"', REFUSED), ('"1e"', REFUSED), ('"--1"', REFUSED), ('"abc"', REFUSED),
    ("true", REFUSED), ("[1]", REFUSED), ('{"a":1}', REFUSED), ('"５"', REFUSED)]

TEXT = [
    ('"x"', '"x"'), ("3.33", '"3.33"'), ("1e5", '"1e5"'), ("-0", '"-0"'), ('" x "', '" x "'), ('"e\\u0301"', '"é"'), ('"\\u0000a"', '"a"'),
    ('"\\ud83d\\ude00"', '"😀"'), ('"<&\\"\\\\/\\n\\t"', '"<&\\"\\\\/\\n\\t"'), ('"true"', '"true"'), (NULL, NULL), ("true", REFUSED), ("{}", REFUSED), ("[]", REFUSED)]

CHECKBOX = [(v, v) for v in ("true", "false")] + [
    (json.dumps(w), out) for out, words in (("true", "true t yes y on 1 TRUE Yes Y T"), ("false", "false f no n off 0 FALSE No")) for w in words.split()
] + [('""', NULL), (NULL, NULL), ("1", REFUSED), ("0", REFUSED), ('"maybe"', REFUSED), ('"2"', REFUSED), ("[]", REFUSED), ("{}", REFUSED), ('" true "', "true")]

BOTH = [  # forms that the two timestamps share: text, floating result; the fixed one is the same with Z
    ("2014-10-13T00:00:00.000", "2014-10-13T00:00:00.000"), ("2014-10-13T05:06:07", "2014-10-13T05:06:07.000"),
    ("2014-10-13", "2014-10-13T00:00:00.000"), ("2014-10", "2014-10-01T00:00:00.000"), ("2014", "2014-01-01T00:00:00.000"),
    ("2014-10-13T05:06", "2014-10-13T05:06:00.000"), ("2014-10-13T05", "2014-10-13T05:00:00.000"),
    ("2014-286", "2014-10-13T00:00:00.000"), ("2014-W42-1", "2014-10-13T00:00:00.000"), ("2014-1-3T5:6:7", "2014-01-03T05:06:07.000"),
    ("2014-10-13T05:06:07,5", "2014-10-13T05:06:07.500"), ("2014-10-13T05:06:07.999999", "2014-10-13T05:06:07.999"),
    ("2014-10-13t05:06:07", "2014-10-13T05:06:07.000"), ("2014-10-13 05:06:07", "2014-10-13T05:06:07.000"),
    ("2014-10-13 05:06", "2014-10-13T05:06:00.000"), ("2014-10-13 05:06:07.25", "2014-10-13T05:06:07.250"),
    ("10/13/2014", "2014-10-13T00:00:00.000"), ("03/26/2014 10:38:01 PM", "2014-03-26T22:38:01.000"),
    ("03/26/2014 10:38:01 AM", "2014-03-26T10:38:01.000"), ("03/26/2014 12:00:00 AM", "2014-03-26T00:00:00.000"),
    ("03/26/2014 12:00:00 PM", "2014-03-26T12:00:00.000"), ("03/26/2014 22:38", "2014-03-26T22:38:00.000"),
    ("03/26/2014 10:38 pm", "2014-03-26T22:38:00.000"), ("3/6/2014", "2014-03-06T00:00:00.000"), (" 2014-10-13 ", "2014-10-13T00:00:00.000"),
    ("0001-01-01", "0001-01-01T00:00:00.000"), ("9999-12-31T23:59:59.999", "9999-12-31T23:59:59.999"), ("2024-02-29", "2024-02-29T00:00:00.000"),
    ("1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999")]
NEITHER = ["20141013", "T05:06:07", "05:06:07", "2014-10-13T24:00:00", "2014-10-13T05:06:60", "2014-13-01", "2014-02-30", "2023-02-29",
           "2014-10-13T05:60", "0000-01-01", "10000-01-01", "-300-01-01", "99999", "13/45/2020", "2014-10-13x", "soon", "25:61",
           "13/13/2014 13:00:00 PM", "2014-366", "2014-W54-1", "1413158400000"]
FLOATING = [(json.dumps(t), json.dumps(out)) for t, out in BOTH] + [(json.dumps(t), REFUSED) for t in NEITHER] + [
    ('"2014-10-13T05:06:07Z"', REFUSED), ('"2014-10-13T05:06:07z"', REFUSED), ('"2014-10-13T05:06:07-0800"', REFUSED),
    ('"2014-10-13T05:06:07+08"', REFUSED), ('"2014-10-13T"', REFUSED), ('""', NULL), (NULL, NULL), ("1413158400", REFUSED), ("true", REFUSED), ("{}", REFUSED)]
FIXED = [(json.dumps(t), json.dumps(out + "Z")) for t, out in BOTH] + [(json.dumps(t), REFUSED) for t in NEITHER] + [
    ('"2014-10-13T05:06:07Z"', '"2014-10-13T05:06:07.000Z"'), ('"2014-10-13T05:06:07z"', '"2014-10-13T05:06:07.000Z"'),
    ('"2020-10-16T10:00:00.000-0800"', '"2020-10-16T18:00:00.000Z"'), ('"2020-10-16T10:00:00-08:00"', '"2020-10-16T18:00:00.000Z"'),
    ('"2020-10-16T10:00:00+08"', '"2020-10-16T02:00:00.000Z"'), ('"2014-10-13T"', '"2014-10-13T00:00:00.000Z"'),
    ('""', NULL), (NULL, NULL), ("1413158400", REFUSED)]

URL = [('{"url":"http://x","description":"d"}', '{"url":"http://x","description":"d"}'), ('{"url":"http://x"}', '{"url":"http://x"}'),
       ('{"description":"d","url":"http://x"}', '{"url":"http://x","description":"d"}'), ('"http://x"', '{"url":"http://x"}'),
       ('{"url":"javascript:alert(1)"}', '{"url":"javascript:alert(1)"}'), ('""', NULL), (NULL, NULL), ("5", REFUSED), ("true", REFUSED),
       ("[]", REFUSED), ('{"url":5}', REFUSED)]

LOCATION = [('{"latitude":"47.6","longitude":"-122.3"}', '{"latitude":"47.6","longitude":"-122.3"}'),
            ('{"latitude":47.59815,"longitude":-122.33454}', '{"latitude":"47.59815","longitude":"-122.33454"}'),
            ('{"latitude":47.5,"longitude":-122.3,"needs_recoding":false}', '{"latitude":"47.5","longitude":"-122.3"}'),
            ('"(47.59815, -122.33454)"', '{"latitude":"47.59815","longitude":"-122.33454"}'), ('""', NULL), (NULL, NULL),
            ("5", REFUSED), ("[]", REFUSED), ('"(47.6"', REFUSED), ('"(a, b)"', REFUSED)]

JSONS = [('{"json":{"a":[1,2.50,null,"x"]}}', '{"json":{"a":[1,2.50,null,"x"]}}'), ('{"json":[]}', '{"json":[]}'), ('{"json":"s"}', '{"json":"s"}'),
         (NULL, NULL), ('{"a":1}', REFUSED), ("[1]", REFUSED), ("5", REFUSED), ("true", REFUSED)]

POINT = [('{"type":"Point","coordinates":[-122.3,47.6]}', '{"type":"Point","coordinates":[-122.3,47.6]}'),
         ('{"type":"Point","coordinates":[1,2]}', '{"type":"Point","coordinates":[1.0,2.0]}'),
         ('"POINT (1 2)"', '{"type":"Point","coordinates":[1.0,2.0]}'), ('"point(1.5 -2)"', '{"type":"Point","coordinates":[1.5,-2.0]}'),
         ('"SRID=4326;POINT (1 2)"', '{"type":"Point","coordinates":[1.0,2.0]}'),
         ('"(41.1085, -117.6135)"', '{"type":"Point","coordinates":[-117.6135,41.1085]}'),
         ('"POINT (200 95)"', '{"type":"Point","coordinates":[200.0,95.0]}'), ('{"type":"Point","coordinates":[1,2,3]}', '{"type":"Point","coordinates":[1.0,2.0]}'),
         ('""', NULL), (NULL, NULL), ('"POINT(1,2)"', REFUSED), ('"POINT (1 2) x"', REFUSED), ('"POINT (1 NaN)"', REFUSED), ('"POINT (1)"', REFUSED),
         ('"LINESTRING (1 2, 3 4)"', REFUSED), ('"SRID=3857;POINT (1 2)"', REFUSED), ("5", REFUSED), ("[1,2]", REFUSED), ("true", REFUSED),
         ('{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{}}', REFUSED), ('{"type":"Point"}', REFUSED),
         ('{"type":"Point","coordinates":[1]}', REFUSED), ('{"type":"Point","coordinates":["1","2"]}', REFUSED), ('"somewhere"', REFUSED)]

GEOMETRIES = {
    "multipoint": [('"MULTIPOINT (1 2, 3 4)"', '{"type":"MultiPoint","coordinates":[[1.0,2.0],[3.0,4.0]]}'),
                   ('"MULTIPOINT ((1 2),(3 4))"', '{"type":"MultiPoint","coordinates":[[1.0,2.0],[3.0,4.0]]}'), ('"POINT (1 2)"', REFUSED)],
    "line": [('"LINESTRING (1 2, 3 4.5)"', '{"type":"LineString","coordinates":[[1.0,2.0],[3.0,4.5]]}'), ('"LINESTRING (1 2)"', REFUSED)],
    "multiline": [('"MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))"',
                   '{"type":"MultiLineString","coordinates":[[[1.0,2.0],[3.0,4.0]],[[5.0,6.0],[7.0,8.0]]]}')],
    "polygon": [('"POLYGON ((0 0, 1 0, 1 1, 0 0))"', '{"type":"Polygon","coordinates":[[[0.0,0.0],[1.0,0.0],[1.0,1.0],[0.0,0.0]]]}'),
                ('"POLYGON ((0 0, 1 0, 1 1))"', REFUSED), ('"POLYGON ((0 0, 1 1, 0 0, 1 1, 0 0))"',
                 '{"type":"Polygon","coordinates":[[[0.0,0.0],[1.0,1.0],[0.0,0.0],[1.0,1.0],[0.0,0.0]]]}')],
    "multipolygon": [('"MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))"',
                      '{"type":"MultiPolygon","coordinates":[[[[0.0,0.0],[1.0,0.0],[1.0,1.0],[0.0,0.0]]]]}'),
                     ('{"type":"GeometryCollection","geometries":[]}', REFUSED), ('{"type":"Point","coordinates":[1,2]}', REFUSED)],
}

TABLES = {"number": NUMBER, "text": TEXT, "checkbox": CHECKBOX, "calendar_date": FLOATING, "date": FIXED, "url": URL, "location": LOCATION,
          "json": JSONS, "point": POINT, **GEOMETRIES}
CASES = [(kind, given, out) for kind, table in TABLES.items() for given, out in table]
STRINGS = [(kind, json.loads(given), out) for kind, given, out in CASES if given.startswith('"') and "\0" not in json.loads(given)]

fresh = itertools.count()
datasets = {}


@pytest.fixture
def column(api):
    """A dataset with a key k and a column v of the kind, made once a kind."""
    def get(kind):
        if kind not in datasets:
            datasets[kind] = api.create({"k": "text", "v": kind}, key="k")
        return datasets[kind]
    return get


def check(api, dataset, key, reply, out):
    if out == REFUSED:
        body = refused(reply, 400, "soda.column.maltyped", says="v")
        assert body["data"]["errors"][0]["field"] == "v"
        assert api.rows(dataset, k=key) == []
    else:
        assert reply.status_code == 200 and six(reply) == counts(created=1), reply.text
        want = "[{}]\n" if out == NULL else '[{"v":%s}]\n' % out
        assert api.get(f"/resource/{dataset}.json", params={"$select": "v", "k": key}).text == want


def short(value):
    return str(value)[:40]


@pytest.mark.parametrize("kind,given,out", CASES, ids=[f"{k} {short(g)}" for k, g, _ in CASES])
def test_json_values(api, column, kind, given, out):
    dataset, key = column(kind), f"json{next(fresh)}"
    check(api, dataset, key, api.upsert(dataset, '[{"k":"%s","v":%s}]' % (key, given)), out)


@pytest.mark.parametrize("kind,cell,out", STRINGS, ids=[f"{k} {short(c)!r}" for k, c, _ in STRINGS])
def test_csv_cells_mean_what_the_same_json_string_means(api, column, kind, cell, out):
    dataset, key = column(kind), f"csv{next(fresh)}"
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([["k", "v"], [key, cell]])
    check(api, dataset, key, api.send_csv("POST", dataset, buffer.getvalue()), NULL if cell == "" else out)


LOCATION_TEXT = '{"latitude":47.6,"longitude":-122.3,"human_address":{"address":"1 Main St","city":"Seattle","state":"WA","zip":"98104"}}'
OUTPUTS = [  # kind, JSON in, CSV cell out, GeoJSON property (None: it is the geometry)
    ("number", "1.50", '"1.50"', '"1.50"'), ("number", "1e21", '"1000000000000000000000"', '"1000000000000000000000"'),
    ("text", '"a\\"b,\\n"', '"a""b,\n"', '"a\\"b,\\n"'), ("text", '""', '""', '""'), ("text", "null", "", "null"),
    ("checkbox", "true", '"true"', "true"), ("checkbox", "false", '"false"', "false"),
    ("calendar_date", '"2014-10-13"', '"2014-10-13T00:00:00.000"', '"2014-10-13T00:00:00.000"'),
    ("date", '"2014-10-13"', '"2014-10-13T00:00:00.000Z"', '"2014-10-13T00:00:00.000Z"'),
    ("url", '{"url":"http://x","description":"d"}', '"d (http://x)"', '{"url":"http://x","description":"d"}'),
    ("location", LOCATION_TEXT, '"1 Main St\nSeattle, WA 98104\n(47.6, -122.3)"', None),
    ("json", '{"json":{"a": 1}}', '"{""a"":1}"', '{"json":{"a":1}}'),
    ("point", '{"type":"Point","coordinates":[-87.6,41.9]}', '"POINT (-87.6 41.9)"', None),
    ("line", '"LINESTRING (1 2, 3 4.5)"', '"LINESTRING (1.0 2.0, 3.0 4.5)"', None),
    ("polygon", '"POLYGON ((0 0, 1 0, 1 1, 0 0))"', '"POLYGON ((0.0 0.0, 1.0 0.0, 1.0 1.0, 0.0 0.0))"', None)]


@pytest.mark.parametrize("kind,given,cell,feature", OUTPUTS, ids=[f"{o[0]} {short(o[1])}" for o in OUTPUTS])
def test_csv_and_geojson_output(api, column, kind, given, cell, feature):
    dataset, key = column(kind), f"out{next(fresh)}"
    assert six(api.upsert(dataset, '[{"k":"%s","v":%s}]' % (key, given))) == counts(created=1)
    assert api.get(f"/resource/{dataset}.csv", params={"$select": "v", "k": key}).text == f'"v"\n{cell}\n'
    body = api.get(f"/resource/{dataset}.geojson", params={"k": key}).json()
    if feature is None:
        if kind != "location":
            assert body["features"][0]["geometry"]["coordinates"]
    else:
        assert body["features"][0]["properties"]["v"] == json.loads(feature)


def test_human_address_is_text_and_an_object_for_version_2(api, column):
    dataset, key = column("location"), f"human{next(fresh)}"
    assert six(api.upsert(dataset, '[{"k":"%s","v":%s}]' % (key, LOCATION_TEXT))) == counts(created=1)
    value = api.rows(dataset, k=key)[0]["v"]
    assert isinstance(value["human_address"], str) and json.loads(value["human_address"])["city"] == "Seattle"
    value = api.rows(dataset, **{"k": key, "$$version": "2.0"})[0]["v"]
    assert value["human_address"]["city"] == "Seattle"


def test_location_text_with_an_address(api, column):
    dataset, key = column("location"), f"address{next(fresh)}"
    reply = api.send_csv("POST", dataset, f'k,v\n{key},"1 Main St, Seattle, WA, 98104, (47.6, -122.3)"\n')
    assert six(reply) == counts(created=1)
    value = api.rows(dataset, k=key)[0]["v"]
    assert value["latitude"] == "47.6" and value["longitude"] == "-122.3" and "Main St" in value["human_address"]


@pytest.mark.parametrize("kind,given", [("point", '"POINT (200 95)"'), ("point", '{"type":"Point","coordinates":[1,2,3]}'),
                                        ("text", '"a\\u0000b"')])
def test_what_is_changed_on_the_way_in_is_warned_about(api, column, kind, given):
    dataset = column(kind)
    reply = api.upsert_ok(dataset, '[{"k":"warn%d","v":%s}]' % (next(fresh), given))
    assert reply["Warnings"], reply


OLD_NAMES = [("money", "number", '"5.50"', '"5.50"'), ("percent", "number", "5", '"5"'), ("stars", "number", "3", '"3"'), ("double", "number", "1.5", '"1.5"'),
             ("email", "text", '"a@b"', '"a@b"'), ("phone", "text", '"555"', '"555"'), ("html", "text", '"<b>"', '"<b>"'), ("flag", "text", '"red"', '"red"'),
             ("drop_down_list", "text", '"x"', '"x"'), ("dataset_link", "url", '"http://x"', '{"url":"http://x"}'),
             ("Text", "text", '"x"', '"x"'), ("Number", "number", "1", '"1"'), ("floating_timestamp", "calendar_date", '"2014-10-13"', '"2014-10-13T00:00:00.000"'),
             ("fixed_timestamp", "date", '"2014-10-13"', '"2014-10-13T00:00:00.000Z"'), ("boolean", "checkbox", "true", "true")]


@pytest.mark.parametrize("given,now,value,out", OLD_NAMES, ids=[o[0] for o in OLD_NAMES])
def test_old_type_names_become_the_new_ones(api, given, now, value, out):
    dataset = api.create({"k": "text", "v": given}, key="k")
    column = [c for c in api.get(f"/api/views/{dataset}.json").json()["columns"] if c["fieldName"] == "v"][0]
    assert column["dataTypeName"] == now, column
    assert six(api.upsert(dataset, '[{"k":"1","v":%s}]' % value)) == counts(created=1)
    assert api.get(f"/resource/{dataset}.json?$select=v").text == '[{"v":%s}]\n' % out


@pytest.mark.parametrize("kind", ["nested_table", "nonsense", ""])
def test_unknown_types_are_refused(api, kind):
    refused(api.post("/api/views.json", json={"name": "x", "columns": [{"name": "V", "fieldName": "v", "dataTypeName": kind}]}), 400)
