"""Datasets, as much as publishing needs: create, columns, publish, permissions, delete (docs/wire/views.md)."""

import pytest

from client import FOUR_BY_FOUR, counts, refused, six


def test_create_answers_a_view_that_every_client_can_read(api):
    reply = api.post("/api/views.json", json={
        "name": "A View", "description": "what it is", "tags": ["one", "two"], "category": "Fun",
        "columns": [{"fieldName": "delta", "name": "Delta", "dataTypeName": "number"}, {"fieldName": "name", "name": "Name", "dataTypeName": "text"}],
        "metadata": {"rowIdentifier": "delta"}})
    assert reply.status_code == 200, reply.text
    view = reply.json()
    assert FOUR_BY_FOUR.match(view["id"]) and view["name"] == "A View" and view["description"] == "what it is"
    assert view["viewType"] == "tabular" and view["publicationStage"] == "unpublished" and isinstance(view["newBackend"], bool)
    for name in ("createdAt", "viewLastModified", "tableId", "oid", "averageRating", "downloadCount", "numberOfComments", "totalTimesRated",
                 "viewCount"):
        assert type(view[name]) is int and view[name] < 2 ** 31, name
    assert isinstance(view["metadata"], dict) and isinstance(view["owner"], dict) and view["owner"]["id"]
    assert isinstance(view["rights"], list) and isinstance(view["flags"], list) and view["query"] == {}
    assert "grants" not in view
    assert None not in view.values()
    positions = []
    for column in view["columns"]:
        assert type(column["id"]) is int and type(column["position"]) is int and column["renderTypeName"]
        assert all(isinstance(v, str) for v in column.get("format", {}).values())
        assert None not in column.values()
        positions.append((column["position"], column["fieldName"], column["dataTypeName"]))
    assert positions == [(1, "delta", "number"), (2, "name", "text")]
    key = view["columns"][0]["id"]
    assert view["rowIdentifierColumnId"] == key and view["metadata"]["rowIdentifier"] in (str(key), "delta")
    for path in ("/api/views/%s", "/api/views/%s.json", "/views/%s"):
        got = api.get(path % view["id"])
        assert got.status_code == 200 and got.json()["id"] == view["id"]


def test_field_names_are_made_from_display_names(api):
    dataset = api.create([{"name": "Number of Stations", "dataTypeName": "number"}, {"name": "Été & more", "dataTypeName": "text"},
                          {"name": "123 go", "dataTypeName": "text"}, {"name": "select", "dataTypeName": "text"}])
    names = [c["fieldName"] for c in api.get(f"/api/views/{dataset}.json").json()["columns"]]
    assert names[0] == "number_of_stations" and len(set(names)) == 4 and all(names)


@pytest.mark.parametrize("view", [{"name": ""}, {"columns": []}, {"name": "x", "columns": "none"}, {"name": "x", "columns": [{"name": "", "dataTypeName": "text"}]},
                                  {"name": "x", "columns": [{"name": "A", "fieldName": "a", "dataTypeName": "text"}] * 2},
                                  {"name": "x", "columns": [{"name": "A", "fieldName": ":a", "dataTypeName": "text"}]},
                                  {"name": "x", "columns": [{"name": "A", "fieldName": "a b", "dataTypeName": "text"}]},
                                  {"name": "x", "metadata": {"rowIdentifier": "nope"}, "columns": [{"name": "A", "dataTypeName": "text"}]},
                                  [], "x", 5, None])
def test_view_documents_that_cannot_be_are_refused(api, view):
    refused(api.post("/api/views.json", json=view) if view is not None else api.post("/api/views.json", data=b"null"), 400)


def test_keys_repeat_in_view_documents_and_the_last_wins(api):
    reply = api.post("/api/views", data=b'{"viewType":"tabular","viewType":"tabular","name":"a","name":"b","rights":[],"flags":[],"newBackend":false,'
                     b'"columns":[{"id":0,"name":"A","fieldName":"a","dataTypeName":"Text","flags":null,"format":null}]}',
                     headers={"Content-Type": "application/json"})
    assert reply.status_code == 200 and reply.json()["name"] == "b", reply.text


