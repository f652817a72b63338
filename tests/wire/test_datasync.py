"""DataSync's HTTP job, replayed (docs/wire/clients.md): $$version=2.0, keys that are the file's header texts, every cell a JSON
string, empty cells as "" or left out, the last chunk [], a delete job by the row identifier that the view names."""

import csv
import json
import os

import pytest

from client import refused

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "demo")


@pytest.fixture
def dataset(api):
    return api.create([{"name": "ID", "fieldName": "id", "dataTypeName": "number"}, {"name": "Another Name", "fieldName": "another_name", "dataTypeName": "text"},
                       {"name": "Date", "fieldName": "date", "dataTypeName": "calendar_date"}, {"name": "On", "fieldName": "on", "dataTypeName": "checkbox"},
                       {"name": "Where", "fieldName": "where_it_is", "dataTypeName": "point"}], key="id")


def send(api, method, dataset, rows):
    return api.request(method, f"/resource/{dataset}?$$version=2.0", data=iter([json.dumps(rows).encode()]),
                       headers={"Content-Type": "application/json", "Accept": "application/json", "X-Socrata-RequestId": "datasync"})


def publish(api, method, dataset, header, records, per_chunk):
    """The job's loop: chunks of rows, and a last chunk that may be empty."""
    totals = [0, 0, 0, 0]
    for start in range(0, len(records) + 1, per_chunk):
        rows = [dict(zip(header, r)) for r in records[start:start + per_chunk]]
        reply = send(api, method, dataset, rows)
        assert reply.status_code == 200, reply.text
        assert int(reply.headers["X-SODA2-Truth-Shape-Version"]) >= 0
        body = reply.json()
        for i, name in enumerate(("rows_created", "rows_updated", "rows_deleted")):
            totals[i] += body[name]
        totals[3] += len(body["errors"])
    return totals


def test_an_upsert_job_in_chunks_with_an_empty_last_one(api, dataset):
    header = ["ID", "Another Name", "Date", "On", "Where"]
    records = [[str(i), f"name {i}", "04/30/2011", "true" if i % 2 else "false", f"({i}.5, -{i}.25)"] for i in range(20)]
    assert publish(api, "POST", dataset, header, records, 5) == [20, 0, 0, 0]
    assert publish(api, "POST", dataset, header, records, 20) == [0, 20, 0, 0]
    assert api.rows(dataset, id="3") == [{"id": "3", "another_name": "name 3", "date": "2011-04-30T00:00:00.000", "on": True,
                                          "where_it_is": {"type": "Point", "coordinates": [-3.25, 3.5]}}]


def test_empty_cells_clear_and_left_out_cells_stay(api, dataset):
    publish(api, "POST", dataset, ["ID", "Another Name", "Date"], [["1", "x", "04/30/2011"]], 10)
    publish(api, "POST", dataset, ["ID", "Date"], [["1", ""]], 10)
    assert api.rows(dataset) == [{"id": "1", "another_name": "x"}]


def test_a_replace_job_in_one_request(api, dataset):
    publish(api, "POST", dataset, ["ID"], [["1"], ["2"]], 10)
    body = send(api, "PUT", dataset, [{"ID": "7", "Another Name": "seven"}]).json()
    assert (body["rows_created"], body["rows_updated"], body["rows_deleted"], body["errors"]) == (1, 0, 0, [])
    assert api.rows(dataset) == [{"id": "7", "another_name": "seven"}]


def test_a_delete_job(api, dataset):
    publish(api, "POST", dataset, ["ID"], [["1"], ["2"], ["3"]], 10)
    view = api.get(f"/api/views/{dataset}?$$version=2.0").json()
    field = {c["id"]: c["fieldName"] for c in view["columns"]}[view["rowIdentifierColumnId"]]
    body = send(api, "POST", dataset, [{field: "1", ":deleted": True}, {field: "99", ":deleted": True}]).json()
    assert body["rows_deleted"] == 1
    error, = body["errors"]
    assert "no record is found" in error["error"] and error["input_index"] == 1
    assert [r["id"] for r in api.rows(dataset)] == ["2", "3"]


def test_a_logging_dataset_takes_its_one_row(api):
    names = ["Date", "DatasetID", "FileToPublish", "PublishMethod", "JobFile", "RowsUpdated", "RowsCreated", "RowsDeleted", "Errors", "Success", "DataSyncVersion"]
    log = api.create([{"name": n, "dataTypeName": "text"} for n in names])
    row = {n: "x" for n in names if n != "Success"}
    assert send(api, "POST", log, [row]).json()["rows_created"] == 1


def test_a_bad_date_is_named(api, dataset):
    body = refused(send(api, "POST", dataset, [{"ID": "1", "Date": "invalid_date"}]), 400, says=["date", "invalid_date"])
    assert body["data"]["errors"][0]["input_index"] == 0


def test_a_bad_value_in_the_row_identifier_names_the_value(api, dataset):
    refused(send(api, "POST", dataset, [{"ID": "X1", "Another Name": "x"}]), 400, says=["id", "X1"])


def test_an_unknown_dataset_says_not_found(api):
    assert "Not found" in refused(send(api, "POST", "zzzz-9999", [{"ID": "1"}]), 404)["message"]


@pytest.fixture(scope="module")
def earthquakes(api):
    with open(os.path.join(DEMO, "earthquakes.json")) as f:
        view = json.load(f)
    view.pop("resourceName")
    reply = api.post("/api/views.json", json=view)
    assert reply.status_code == 200, reply.text
    return reply.json()["id"]


@pytest.fixture(scope="module")
def file():
    with open(os.path.join(DEMO, "usgs-earthquakes.csv"), newline="") as f:
        text = f.read()
    records = list(csv.reader(text.splitlines()))
    return text, records[0], records[1:]


@pytest.mark.parametrize("how", ["csv upsert", "csv replace", "datasync upsert", "datasync replace"])
def test_the_usgs_file_is_published_by_its_display_name_headers(api, earthquakes, file, how):
    text, header, records = file
    assert len(records) == 1707
    api.delete(f"/resource/{earthquakes}")
    method = "PUT" if "replace" in how else "POST"
    if how.startswith("csv"):
        reply = api.send_csv(method, earthquakes, text)
        assert reply.status_code == 200, reply.text[:500]
        assert reply.json()["Rows Created"] == 1707 and reply.json()["Errors"] == 0
    else:
        per_chunk = 400 if method == "POST" else 10000
        assert publish(api, method, earthquakes, header, records, per_chunk)[0::3] == [1707, 0]
    rows = api.rows(earthquakes, **{"$limit": "5000"})
    assert len(rows) == 1707
    first = dict(zip(header, records[0]))
    assert rows[0] == {
        "earthquake_id": first["Earthquake ID"], "source": "ci", "version": "1", "datetime": "2018-02-07T01:26:13.000", "magnitude": "2",
        "magnitude_type": "ml", "depth": "26.49", "number_of_stations": "7", "region": "4km W of Castaic, CA", "status": "automatic",
        "location": {"type": "Point", "coordinates": [-118.6671667, 34.4945]}, "event_page": {"url": first["Event Page"]}}
    assert [r["earthquake_id"] for r in rows] == [r[0] for r in records]
    for row, record in zip(rows, records):
        given = dict(zip(header, record))
        assert row.get("magnitude", "") == given["Magnitude"] and row.get("region", "") == given["Region"]
