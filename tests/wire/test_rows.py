"""One row: /resource/{4x4}/{row} (docs/wire/rows.md)."""

import pytest

from client import ROW_ID, counts, refused, six


@pytest.fixture
def keyed(api):
    d = api.create({"k": "text", "a": "text", "n": "number"}, key="k")
    api.upsert_ok(d, [{"k": "1", "a": "x", "n": 1}, {"k": "2", "a": "y"}])
    return d


@pytest.fixture
def plain(api):
    d = api.create({"a": "text", "n": "number"})
    api.upsert_ok(d, [{"a": "x", "n": 1}, {"a": "y"}])
    return d


def user(row):
    return {k: v for k, v in row.items() if not k.startswith(":")}


@pytest.mark.parametrize("extension", ["", ".json"])
@pytest.mark.parametrize("base", ["/resource", "/id", "/api/id"])
def test_get_by_row_identifier_and_by_id(api, keyed, base, extension):
    reply = api.get(f"{base}/{keyed}/1{extension}")
    assert reply.status_code == 200 and user(reply.json()) == {"k": "1", "a": "x", "n": "1"}, reply.text
    sid = api.full(keyed)[0][":id"]
    assert ROW_ID.match(sid)
    reply = api.get(f"{base}/{keyed}/{sid}{extension}")
    assert reply.status_code == 200 and user(reply.json()) == {"k": "1", "a": "x", "n": "1"}, reply.text


def test_get_geojson_is_one_feature(api, keyed):
    body = api.get(f"/resource/{keyed}/1.geojson").json()
    assert body["type"] == "Feature" and body["geometry"] is None and body["properties"]["a"] == "x"