def test_columns_are_added(api):
    dataset = api.create({"a": "text"})
    api.upsert_ok(dataset, [{"a": "x"}])
    reply = api.post(f"/api/views/{dataset}/columns", json={"name": "B Two", "fieldName": "b_two", "dataTypeName": "number", "description": "d"})
    assert reply.status_code == 200, reply.text
    column = reply.json()
    assert type(column["id"]) is int and column["fieldName"] == "b_two" and column["dataTypeName"] == "number" and column["name"] == "B Two"
    api.upsert_ok(dataset, [{"a": "y", "b_two": 5}])
    assert api.rows(dataset) == [{"a": "x"}, {"a": "y", "b_two": "5"}]
    assert [c["fieldName"] for c in api.get(f"/api/views/{dataset}.json").json()["columns"]] == ["a", "b_two"]
    assert [c["fieldName"] for c in api.get(f"/api/views/{dataset}/columns").json()] == ["a", "b_two"]
    refused(api.post(f"/api/views/{dataset}/columns", json={"name": "C", "fieldName": "c", "dataTypeName": "nonsense"}), 400, "soda.column.unknown-type")
    refused(api.post(f"/api/views/{dataset}/columns", json={"name": "A", "fieldName": "a", "dataTypeName": "text"}), 409)


def test_the_shape_version_moves_with_the_columns(api):
    dataset = api.create({"a": "text"})
    shape = api.upsert(dataset, [{"a": "x"}]).headers["X-SODA2-Truth-Shape-Version"]
    assert api.upsert(dataset, [{"a": "x"}]).headers["X-SODA2-Truth-Shape-Version"] == shape
    api.post(f"/api/views/{dataset}/columns", json={"name": "B", "fieldName": "b", "dataTypeName": "number"})
    assert api.upsert(dataset, [{"a": "x"}]).headers["X-SODA2-Truth-Shape-Version"] != shape


def test_publishing_keeps_the_id_and_may_be_repeated(api):
    dataset = api.create({"a": "text"}, publish=False)
    assert six(api.upsert(dataset, [{"a": "x"}])) == counts(created=1)
    for body, kind in ((b"", None), (b"viewId=x&async=false", "application/json"), (b"{}", "application/json"), (b"junk", "text/plain")):
        headers = {"Content-Type": kind} if kind else {}
        reply = api.post(f"/api/views/{dataset}/publication", data=body, headers=headers)
        assert reply.status_code == 200, reply.text
        assert reply.json()["id"] == dataset and reply.json()["publicationStage"] == "published"
    assert api.post(f"/views/{dataset}/publication").json()["id"] == dataset
    assert api.rows(dataset) == [{"a": "x"}]


@pytest.mark.parametrize("how", ["query", "soda-java", "body"])
def test_set_permission(api, anonymous, how):
    dataset = api.create({"a": "text"})

    def say(value):
        if how == "query":
            return api.put(f"/api/views/{dataset}.json?method=setPermission&value={value}")
        if how == "soda-java":
            return api.put(f"/api/views/{dataset}?accessType=WEBSITE&method=setPermission&value={value}", data=b"method=setPermission",
                           headers={"Content-Type": "application/json"})
        return api.put(f"/api/views/{dataset}?method=setPermission", json=value)

    refused(anonymous.get(f"/resource/{dataset}.json"), 403, "authentication_required")
    reply = say("public.read")
    assert reply.status_code == 200, reply.text
    assert anonymous.get(f"/resource/{dataset}.json").status_code == 200
    grants = api.get(f"/api/views/{dataset}.json").json()["grants"]
    assert len(grants) == 1 and "public" in grants[0]["flags"]
    assert say("private").status_code == 200
    refused(anonymous.get(f"/resource/{dataset}.json"), 403, "authentication_required")
    assert "grants" not in api.get(f"/api/views/{dataset}.json").json()


