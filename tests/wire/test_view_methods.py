"""The lesser-used ways to read and change views: methods, validation, column edits, licences, users and passwords (docs/wire/views.md)."""

import os
import subprocess

import pytest

from client import Server, refused


def test_a_validation_shows_the_result_and_keeps_nothing(api):
    dataset = api.create({"a": "text"}, description="old")
    for path in (f"/api/views/{dataset}.json?validateOnly=true", f"/api/views/{dataset}?method=validate"):
        reply = api.put(path, json={"description": "new", "name": "Other"})
        assert reply.status_code == 200 and reply.json()["description"] == "new" and reply.json()["name"] == "Other"
    assert api.get(f"/api/views/{dataset}").json()["description"] == "old"
    refused(api.put(f"/api/views/{dataset}?validateOnly=true", json={"name": ""}), 400)
    refused(api.put(f"/api/views/{dataset}?validateOnly=perhaps", json={}), 400, "req.bad-parameter")


def test_a_resource_name_is_an_address(api):
    dataset = api.create({"a": "text"})
    api.upsert_ok(dataset, [{"a": "x"}])
    name = "name_" + dataset.replace("-", "_")
    reply = api.put(f"/views/{dataset}", json={"resourceName": name.upper()})
    assert reply.status_code == 200 and reply.json()["resourceName"] == name, reply.text
    assert api.get(f"/resource/{name}.json").json() == [{"a": "x"}]
    assert api.get(f"/api/views.json?method=getByResourceName&name={name}").json()["id"] == dataset
    other = api.create({"a": "text"})
    refused(api.put(f"/api/views/{other}", json={"resourceName": name}), 400, says="in use")
    refused(api.put(f"/api/views/{other}", json={"resourceName": "abcd-efgh"}), 400, says="form of a dataset id")
    assert "resourceName" not in api.put(f"/api/views/{dataset}", json={"resourceName": None}).json()
    refused(api.get(f"/resource/{name}.json"), 404, "soda.dataset.not-found")


def test_columns_are_edited_through_the_view(api):
    dataset = api.create({"a": "text", "b": "number"}, key="a")
    view = api.get(f"/api/views/{dataset}").json()
    first = view["columns"][0]
    reply = api.put(f"/api/views/{dataset}", json={"columns": [{"id": first["id"], "name": "Alpha", "description": "d", "width": 120,
                                                               "format": {"align": "right", "precision": 2}, "fieldName": "zzz"}]})
    assert reply.status_code == 200, reply.text
    columns = reply.json()["columns"]
    assert len(columns) == 2 and columns[0]["name"] == "Alpha" and columns[0]["description"] == "d" and columns[0]["width"] == 120
    assert columns[0]["format"] == {"align": "right", "precision": "2"} and columns[0]["fieldName"] == "a"
    assert reply.json()["rowIdentifierColumnId"] == first["id"]
    back = api.put(f"/api/views/{dataset}", json=reply.json())
    assert back.status_code == 200 and back.json()["columns"] == columns


def test_several_columns_are_added_at_once(api):
    dataset = api.create({"a": "text"})
    reply = api.post(f"/api/views/{dataset}/columns?method=multiCreate", json={"columns": [{"name": "B", "dataTypeName": "text"}, {"name": "B", "dataTypeName": "number"}]})
    assert reply.status_code == 200 and [c["fieldName"] for c in reply.json()] == ["b", "b_1"], reply.text
    body = refused(api.post(f"/api/views/{dataset}/columns?method=multiCreate", json=[{"name": "C", "dataTypeName": "text"}, {"name": "D", "dataTypeName": "no"}]), 400)
    assert body["data"]["columnsAdded"] == 1
    assert [c["fieldName"] for c in api.get(f"/views/{dataset}/columns").json()] == ["a", "b", "b_1", "c"]


def test_views_are_looked_up_by_ids(api, anonymous):
    public, private = api.create({"a": "text"}, public=True), api.create({"a": "text"})
    path = f"/api/views?method=getByIds&ids={public}&ids={private}&ids=zzzz-9999"
    assert {v["id"] for v in api.get(path).json()} == {public, private}
    assert [v["id"] for v in anonymous.get(path).json()] == [public]
    refused(anonymous.get(f"/api/views?method=getDefaultView&id={private}"), 403, "authentication_required")
    assert anonymous.get(f"/api/views?method=getDefaultView&id={public}").json()["rights"] == ["read"]
    assert private not in {v["id"] for v in anonymous.get("/views?limit=1000").json()}
    for bad in ("page=0", "page=x", "limit=1001"):
        refused(api.get("/api/views?" + bad), 400, "req.bad-parameter")