@pytest.mark.parametrize("row", ["none", "row-2222~2222~2222", "row-bogus", "%20", "1.jsonx"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_missing_or_unreadable_id_is_404(api, keyed, row, method):
    refused(api.request(method, f"/resource/{keyed}/{row}.json"), 404, "soda.row.not-found")


def test_conditional_get_of_a_row(api, keyed):
    first = api.get(f"/resource/{keyed}/1.json")
    tag = first.headers["ETag"]
    again = api.get(f"/resource/{keyed}/1.json", headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.text == ""
    refused(api.get(f"/resource/{keyed}/1.json", headers={"If-Match": '"nope"'}), 412)
    api.upsert_ok(keyed, [{"k": "1", "a": "changed"}])
    assert api.get(f"/resource/{keyed}/1.json", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("extension", ["", ".json"])
def test_post_merges_and_answers_the_stored_row(api, keyed, extension):
    reply = api.post(f"/resource/{keyed}/1{extension}", json={"n": None, "a": "z"})
    assert reply.status_code == 200, reply.text
    assert user(reply.json()) == {"k": "1", "a": "z"} and ROW_ID.match(reply.json()[":id"])
    assert api.rows(keyed)[0] == {"k": "1", "a": "z"}


def test_post_creates_by_row_identifier(api, keyed):
    reply = api.post(f"/resource/{keyed}/new.json", json={"a": "z"})
    assert reply.status_code == 200 and user(reply.json()) == {"k": "new", "a": "z"}, reply.text


def test_post_by_an_id_that_is_not_there_is_404(api, plain):
    api.upsert_ok(plain, [{"a": "gone"}])
    gone = api.full(plain)[-1][":id"]
    api.upsert_ok(plain, [[gone]])
    refused(api.post(f"/resource/{plain}/{gone}.json", json={"a": "z"}), 404, "soda.row.not-found")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_body_may_repeat_the_key_but_not_contradict_it(api, keyed, method):
    assert api.request(method, f"/resource/{keyed}/1.json", json={"k": "1", "a": "z"}).status_code == 200
    refused(api.request(method, f"/resource/{keyed}/1.json", json={"k": "2", "a": "lost"}), 400)
    assert [r["a"] for r in api.rows(keyed)] == ["z", "y"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("body", ["[]", '[{"a":"z"}]', '"x"', "1", "null"])
def test_the_body_must_be_one_object(api, keyed, method, body):
    refused(api.send_json(method, keyed, body, path="/1.json"), 400, "req.content.json.not-object")


@pytest.mark.parametrize("extension", ["", ".json"])
def test_put_clears_what_is_not_given_and_keeps_id_and_creation(api, keyed, extension):
    before = api.full(keyed)[0]
    reply = api.put(f"/resource/{keyed}/1{extension}", json={"a": "only"})
    assert reply.status_code == 200 and user(reply.json()) == {"k": "1", "a": "only"}, reply.text
    after = api.full(keyed)[0]
    assert after[":id"] == before[":id"] and after[":created_at"] == before[":created_at"]
    assert after[":updated_at"] > before[":updated_at"] and "n" not in after


def test_put_creates_by_row_identifier(api, keyed):
    assert user(api.put(f"/resource/{keyed}/new", json={"n": 7}).json()) == {"k": "new", "n": "7"}


def test_post_and_put_by_id(api, plain):
    sid = api.full(plain)[0][":id"]
    assert user(api.post(f"/resource/{plain}/{sid}.json", json={"a": "z"}).json()) == {"a": "z", "n": "1"}
    assert user(api.put(f"/resource/{plain}/{sid}.json", json={"a": "p"}).json()) == {"a": "p"}


def test_delete_json_answers_the_documented_array(api, plain):
    sid = api.full(plain)[0][":id"]
    reply = api.delete(f"/resource/{plain}/{sid}.json")
    assert reply.status_code == 200 and reply.json() == [{"typ": "delete", "id": sid}]
    assert [r["a"] for r in api.rows(plain)] == ["y"]


def test_delete_without_extension_answers_an_object_of_counts(api, keyed):
    reply = api.delete(f"/resource/{keyed}/1")
    assert reply.status_code == 200 and six(reply)["Rows Deleted"] == 1, reply.text
    refused(api.delete(f"/resource/{keyed}/1"), 404, "soda.row.not-found")


def test_the_literal_text_is_tried_before_the_extension_is_taken_off(api, keyed):
    api.upsert_ok(keyed, [{"k": "a.json", "a": "literal"}, {"k": "a", "a": "stripped"}])
    assert api.get(f"/resource/{keyed}/a.json").json()["a"] == "literal"
    api.upsert_ok(keyed, [["a.json"]])
    assert api.get(f"/resource/{keyed}/a.json").json()["a"] == "stripped"


def test_a_row_identifier_that_looks_like_an_id_wins(api, keyed):
    sid = api.full(keyed)[0][":id"]
    api.upsert_ok(keyed, [{"k": sid, "a": "by key"}])
    assert api.get(f"/resource/{keyed}/{sid}.json").json()["a"] == "by key"


@pytest.mark.parametrize("kind,value,url", [
    ("text", '"a b/c?d%é"', "a%20b%2Fc%3Fd%25%C3%A9"), ("number", "1.50", "1.5"), ("number", "-3", "-3"),
    ("checkbox", "true", "true"), ("calendar_date", '"2020-10-16T05:06:07"', "2020-10-16T05:06:07.000"),
    ("date", '"2020-10-16T05:06:07Z"', "2020-10-16T05:06:07.000Z")])
def test_row_identifiers_of_every_type_in_the_url(api, kind, value, url):
    dataset = api.create({"k": kind, "a": "text"}, key="k")
    api.upsert_ok(dataset, f'[{{"k":{value},"a":"x"}}]')
    for extension in ("", ".json"):
        assert api.get(f"/resource/{dataset}/{url}{extension}").json()["a"] == "x"
    assert api.delete(f"/resource/{dataset}/{url}.json").status_code == 200
    assert api.rows(dataset) == []


def test_a_number_key_comes_back_in_the_delete_reply(api):
    dataset = api.create({"k": "number"}, key="k")
    api.upsert_ok(dataset, [{"k": 7}])
    reply = api.delete(f"/resource/{dataset}/7.json").json()
    assert reply[0]["typ"] == "delete" and str(reply[0]["id"]) == "7"


def test_delete_of_the_dataset_url_truncates(api, keyed):
    for path in (f"/resource/{keyed}", f"/resource/{keyed}.json"):
        api.upsert_ok(keyed, [{"k": "1"}])
        reply = api.delete(path)
        assert reply.status_code == 200 and set(counts()) <= set(reply.json()), reply.text
        assert api.rows(keyed) == []
    assert api.get(f"/api/views/{keyed}.json").status_code == 200


def test_an_object_that_deletes_what_is_not_there_gets_the_counts(api):
    dataset = api.create({"k": "text", "t": "text"}, key="k")
    before = api.version(dataset)
    reply = api.upsert(dataset, {"k": "none", ":deleted": True})
    assert six(reply) == counts(errors=1) and reply.json()["rowErrors"][0]["error"] == "no_such_row_to_delete"
    assert api.version(dataset) == before + 1
    refused(api.upsert(dataset, {"k": "none", ":deleted": True}, errorsAreFatal="true"), 404, "soda.row.not-found")
    assert api.version(dataset) == before + 1


def test_doubles_of_geometries_have_a_point_in_json_and_csv(api):
    dataset = api.create({"k": "text", "p": "point", "l": "line"}, key="k")
    api.upsert_ok(dataset, [{"k": "1", "p": "POINT (1 2.50)", "l": "LINESTRING (1 2, 1e21 -0)"}])
    assert api.get(f"/resource/{dataset}.csv").text == '"k","p","l"\n"1","POINT (1.0 2.5)","LINESTRING (1.0 2.0, 1.0e+21 -0.0)"\n'
    assert '"coordinates":[1.0,2.5]' in api.get(f"/resource/{dataset}.json").text


def test_the_rows_of_one_request_share_their_version_and_their_time(api):
    dataset = api.create({"k": "text", "t": "text"}, key="k")
    shared = []
    for send, n in ((lambda: api.upsert(dataset, [{"k": str(i)} for i in range(5)]), 5), (lambda: api.upsert(dataset, [{"k": "2", "t": "x"}, {"k": "9"}]), 2),
                    (lambda: api.replace(dataset, [{"k": str(i)} for i in range(4)]), 4)):
        before = {r["k"]: r[":version"] for r in api.full(dataset)}
        assert send().status_code == 200
        touched = [r for r in api.full(dataset) if before.get(r["k"]) != r[":version"]]
        assert len({(r[":version"], r[":updated_at"]) for r in touched}) == 1 and len(touched) == n
        shared.append(touched[0][":version"])
    assert len(set(shared)) == 3