def test_the_row_identifier_is_set_and_unset_later(api):
    dataset = api.create({"a": "text", "b": "number"})
    api.upsert_ok(dataset, [{"a": "1", "b": 1}, {"a": "2", "b": 1}])
    columns = {c["fieldName"]: c["id"] for c in api.get(f"/api/views/{dataset}.json").json()["columns"]}
    refused(api.put(f"/api/views/{dataset}", json={"rowIdentifierColumnId": columns["b"]}), 400, "soda.column.not-unique")
    reply = api.put(f"/api/views/{dataset}", json={"rowIdentifierColumnId": columns["a"]})
    assert reply.status_code == 200 and reply.json()["rowIdentifierColumnId"] == columns["a"], reply.text
    assert six(api.upsert(dataset, [{"a": "1", "b": 7}])) == counts(updated=1, by_key=1)
    assert api.put(f"/api/views/{dataset}.json", json={"rowIdentifierColumnId": None}).status_code == 200
    assert six(api.upsert(dataset, [{"a": "1"}])) == counts(created=1)
    refused(api.put(f"/api/views/{dataset}", json={"metadata": {"rowIdentifier": "a"}}), 400, "soda.column.not-unique")
    refused(api.put(f"/api/views/{dataset}", json={"metadata": {"rowIdentifier": "nope"}}), 400)


def test_nulls_in_a_future_row_identifier_are_refused(api):
    dataset = api.create({"a": "text", "b": "text"})
    api.upsert_ok(dataset, [{"b": "x"}])
    refused(api.put(f"/api/views/{dataset}", json={"metadata": {"rowIdentifier": "a"}}), 400, "update.row-identifier.null-values")


def test_metadata_updates_are_partial_and_read_only_keys_are_ignored(api):
    dataset = api.create({"a": "text"}, description="old")
    reply = api.put(f"/api/views/{dataset}.json", json={
        "category": "Fun", "attributionLink": "http://x", "tags": ["t"], "id": "aaaa-aaaa", "rights": ["everything"], "owner": {"id": "zzzz-zzzz"},
        "publicationStage": "unpublished", "createdAt": 1.0, "viewType": "DatasetInfo", "grants": [{"flags": ["public"]}], "licenseId": None})
    assert reply.status_code == 200, reply.text
    view = reply.json()
    assert view["category"] == "Fun" and view["attributionLink"] == "http://x" and view["description"] == "old" and view["tags"] == ["t"]
    assert view["id"] == dataset and view["publicationStage"] == "published" and view["viewType"] == "tabular" and "grants" not in view
    echoed = api.put(f"/views/{dataset}", json=view)
    assert echoed.status_code == 200 and echoed.json()["columns"] == view["columns"]


def test_custom_metadata_survives(api):
    fields = {"Dataset Information": {"Agency": "USGS", "Frequency": "weekly"}}
    dataset = api.create({"a": "text"})
    reply = api.put(f"/api/views/{dataset}.json", json={"metadata": {"custom_fields": fields}})
    assert reply.status_code == 200
    assert api.get(f"/api/views/{dataset}.json").json()["metadata"]["custom_fields"] == fields


@pytest.mark.parametrize("path", ["/api/views/%s", "/api/views/%s.json", "/views/%s"])
def test_a_deleted_dataset_is_not_found(api, path):
    dataset = api.create({"a": "text"})
    api.upsert_ok(dataset, [{"a": "x"}])
    reply = api.delete(path % dataset)
    assert reply.status_code == 200 and reply.headers["Content-Type"]
    for url in (f"/resource/{dataset}.json", f"/api/views/{dataset}.json"):
        refused(api.get(url), 404, "soda.dataset.not-found", "dataset.missing")
    refused(api.upsert(dataset, [{"a": "x"}]), 404, "soda.dataset.not-found")


def test_views_are_listed(api):
    dataset = api.create({"a": "text"}, public=True)
    for path in ("/views?page=1", "/api/views.json"):
        page = api.get(path)
        assert page.status_code == 200 and any(v["id"] == dataset for v in page.json()), path
    assert isinstance(api.get("/views?page=1000").json(), list)


def test_no_geocoding_is_pending(api):
    dataset = api.create({"a": "text"})
    assert api.get(f"/api/geocoding/{dataset}?method=pending").json() == {"total": 0, "view": 0}