@pytest.mark.parametrize("method,path", [("POST", "/api/views?method=findTables"), ("GET", "/api/views?method=getRealTableName"), ("PUT", "/api/views/{d}?method=nonsense")])
def test_unknown_methods_change_nothing(api, method, path):
    dataset = api.create({"a": "text"})
    refused(api.request(method, path.format(d=dataset), json={"name": "changed"}), 404)
    assert api.get(f"/api/views/{dataset}").json()["name"] != "changed"


def test_permissions_that_do_not_exist_are_refused(api):
    dataset = api.create({"a": "text"})
    refused(api.put(f"/api/views/{dataset}?method=setPermission&value=everything"), 400, says="public.read")
    refused(api.put(f"/api/views/{dataset}?method=setPermission", data=b"method=setPermission"), 400, says="value=")
    refused(api.post(f"/api/views/{dataset}/publication?method=copy", data=b"method=copy"), 400, says="working copies")


def test_a_licence_is_known_by_id_or_name(api):
    dataset = api.create({"a": "text"})
    view = api.put(f"/api/views/{dataset}", json={"licenseId": "CC0_10"}).json()
    assert view["licenseId"] == "CC0_10" and view["license"]["name"] and set(view["license"]) <= {"name", "termsLink", "logoUrl"}
    view = api.put(f"/api/views/{dataset}", json={"license": {"name": "Public Domain"}}).json()
    assert view["licenseId"] == "PUBLIC_DOMAIN"
    view = api.put(f"/api/views/{dataset}", json={"license": {"name": "Mine", "termsLink": "https://x"}}).json()
    assert "licenseId" not in view and view["license"] == {"name": "Mine", "termsLink": "https://x"}
    view = api.put(f"/api/views/{dataset}", json={"licenseId": ""}).json()
    assert "licenseId" not in view and "license" not in view


def test_the_version_names_the_region(api):
    reply = api.get("/api/version.json")
    assert reply.status_code == 200 and reply.headers["X-Socrata-Region"] and reply.json()["version"]


def test_a_copied_document_keeps_its_row_identifier(api):
    dataset = api.create({"a": "text", "b": "number"}, key="b")
    view = api.get(f"/api/views/{dataset}").json()
    reply = api.post("/api/views", json=view)
    assert reply.status_code == 200, reply.text
    copy = reply.json()
    assert copy["id"] != dataset and copy["publicationStage"] == "unpublished"
    key = next(c for c in copy["columns"] if c["id"] == copy["rowIdentifierColumnId"])
    assert key["fieldName"] == "b" and key["id"] != view["rowIdentifierColumnId"]


# Users


def user_command(server, what, name, password):
    done = subprocess.run([server.binary, "user", what, name, "--data", server.data], input=password + "\n", capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def publisher(server):
    user_command(server, "add", "Päula@example.org", "paula's password")
    return server.api(("päula@example.org".encode(), "paula's password"))


def test_a_publisher_owns_what_they_make_and_nothing_else(api, publisher):
    me = publisher.get("/api/users/current.json").json()
    assert me["roleName"] == "publisher" and me["displayName"] == "Päula" and me["login"] == "Päula@example.org"
    mine, theirs = publisher.create({"a": "text"}), api.create({"a": "text"})
    assert publisher.get(f"/api/views/{mine}").json()["owner"]["id"] == me["id"]
    publisher.upsert_ok(mine, [{"a": "x"}])
    for method, path in (("GET", "/resource/{d}.json"), ("GET", "/api/views/{d}"), ("POST", "/resource/{d}.json"), ("PUT", "/api/views/{d}"),
                         ("DELETE", "/api/views/{d}"), ("DELETE", "/resource/{d}"), ("POST", "/api/views/{d}/publication")):
        refused(publisher.request(method, path.format(d=theirs), json=[] if method == "POST" else {}), 403, "permission_denied")
    api.upsert_ok(mine, [{"a": "y"}])
    assert publisher.rows(mine) == [{"a": "x"}, {"a": "y"}]


def test_a_password_set_on_the_command_line_counts_at_once(tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        old, new = server.api(), server.api(("admin", "another password"))
        assert old.get("/api/users/current").status_code == 200
        user_command(server, "passwd", "admin", "another password")
        refused(old.get("/api/users/current"), 401)
        assert new.get("/api/users/current").status_code == 200
        assert os.stat(os.path.join(server.data, "catalog.db")).st_mode & 0o077 == 0
    finally:
        assert server.stop() == 0
    server.check_clean()
