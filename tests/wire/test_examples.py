"""The conversations that the public documentation of the Publisher API shows (dev.socrata.com: publishers/upsert, replace,
direct-row-manipulation, and the pages "Getting Started with the Publisher API" and "SODA Producer Basics"), held with the server."""

import pytest

from client import ROW_ID, counts, six

COLUMNS = [{"name": "Earthquake ID", "fieldName": "earthquake_id", "dataTypeName": "text"}, {"name": "Source", "fieldName": "source", "dataTypeName": "text"},
           {"name": "Version", "fieldName": "version", "dataTypeName": "text"}, {"name": "Datetime", "fieldName": "datetime", "dataTypeName": "calendar_date"},
           {"name": "Magnitude", "fieldName": "magnitude", "dataTypeName": "number"}, {"name": "Depth", "fieldName": "depth", "dataTypeName": "number"},
           {"name": "Number of Stations", "fieldName": "number_of_stations", "dataTypeName": "number"},
           {"name": "Region", "fieldName": "region", "dataTypeName": "text"}, {"name": "Location", "fieldName": "location", "dataTypeName": "location"}]


@pytest.fixture
def dataset(api):
    d = api.create(COLUMNS, key="earthquake_id")
    api.upsert_ok(d, [{"earthquake_id": "71842370", "magnitude": 1.0, "region": "Alaska"}, {"earthquake_id": "00388609", "region": "Nevada"}])
    return d


UPSERT = [
    {"earthquake_id": "demo1234", "source": "uw", "version": "1", "datetime": "2014-03-26T22:38:01", "magnitude": 1.2, "depth": 7.9,
     "number_of_stations": 1, "region": "Washington", "location": {"latitude": 47.59815, "longitude": -122.334540}},
    {"earthquake_id": "71842370", "magnitude": 1.4, "location": {"latitude": 61.0, "longitude": -150.0}},
    {"earthquake_id": "00388609", ":deleted": True}]


def test_upsert_creates_updates_and_deletes_in_one_request(api, dataset):
    reply = api.upsert(dataset, UPSERT)
    assert reply.status_code == 200
    assert six(reply) == counts(created=1, updated=1, deleted=1, by_key=2)
    rows = {r["earthquake_id"]: r for r in api.rows(dataset)}
    assert set(rows) == {"demo1234", "71842370"}
    assert rows["71842370"]["region"] == "Alaska" and rows["71842370"]["magnitude"] == "1.4"
    assert rows["demo1234"]["datetime"] == "2014-03-26T22:38:01.000" and rows["demo1234"]["location"]["latitude"] == "47.59815"


def test_the_same_upsert_again_is_a_safe_retry(api, dataset):
    api.upsert(dataset, UPSERT)
    before = api.rows(dataset)
    reply = api.upsert(dataset, UPSERT)
    assert reply.status_code == 200
    assert six(reply) == counts(updated=2, by_key=2, errors=1)
    assert api.rows(dataset) == before


def test_csv_upsert_with_a_deleted_column(api, dataset):
    reply = api.send_csv("POST", dataset,
                         "Source,Earthquake ID,Version,Datetime,Magnitude,Depth,Number of Stations,Region,Location,:deleted\n"
                         'uw,demo1234,1,03/26/2014 10:38:01 PM,1.2,7.9,1,"Washington","(47.59815, -122.334540)",\n'
                         'ak,71842370,2,03/26/2014 10:34:30 PM,1.4,20,10,"Central Alaska","(61.0, -150.0)",false\n'
                         ",00388609,,,,,,,,true\n")
    assert six(reply) == counts(created=1, updated=1, deleted=1, by_key=2)
    rows = {r["earthquake_id"]: r for r in api.rows(dataset)}
    assert rows["demo1234"]["datetime"] == "2014-03-26T22:38:01.000" and rows["71842370"]["region"] == "Central Alaska"
    assert float(rows["demo1234"]["location"]["longitude"]) == -122.33454


def test_replace(api, dataset):
    rows = [{"earthquake_id": "a", "magnitude": 2}, {"earthquake_id": "b", "magnitude": 3}]
    reply = api.replace(dataset, rows)
    assert reply.status_code == 200 and six(reply) == counts(created=2)
    assert [r["earthquake_id"] for r in api.rows(dataset)] == ["a", "b"]
    reply = api.send_csv("PUT", dataset, "Earthquake ID,Magnitude\nc,1\n")
    assert six(reply) == counts(created=1) and [r["earthquake_id"] for r in api.rows(dataset)] == ["c"]


def test_direct_rows_by_system_id(api):
    d = api.create({"name": "text", "value": "number"})
    assert six(api.upsert(d, [{"name": "a", "value": 1}])) == counts(created=1)
    sid = api.full(d)[0][":id"]
    assert ROW_ID.match(sid)
    assert six(api.upsert(d, [{":id": sid, "value": 2}])) == counts(updated=1, by_sid=1)
    assert api.get(f"/resource/{d}/{sid}.json").json()["value"] == "2"
    reply = api.delete(f"/resource/{d}/{sid}.json")
    assert reply.status_code == 200 and reply.json() == [{"typ": "delete", "id": sid}]
    assert api.get(f"/resource/{d}/{sid}.json").status_code == 404


def test_direct_rows_by_row_identifier(api, dataset):
    assert api.get(f"/resource/{dataset}/71842370.json").json()["region"] == "Alaska"
    assert six(api.upsert(dataset, [{"earthquake_id": "71842370", "region": "Yukon"}])) == counts(updated=1, by_key=1)
    assert api.delete(f"/resource/{dataset}/71842370.json").json() == [{"typ": "delete", "id": "71842370"}]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_individual_rows_are_added_updated_and_deleted(api, dataset, method):
    path = f"/resource/{dataset}/71842370.json"
    if method == "DELETE":
        assert api.delete(path).status_code == 200 and api.get(path).status_code == 404
    else:
        assert api.request(method, path, json={"region": "here"}).status_code == 200
        assert api.get(path).json()["region"] == "here"
        assert ("magnitude" in api.get(path).json()) == (method == "POST")
