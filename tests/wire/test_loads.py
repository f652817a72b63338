"""Two real files (tests/data) as a publisher would load them: 10,000 records as CSV, and GeoJSON features as JSON rows, read back whole; and
what is said when records of such a file do not fit (docs/wire/bodies.md, "CSV")."""

import csv
import io
import json
import os

import pytest

from client import counts, refused, six

DATA = os.path.join(os.path.dirname(__file__), "..", "data")


@pytest.fixture(scope="module")
def birds():
    """The file's bytes and its records."""
    with open(os.path.join(DATA, "faa-birdstrikes.csv"), "rb") as f:
        raw = f.read()
    records = list(csv.reader(io.StringIO(raw.decode(), newline="")))
    assert len(records) == 10001 and {len(r) for r in records} == {14}
    return raw, records


KINDS = {"Flight Date": "calendar_date", "Cost Other": "number", "Cost Repair": "number", "Cost Total $": "number", "Speed IAS in knots": "number"}


def field(name):
    return name.lower().replace(" $", "").replace(" ", "_")


@pytest.fixture
def strikes(api, birds):
    """A dataset for them; nothing identifies a strike."""
    return api.create([{"name": n, "fieldName": field(n), "dataTypeName": KINDS.get(n, "text")} for n in birds[1][0]])


def as_read(names, record):
    """A record as JSON rows show it: no nulls, dates with their time."""
    row = {field(n): cell + "T00:00:00.000" if KINDS.get(n) == "calendar_date" else cell for n, cell in zip(names, record)}
    return {n: v for n, v in row.items() if v not in ("", "T00:00:00.000")}


def everything(api, dataset):
    return api.rows(dataset, **{"$limit": "100000"})


def same_rows(got, want):
    assert len(got) == len(want)
    for at, (a, b) in enumerate(zip(got, want)):
        assert a == b, f"row {at}"


def test_ten_thousand_records_are_read_back_as_they_stand(api, birds, strikes):
    raw, (names, *records) = birds
    reply = api.send_csv("POST", strikes, raw)
    assert six(reply) == counts(created=10000), reply.text
    same_rows(everything(api, strikes), [as_read(names, r) for r in records])
    # what we export loads again, and is the same table
    text = api.get(f"/resource/{strikes}.csv?$limit=100000").content
    assert six(api.send_csv("PUT", strikes, text)) == counts(created=10000)
    same_rows(everything(api, strikes), [as_read(names, r) for r in records])
    assert api.get(f"/resource/{strikes}.csv?$limit=100000").content == text


def test_two_replaces_leave_the_same_rows_and_two_upserts_twice_as_many(api, birds, strikes):
    raw = birds[0]
    for left in (10000, 10000):
        assert six(api.send_csv("PUT", strikes, raw)) == counts(created=10000)
        assert len(everything(api, strikes)) == left
    reply = api.send_csv("POST", strikes, raw)
    assert six(reply) == counts(created=10000) and "no row identifier" in reply.json()["Warnings"][0]
    assert len(everything(api, strikes)) == 20000


def text_of(records, line_end="\r\n"):
    out = io.StringIO()
    csv.writer(out, lineterminator=line_end).writerows(records)
    return out.getvalue()


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("place", [1, 5000, 10000])
@pytest.mark.parametrize("ragged,found", [("short", 13), ("long", 15), ("empty", 0)])
def test_a_ragged_record_refuses_the_file_and_is_named(api, birds, strikes, ragged, found, place, line_end):
    records = [list(r) for r in birds[1]]
    if place > 2:
        records[2][1] = "two" + line_end + "lines"  # lines are no longer records
    if ragged == "short":
        records[place].pop()
    elif ragged == "long":
        records[place].append("more")
    else:
        records[place] = []
    body = text_of(records, line_end)
    if ragged == "empty" and place == 10000:
        body += ",".join(birds[1][1]) + line_end  # empty lines at the end are no records; this one then is not at the end
    refusal = refused(api.send_csv("POST", strikes, body), 400, "req.body.malformed-csv", says=str(place))
    data = refusal["data"]
    assert (data["record"], data["line"]) == (place, place + 1 + (place > 2)), data
    assert (data["expected"], data["found"]) == (14, found), data
    assert everything(api, strikes) == []