def test_the_number_of_columns_has_a_limit(api):
    def create(n):
        return api.post("/api/views.json", json={"name": "wide", "columns": [{"name": f"C {i}", "fieldName": f"c{i}", "dataTypeName": "text"} for i in range(n)]})
    reply = create(1500)
    assert reply.status_code == 200, reply.text[:300]
    dataset = reply.json()["id"]
    assert six(api.upsert(dataset, [{f"c{i}": str(i) for i in range(1500)}])) == counts(created=1)
    assert len(api.rows(dataset)[0]) == 1500
    refused(create(1501), 400, says="1,500")


@pytest.mark.parametrize("name", ['"; DROP TABLE rows; --', "😀", "\u202eright to left", "select", "__proto__", "x" * 1000])
def test_any_name_becomes_a_safe_column(api, name):
    reply = api.post("/api/views.json", json={"name": name[:100], "columns": [{"name": name, "dataTypeName": "text"}]})
    if reply.status_code == 400:
        refused(reply, 400)
        return
    dataset = reply.json()["id"]
    field = reply.json()["columns"][0]["fieldName"]
    api.upsert_ok(dataset, [{field: "x"}])
    assert api.rows(dataset) == [{field: "x"}]


def identifier(api, dataset, column):
    return api.put(f"/api/views/{dataset}", json={"metadata": {"rowIdentifier": column}})


def test_long_texts_of_rows_that_are_there_cannot_become_row_identifiers(api):
    """1,024 bytes do, one more does not; a url counts by its address; the rows are named."""
    dataset = api.create({"t": "text", "u": "url"})
    address = "https://example.org/" + "p" * 1004
    api.upsert_ok(dataset, [{"t": "\u00e9" * 512, "u": {"url": address, "description": "d" * 2000}}, {"t": "x", "u": address + "q"}])
    ids = [r[":id"] for r in api.rows(dataset, **{"$select": ":id"})]
    error = refused(identifier(api, dataset, "u"), 400, "update.row-identifier.too-long", says=ids[1])
    assert ids[0] not in error["message"] and error["data"]["column"] == "u"
    assert identifier(api, dataset, "t").status_code == 200
    assert identifier(api, dataset, "").status_code == 200
    api.upsert_ok(dataset, [{"t": "\u00e9" * 512 + "x", "u": "https://example.org/2"}])
    third = api.rows(dataset, **{"$select": ":id"})[2][":id"]
    refused(identifier(api, dataset, "t"), 400, "update.row-identifier.too-long", says=third)
    api.upsert_ok(dataset, [{":id": ids[1], "u": address}, {":id": third, ":deleted": True}])
    refused(identifier(api, dataset, "u"), 400, "soda.column.not-unique", says=address[:180])
    api.upsert_ok(dataset, [{":id": ids[1], "u": "https://example.org/1"}])
    assert identifier(api, dataset, "u").status_code == 200
    assert api.upsert(dataset, [{"u": {"url": address, "description": "e" * 2000}}]).json()["Rows Updated"] == 1
    refused(api.upsert(dataset, [{"u": address + "q"}]), 400, "soda.column.maltyped", says="at most 1024 bytes")


def test_all_that_keeps_a_column_from_being_the_row_identifier_is_named(api):
    dataset = api.create({"n": "number", "d": "calendar_date", "t": "text"})
    api.upsert_ok(dataset, [{"n": "1.0", "d": "2024-01-01"}, {"n": "1", "d": "2024-01-01", "t": "x"}, {"n": 2, "d": "2024-01-02"}, {"n": 2, "d": "2024-01-03"}])
    ids = [r[":id"] for r in api.rows(dataset, **{"$select": ":id"})]
    message = refused(identifier(api, dataset, "n"), 400, "soda.column.not-unique")["message"]
    assert all(i in message for i in ids) and '"2" in rows' in message, message
    assert "2024-01-01T00:00:00" in refused(identifier(api, dataset, "d"), 400, "soda.column.not-unique")["message"]
    message = refused(identifier(api, dataset, "t"), 400, "update.row-identifier.null-values")["message"]
    assert ids[0] in message and ids[3] in message
    api.upsert_ok(dataset, [{":id": i, "t": i} for i in ids[1:]])
    assert f"no value in row {ids[0]}:" in refused(identifier(api, dataset, "t"), 400, "update.row-identifier.null-values")["message"]