def test_every_bad_cell_of_ten_thousand_records_is_named(api, birds, strikes):
    records = [list(r) for r in birds[1]]
    bad = {1: ("Cost Total $", "1,234"), 18: ("Flight Date", "soon"), 5000: ("Speed IAS in knots", "fast"), 10000: ("Cost Other", "$5")}
    for at, (name, cell) in bad.items():
        records[at][records[0].index(name)] = cell
    refusal = refused(api.send_csv("PUT", strikes, text_of(records)), 400, "soda.column.maltyped")
    named = [(e["input_index"], e["line"], e["field"], e["value"]) for e in refusal["data"]["errors"]]
    assert named == [(at - 1, at + 1, field(name), cell) for at, (name, cell) in bad.items()]
    assert refusal["data"]["total_errors"] == 4 and everything(api, strikes) == []


# GeoJSON

QUAKE_KINDS = {"mag": "number", "time": "number", "updated": "number", "tz": "number", "url": "url", "felt": "number", "cdi": "number", "mmi": "number",
               "tsunami": "number", "sig": "number", "nst": "number", "dmin": "number", "rms": "number", "gap": "number", "depth": "number"}


@pytest.fixture(scope="module")
def quakes():
    """The features, with numbers as the text that they are."""
    with open(os.path.join(DATA, "usgs-earthquakes.geojson"), encoding="utf-8") as f:
        return json.load(f, parse_int=Lexeme, parse_float=Lexeme)["features"]


class Lexeme(str):
    pass


def to_json(v):
    """JSON text in which numbers stand as in the file."""
    if isinstance(v, Lexeme):
        return str(v)
    if isinstance(v, dict):
        return "{%s}" % ",".join(f"{json.dumps(n)}:{to_json(x)}" for n, x in v.items())
    return "[%s]" % ",".join(map(to_json, v)) if isinstance(v, list) else json.dumps(v)


def quake_row(feature):
    depth = feature["geometry"]["coordinates"][2]
    return {"quake": feature["id"], **feature["properties"], "depth": depth, "place_on_earth": feature["geometry"]}


def read_back(name, v):
    return {"url": v} if name == "url" else str(v) if isinstance(v, Lexeme) else v


def test_features_loaded_as_rows_come_back_as_the_same_features(api, quakes):
    properties = list(quakes[0]["properties"])
    dataset = api.create({"quake": "text", **{n: QUAKE_KINDS.get(n, "text") for n in properties}, "depth": "number", "place_on_earth": "point"}, key="quake")
    body = "[%s]" % ",\n".join(to_json(quake_row(f)) for f in quakes)
    reply = api.upsert(dataset, body)
    assert six(reply) == counts(created=len(quakes))
    assert any(str(len(quakes)) in w and "third ordinate" in w for w in reply.json()["Warnings"]), reply.text
    assert six(api.upsert(dataset, body)) == counts(updated=len(quakes), by_key=len(quakes))

    read = json.loads(api.get(f"/resource/{dataset}.geojson?$limit=100000").content, parse_int=Lexeme, parse_float=Lexeme)
    assert read["type"] == "FeatureCollection" and len(read["features"]) == len(quakes)
    for feature, said in zip(quakes, read["features"]):
        assert said["type"] == "Feature"
        row = quake_row(feature)
        row.pop("place_on_earth")
        assert said["properties"] == {n.lower(): read_back(n, v) for n, v in row.items()}, feature["id"]
        assert said["geometry"]["type"] == "Point"
        assert [float(x) for x in said["geometry"]["coordinates"]] == [float(x) for x in feature["geometry"]["coordinates"][:2]]
    # the geometry as read is taken again
    again = [{"quake": f["properties"]["quake"], "place_on_earth": f["geometry"]} for f in read["features"]]
    assert six(api.upsert(dataset, to_json(again))) == counts(updated=len(quakes), by_key=len(quakes))
    assert [f["geometry"] for f in json.loads(api.get(f"/resource/{dataset}.geojson?$limit=100000").content, parse_int=Lexeme, parse_float=Lexeme)["features"]] == [
        f["geometry"] for f in read["features"]]


def test_ndjson_of_the_same_features_gives_the_same_table(api, quakes):
    texts = []
    for kind, body in (("application/json", "[%s]" % ",".join(to_json(quake_row(f)) for f in quakes)),
                       ("application/x-ndjson", "\n".join(to_json(quake_row(f)) for f in quakes))):
        dataset = api.create({"quake": "text", **{n: QUAKE_KINDS.get(n, "text") for n in quakes[0]["properties"]}, "depth": "number",
                              "place_on_earth": "point"}, key="quake")
        reply = api.put(f"/resource/{dataset}", data=body.encode(), headers={"Content-Type": kind})
        assert six(reply) == counts(created=len(quakes))
        texts.append(api.get(f"/resource/{dataset}.json?$limit=100000").text)
    assert texts[0] == texts[1]
