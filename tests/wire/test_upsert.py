"""Upsert: what POST /resource/{4x4} does to rows, by row identifier and by :id (docs/wire/rows.md)."""

import json
import re

import pytest

from client import ROW_ID, VERSION, counts, refused, six

COLUMNS = {"k": "text", "a": "text", "n": "number"}


@pytest.fixture
def keyed(api):
    return api.create(COLUMNS, key="k")


@pytest.fixture
def plain(api):
    return api.create(COLUMNS)


def user(rows):
    return sorted(({k: v for k, v in row.items() if not k.startswith(":")} for row in rows), key=lambda r: json.dumps(r))


# Bodies


def test_an_empty_array_answers_six_zeros_and_moves_the_data_version(api, keyed):
    before = api.version(keyed)
    reply = api.upsert(keyed, [])
    assert reply.status_code == 200 and reply.json() == counts()
    assert api.version(keyed) > before


def test_the_reply_has_exactly_the_six_counts_as_integers(api, keyed):
    reply = api.upsert(keyed, [{"k": "1"}])
    assert reply.json() == counts(created=1)
    assert reply.headers["Content-Type"].lower().replace(" ", "") == "application/json;charset=utf-8"


@pytest.mark.parametrize("version", [False, True])
def test_a_single_object_answers_the_stored_row_with_system_fields(api, keyed, version):
    params = {"$$version": "2.0"} if version else {}
    row = api.upsert(keyed, {"k": "1", "a": "x", "n": 5}, **params)
    assert row.status_code == 200, row.text
    row = row.json()
    assert row["k"] == "1" and row["a"] == "x" and row["n"] == "5"
    assert ROW_ID.match(row[":id"]) and VERSION.match(row[":version"])
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", row[":created_at"]) and row[":updated_at"]
    again = api.upsert(keyed, {"k": "1", "a": "y"}, **params).json()
    assert again[":id"] == row[":id"] and again["a"] == "y" and again["n"] == "5"


def test_a_single_object_with_deleted_answers_the_counts(api, keyed):
    api.upsert_ok(keyed, [{"k": "1"}])
    assert six(api.upsert(keyed, {"k": "1", ":deleted": True})) == counts(deleted=1, by_key=1)
    assert six(api.upsert(keyed, {"k": "1", ":deleted": True})) == counts(errors=1)


@pytest.mark.parametrize("body,status", [
    ({"k": None, "a": "x"}, 400),
    ({"a": "x"}, 400),
])
def test_every_row_error_of_a_single_object_is_fatal(api, keyed, body, status):
    refused(api.upsert(keyed, body), status)
    assert api.rows(keyed) == []


@pytest.mark.parametrize("body", ['"str"', "1", "null", "true"])
def test_a_body_that_is_neither_array_nor_object_is_refused(api, keyed, body):
    refused(api.upsert(keyed, body), 400, "req.content.json.invalid")


@pytest.mark.parametrize("element", ['"row"', "1", "null", "true", "[]", '["a","b"]', '["a",1,2]'])
def test_an_element_that_is_no_row_is_refused_naming_its_index(api, keyed, element):
    body = refused(api.upsert(keyed, '[{"k":"1"},%s]' % element), 400, "soda.row.upsert-row-not-an-object")
    assert "1" in body["message"]
    assert api.rows(keyed) == []


def test_form_encoded_bodies_are_one_row(api, keyed):
    reply = api.post(f"/resource/{keyed}.json", data={"k": "f 1", "a": "x&y=z", "n": "3"})
    assert reply.status_code == 200 and six(reply) == counts(created=1), reply.text
    assert api.rows(keyed) == [{"k": "f 1", "a": "x&y=z", "n": "3"}]


@pytest.mark.parametrize("content_type", [
    None, "text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "application/json; charset=utf-8"])
def test_json_is_known_by_its_first_byte_when_the_type_does_not_say(api, keyed, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    reply = api.post(f"/resource/{keyed}.json", data=b' \n[{"k":"1"}]', headers=headers)
    assert reply.status_code == 200 and six(reply) == counts(created=1), reply.text


def test_ndjson_is_taken_by_its_type_and_only_by_it(api, keyed):
    text = b'{"k":"1"}\n{"k":"2"}\n'
    for kind in ("application/x-ndjson", "application/ndjson", "application/jsonl"):
        reply = api.post(f"/resource/{keyed}.json", data=text, headers={"Content-Type": kind})
        assert reply.status_code == 200, (kind, reply.text)
    refused(api.upsert(keyed, text), 400, says="ndjson")


@pytest.mark.parametrize("content_type", ["application/xml", "text/html", "image/png"])
def test_other_types_are_415_and_name_the_accepted_ones(api, keyed, content_type):
    reply = api.post(f"/resource/{keyed}.json", data=b"<a/>", headers={"Content-Type": content_type})
    refused(reply, 415, "req.content-type.not-json", says=["application/json", "text/csv"])


def test_an_unknown_charset_is_415(api, keyed):
    reply = api.post(f"/resource/{keyed}.json", data=b"[]", headers={"Content-Type": "application/json; charset=klingon"})
    refused(reply, 415, "req.content-type.unknown-charset")


def test_latin1_csv_is_converted_when_declared(api, keyed):
    reply = api.post(f"/resource/{keyed}.json", data="k,a\n1,caf\u00e9\n".encode("latin-1"),
                     headers={"Content-Type": "text/csv; charset=iso-8859-1"})
    assert reply.status_code == 200, reply.text
    assert api.rows(keyed) == [{"k": "1", "a": "caf\u00e9"}]


# Merge, clear, names


@pytest.mark.parametrize("how", ["json", "csv"])
def test_given_columns_merge_null_clears_absent_stays(api, keyed, how):
    api.upsert_ok(keyed, [{"k": "1", "a": "x", "n": 1}])
    if how == "json":
        reply = api.upsert(keyed, [{"k": "1", "n": None}])
    else:
        reply = api.send_csv("POST", keyed, "k,n\n1,\n")
    assert six(reply) == counts(updated=1, by_key=1)
    assert api.rows(keyed) == [{"k": "1", "a": "x"}]


@pytest.mark.parametrize("cell", ["", '""'])
def test_an_empty_csv_cell_quoted_or_not_clears(api, keyed, cell):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}])
    assert six(api.send_csv("POST", keyed, f"k,a\n1,{cell}\n"))["Rows Updated"] == 1
    assert api.rows(keyed) == [{"k": "1"}]


def test_an_empty_json_text_stays_an_empty_text(api, keyed):
    api.upsert_ok(keyed, [{"k": "1", "a": ""}])
    assert api.rows(keyed) == [{"k": "1", "a": ""}]


def test_names_match_in_any_case_and_by_display_name(api):
    dataset = api.create([{"name": "Earthquake ID", "fieldName": "earthquake_id", "dataTypeName": "text"},
                          {"name": "Number of Stations", "fieldName": "number_of_stations", "dataTypeName": "number"}],
                         key="earthquake_id")
    api.upsert_ok(dataset, [{"EARTHQUAKE_ID": "1", " number of stations ": 3}])
    assert six(api.send_csv("POST", dataset, "NUMBER OF STATIONS,Earthquake id\n4,1\n")) == counts(updated=1, by_key=1)
    assert api.rows(dataset) == [{"earthquake_id": "1", "number_of_stations": "4"}]


def test_a_display_name_of_two_columns_is_refused_naming_both(api):
    dataset = api.create([{"name": "Same", "fieldName": "one", "dataTypeName": "text"},
                          {"name": "Same", "fieldName": "two", "dataTypeName": "text"}])
    refused(api.upsert(dataset, [{"Same": "x"}]), 400, says=["one", "two"])
    api.upsert_ok(dataset, [{"one": "x"}])


def test_unknown_columns_are_all_named_with_the_nearest_real_name(api, keyed):
    body = refused(api.upsert(keyed, [{"k": "1", "nn": 1, "switch_comm": 2}]), 400, "soda.row.column-not-found", "invalid_request",
                   says=["switch_comm", "nn"])
    assert body["message"].startswith("Illegal field name sent: ")
    assert api.rows(keyed) == []


def test_the_nearest_name_is_offered(api):
    dataset = api.create({"earthquake_id": "text", "magnitude": "number"}, key="earthquake_id")
    for reply in (api.upsert(dataset, [{"earthquake_id": "1", "magnitud": 5}]),
                  api.send_csv("POST", dataset, "earthquake_id,magnitud\n1,5\n")):
        body = refused(reply, 400, "soda.row.column-not-found")
        assert body["message"].startswith("Illegal field name sent: magnitud")
        assert "magnitude" in body["message"].replace("magnitud ", "").replace("magnitud,", "")


@pytest.mark.parametrize("row", ['{"k":"1","a":"x","a":"y"}', '{"k":"1","a":"x","A":"y"}'])
def test_the_same_field_twice_in_a_row_is_refused_naming_row_and_key(api, keyed, row):
    refused(api.upsert(keyed, f'[{{"k":"0"}},{row}]'), 400, "soda.row.duplicate-field", says="a")
    assert api.rows(keyed) == []


def test_system_keys_of_echoed_rows_are_ignored(api, keyed):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}])
    row = api.full(keyed)[0]
    row.pop(":version")
    for name in (":created_meta", ":updated_meta", ":meta", ":sid", ":position"):
        row[name] = "anything"
    row[":created_at"] = "not even a date"
    assert six(api.upsert(keyed, [row])) == counts(updated=1, by_key=1)
    after = api.full(keyed)[0]
    assert after[":id"] == row[":id"]
    refused(api.upsert(keyed, [{"k": "1", ":strange": 1}]), 400, "soda.row.column-not-found")


# Row identity: no row identifier


def test_without_row_identifier_rows_are_inserted_and_found_by_id(api, plain):
    reply = api.upsert_ok(plain, [{"a": "1"}, {"a": "2", ":id": None}])
    assert six(reply) == counts(created=2)
    first, second = api.full(plain)
    assert ROW_ID.match(first[":id"]) and first[":id"] != second[":id"]
    assert six(api.upsert(plain, [{":id": first[":id"], "a": "one"}])) == counts(updated=1, by_sid=1)
    assert [r["a"] for r in api.rows(plain)] == ["one", "2"]
    assert six(api.upsert(plain, [{":id": first[":id"], ":deleted": True}])) == counts(deleted=1, by_sid=1)
    assert six(api.upsert(plain, [[second[":id"]]])) == counts(deleted=1, by_sid=1)
    assert api.rows(plain) == []


def test_an_upsert_without_row_identifier_warns(api, plain):
    reply = api.upsert_ok(plain, [{"a": "1"}])
    assert isinstance(reply["Warnings"], list) and any("identifier" in w.lower() for w in reply["Warnings"]), reply


def test_an_unknown_id_is_a_row_error_and_404_when_fatal(api, plain):
    api.upsert_ok(plain, [{"a": "1"}])
    gone = api.full(plain)[0][":id"]
    api.upsert_ok(plain, [[gone]])
    reply = api.upsert_ok(plain, [{":id": gone, "a": "x"}, {"a": "kept"}])
    assert six(reply) == counts(created=1, errors=1)
    assert reply["rowErrors"][0]["error"] == "no_such_row_to_update", reply
    refused(api.upsert(plain, [{":id": gone, "a": "x"}, {"a": "lost"}], errorsAreFatal="true"), 404, "soda.row.not-found")
    assert [r["a"] for r in api.rows(plain)] == ["kept"]


def test_a_malformed_id_is_refused(api, plain):
    refused(api.upsert(plain, [{":id": "bogus", "a": "x"}]), 400)


def test_a_delete_without_any_key_is_refused(api, plain, keyed):
    for dataset in (plain, keyed):
        reply = api.upsert(dataset, [{":deleted": True, "a": "x"}])
        if reply.status_code == 200:
            assert six(reply) == counts(errors=1)
        else:
            refused(reply, 400)


# Row identity: a row identifier


@pytest.mark.parametrize("how", ["json", "csv"])
def test_by_row_identifier_existing_updates_and_new_inserts(api, keyed, how):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}])
    if how == "json":
        reply = api.upsert(keyed, [{"k": "1", "a": "y"}, {"k": "2", "a": "z"}])
    else:
        reply = api.send_csv("POST", keyed, "a,k\ny,1\nz,2\n")
    assert six(reply) == counts(created=1, updated=1, by_key=1)
    assert api.rows(keyed) == [{"k": "1", "a": "y"}, {"k": "2", "a": "z"}]


@pytest.mark.parametrize("how", ["json null", "json absent", "csv empty"])
def test_a_null_or_missing_key_is_no_primary_key(api, keyed, how):
    def send(**params):
        if how == "csv empty":
            return api.send_csv("POST", keyed, "k,a\n,x\n9,kept\n", **params)
        bad = {"k": None, "a": "x"} if how == "json null" else {"a": "x"}
        return api.upsert(keyed, [bad, {"k": "9", "a": "kept"}], **params)
    refused(send(errorsAreFatal="true"), 400, "soda.row.primary-key-nonexistent-or-null")
    assert api.rows(keyed) == []
    reply = send()
    assert six(reply) == counts(created=1, errors=1)
    assert reply.json()["rowErrors"][0]["error"] == "no_primary_key"
    assert api.rows(keyed) == [{"k": "9", "a": "kept"}]


def test_with_a_row_identifier_the_key_beats_the_id(api, keyed):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}])
    one, two = api.full(keyed)
    assert six(api.upsert(keyed, [{"k": "2", ":id": one[":id"], "a": "z"}])) == counts(updated=1, by_key=1)
    assert [r["a"] for r in api.rows(keyed)] == ["x", "z"]
    assert six(api.upsert(keyed, [{"k": "3", ":id": one[":id"], "a": "new"}])) == counts(created=1)


def test_with_the_key_absent_the_id_serves(api, keyed):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}])
    one, two = api.full(keyed)
    assert six(api.upsert(keyed, [{":id": one[":id"], "a": "z"}])) == counts(updated=1, by_sid=1)
    assert six(api.upsert(keyed, [{":id": two[":id"], ":deleted": True}])) == counts(deleted=1, by_sid=1)
    reply = api.upsert_ok(keyed, [{":id": two[":id"], "a": "z"}, {":id": two[":id"], ":deleted": True}])
    assert six(reply) == counts(errors=2)
    assert [e["error"] for e in reply["rowErrors"]] == ["no_such_row_to_update", "no_such_row_to_delete"]
    reply = api.upsert_ok(keyed, [{":id": one[":id"], "k": None, "a": "z"}])
    assert six(reply) == counts(errors=1) and reply["rowErrors"][0]["error"] == "no_primary_key"


@pytest.mark.parametrize("kind,first,same,other", [
    ("text", '"A"', '"A"', '"a"'),
    ("number", "1", "1.00", "10"),
    ("number", '"1e2"', "100", "1"),
    ("checkbox", "true", '"yes"', "false"),
    ("url", '{"url":"http://x","description":"d"}', '{"url":"http://x"}', '{"url":"http://y"}'),
    ("date", '"2020-10-16T10:00:00.000-0800"', '"2020-10-16T18:00:00Z"', '"2020-10-16T10:00:00Z"'),
    ("calendar_date", '"2020-10-16"', '"10/16/2020 12:00:00 AM"', '"2020-10-17"'),
    ("text", '"e\\u0301"', '"\\u00e9"', '"e"'),
])
def test_keys_are_equal_by_value(api, kind, first, same, other):
    dataset = api.create({"k": kind, "a": "text"}, key="k")
    assert six(api.upsert(dataset, f'[{{"k":{first}}}]')) == counts(created=1)
    assert six(api.upsert(dataset, f'[{{"k":{same},"a":"x"}}]')) == counts(updated=1, by_key=1)
    assert six(api.upsert(dataset, f'[{{"k":{other}}}]')) == counts(created=1)


@pytest.mark.parametrize("length,status", [(1024, 200), (1025, 400)])
def test_a_text_key_has_at_most_1024_bytes(api, keyed, length, status):
    assert api.upsert(keyed, [{"k": "x" * length}]).status_code == status


@pytest.mark.parametrize("kind", ["location", "point", "json", "polygon"])
def test_types_that_cannot_identify_rows_are_refused(api, kind):
    reply = api.post("/api/views.json", json={"name": "x", "columns": [{"name": "K", "fieldName": "k", "dataTypeName": kind}],
                                              "metadata": {"rowIdentifier": "k"}})
    refused(reply, 400)


# Deletes


@pytest.mark.parametrize("how", ["object", "one-element array", "csv"])
def test_three_forms_of_delete(api, keyed, how):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}, {"k": "2", "a": "y"}])
    if how == "object":
        reply = api.upsert(keyed, [{"k": "1", ":deleted": True}])
    elif how == "csv":
        reply = api.send_csv("POST", keyed, "k,a,:deleted\n1,,true\n")
    else:
        reply = api.upsert(keyed, [["1"]])
    assert six(reply) == counts(deleted=1, by_key=1)
    assert api.rows(keyed) == [{"k": "2", "a": "y"}]


@pytest.mark.parametrize("flag", ["false", "null", '""'])
def test_deleted_false_null_or_empty_upserts_silently(api, keyed, flag):
    reply = api.upsert_ok(keyed, f'[{{"k":"1",":deleted":{flag}}}]')
    assert six(reply) == counts(created=1) and "Warnings" not in reply, reply


@pytest.mark.parametrize("flag", ['"true"', "1", '"yes"', "{}"])
def test_deleted_anything_else_upserts_with_a_warning(api, keyed, flag):
    reply = api.upsert_ok(keyed, f'[{{"k":"1",":deleted":{flag}}}]')
    assert six(reply) == counts(created=1)
    assert any(":deleted" in w for w in reply["Warnings"]), reply


def test_csv_deleted_column_true_false_and_empty(api, keyed):
    api.upsert_ok(keyed, [{"k": "1"}, {"k": "2"}, {"k": "3"}])
    reply = api.send_csv("POST", keyed, "k,a,:deleted\n1,,true\n2,x,false\n3,y,\n")
    assert six(reply) == counts(updated=2, deleted=1, by_key=3)


def test_other_fields_of_a_delete_are_still_checked(api, keyed):
    api.upsert_ok(keyed, [{"k": "1"}])
    refused(api.upsert(keyed, [{"k": "1", "n": "abc", ":deleted": True}]), 400)
    assert len(api.rows(keyed)) == 1


def test_a_missing_delete_is_counted_and_does_not_fail_the_request(api, keyed):
    reply = api.upsert_ok(keyed, [{"k": "1", "a": "x"}, {"k": "none", ":deleted": True}])
    assert six(reply) == counts(created=1, errors=1)
    error = reply["rowErrors"][0]
    assert error["error"] == "no_such_row_to_delete" and error["input_index"] == 1, reply
    assert reply["Rows Created"] + reply["Rows Updated"] + reply["Rows Deleted"] + reply["Errors"] == 2


# Several operations on one row, in one payload and split over two (write in order)

SEQUENCES = [
    ("upsert upsert", [{"k": "1", "a": "x", "n": 1}, {"k": "1", "a": "y"}], counts(created=1, updated=1, by_key=1), [{"k": "1", "a": "y", "n": "1"}]),
    ("upsert delete", [{"k": "1"}, {"k": "1", ":deleted": True}], counts(created=1, deleted=1, by_key=1), []),
    ("delete upsert", [{"k": "0", ":deleted": True}, {"k": "0", "a": "new"}], counts(created=1, deleted=1, by_key=1), [{"k": "0", "a": "new"}]),
    ("delete delete", [{"k": "0", ":deleted": True}, {"k": "0", ":deleted": True}], counts(deleted=1, by_key=1, errors=1), []),
    ("upsert delete upsert", [{"k": "1", "a": "x", "n": 2}, ["1"], {"k": "1", "a": "y"}], counts(created=2, deleted=1, by_key=1), [{"k": "1", "a": "y"}]),
]


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("name,operations,expected,left", SEQUENCES, ids=[s[0] for s in SEQUENCES])
def test_the_same_key_twice_is_applied_in_order(api, keyed, name, operations, expected, left, split):
    api.upsert_ok(keyed, [{"k": "0", "a": "old", "n": 9}])
    if split:
        total = counts()
        for operation in operations:
            for key, value in six(api.upsert(keyed, [operation])).items():
                total[key] += value
        assert total == expected
    else:
        assert six(api.upsert(keyed, operations)) == expected
    keys = {"0": {"k": "0", "a": "old", "n": "9"}}
    want = left if any((o[0] if isinstance(o, list) else o["k"]) == "0" for o in operations) else [keys["0"], *left]
    assert user(api.rows(keyed)) == user(want)


def test_delete_then_upsert_makes_a_new_row(api, keyed):
    api.upsert_ok(keyed, [{"k": "1"}])
    before = api.full(keyed)[0]
    api.upsert_ok(keyed, [["1"], {"k": "1"}])
    assert api.full(keyed)[0][":id"] != before[":id"]


def test_deleting_null_is_no_such_row(api, keyed):
    reply = api.upsert_ok(keyed, [[None], {"k": None, ":deleted": True}])
    assert six(reply) == counts(errors=2), reply
    assert {e["error"] for e in reply["rowErrors"]} <= {"no_such_row_to_delete", "no_primary_key"}


# Options


def test_truncate_empties_first_and_does_not_count_what_it_removed(api, keyed):
    api.upsert_ok(keyed, [{"k": "1"}, {"k": "2"}])
    assert six(api.upsert(keyed, [{"k": "2", "a": "x"}], truncate="true")) == counts(created=1)
    assert api.rows(keyed) == [{"k": "2", "a": "x"}]


@pytest.mark.parametrize("value,left", [("true", {"k": "1", "a": "y", "n": "1"}), ("false", {"k": "1", "a": "y"}),
                                        ("FALSE", {"k": "1", "a": "y"})])
def test_merge_instead_of_replace(api, keyed, value, left):
    api.upsert_ok(keyed, [{"k": "1", "a": "x", "n": 1}])
    api.upsert_ok(keyed, [{"k": "1", "a": "y"}], mergeInsteadOfReplace=value)
    assert api.rows(keyed) == [left]


def test_errors_are_fatal_rolls_everything_back(api, keyed):
    before = api.version(keyed)
    refused(api.upsert(keyed, [{"k": "1"}, {"k": "none", ":deleted": True}], errorsAreFatal="true"), 404, "soda.row.not-found")
    assert api.rows(keyed) == [] and api.version(keyed) == before


def test_non_fatal_row_errors_exempts_those_named(api, keyed):
    rows = [{"k": "1"}, {"k": "none", ":deleted": True}]
    reply = api.post(f"/resource/{keyed}.json?errorsAreFatal=true&nonFatalRowErrors[]=no_such_row_to_delete", json=rows)
    assert six(reply) == counts(created=1, errors=1)
    reply = api.post(f"/resource/{keyed}.json?errorsAreFatal=true&nonFatalRowErrors[]=no_primary_key", json=rows)
    refused(reply, 404)
    refused(api.post(f"/resource/{keyed}.json?nonFatalRowErrors[]=no_such_thing", json=rows), 400)
    reply = api.post(f"/resource/{keyed}.json?errorsAreFatal=true&nonFatalRowErrors[]=no_primary_key"
                     "&nonFatalRowErrors[]=no_such_row_to_delete", json=[{"a": "x"}, ["none"]])
    assert six(reply) == counts(errors=2)


def test_expected_data_version(api, keyed):
    version = api.version(keyed)
    reply = api.upsert(keyed, [{"k": "1"}], expectedDataVersion=str(version))
    assert reply.status_code == 200, reply.text
    refused(api.upsert(keyed, [{"k": "2"}], expectedDataVersion=str(version)), 409, "soda.row.dataset-version-mismatch")
    refused(api.upsert(keyed, [{"k": "2"}], expectedDataVersion="abc"), 400, "req.bad-parameter")
    assert len(api.rows(keyed)) == 1


def test_the_version_header_wins_and_is_ignored_when_unreadable(api, keyed):
    version = int(api.upsert(keyed, [{"k": "1"}]).headers["X-SODA2-Truth-Version"])
    url = f"/resource/{keyed}.json?expectedDataVersion=99999"
    assert api.post(url, json=[{"k": "2"}], headers={"X-SODA2-Truth-Version": str(version)}).status_code == 200
    refused(api.post(url, json=[{"k": "3"}], headers={"X-SODA2-Truth-Version": str(version)}), 409)
    assert api.post(f"/resource/{keyed}.json", json=[{"k": "3"}], headers={"X-SODA2-Truth-Version": "soon"}).status_code == 200


@pytest.mark.parametrize("parameter", ["truncate", "mergeInsteadOfReplace", "errorsAreFatal", "dryRun"])
def test_unreadable_booleans_are_refused(api, keyed, parameter):
    refused(api.upsert(keyed, [{"k": "1"}], **{parameter: "maybe"}), 400, "req.bad-parameter")
    assert api.rows(keyed) == []


def test_unknown_parameters_are_refused_before_anything_is_written(api, keyed):
    refused(api.upsert(keyed, [{"k": "1"}], dryrunn="true"), 400, "req.bad-parameter", says="dryrunn")
    assert api.rows(keyed) == []
    reply = api.post(f"/resource/{keyed}.json?$$version=1&$$anything=x&nbe=true&app_token=t", json=[{"k": "1"}])
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("how", ["upsert", "replace", "truncate", "csv", "row", "row delete"])
def test_dry_run_answers_the_same_and_changes_nothing(api, keyed, how):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}])
    before, version = api.full(keyed), api.version(keyed)
    dry = {"dryRun": "true"}
    if how == "upsert":
        assert six(api.upsert(keyed, [{"k": "1", "a": "y"}, {"k": "2"}, ["none"]], **dry)) == counts(1, 1, 0, 1, 0, 1)
    elif how == "replace":
        assert six(api.replace(keyed, [{"k": "5"}], **dry)) == counts(created=1)
    elif how == "truncate":
        assert api.delete(f"/resource/{keyed}?dryRun=true").status_code == 200
    elif how == "csv":
        assert six(api.send_csv("POST", keyed, "k,a\n1,y\n", **dry)) == counts(updated=1, by_key=1)
    elif how == "row":
        assert api.send_json("POST", keyed, {"a": "z"}, path="/1.json", **dry).status_code == 200
    else:
        assert api.delete(f"/resource/{keyed}/1.json?dryRun=true").status_code == 200
    assert api.full(keyed) == before and api.version(keyed) == version


def test_a_dry_run_names_the_same_errors(api, keyed):
    dry = refused(api.upsert(keyed, [{"k": "1", "n": "abc"}], dryRun="true"), 400)
    wet = refused(api.upsert(keyed, [{"k": "1", "n": "abc"}]), 400)
    assert dry["message"] == wet["message"] and dry["data"] == wet["data"]


# Row versions


@pytest.mark.parametrize("how,row_exists,status,error", [
    ("null", False, 200, None), ("null", True, 409, "update.row-version-mismatch"), ("stored", True, 200, None),
    ("other", True, 409, "update.row-version-mismatch"), ("other", False, 409, "update.row-version-mismatch")])
def test_row_versions(api, keyed, how, row_exists, status, error):
    api.upsert_ok(keyed, [{"k": "1"}])
    api.upsert_ok(keyed, [{"k": "2"}])
    one, two = api.full(keyed)
    version = {"null": None, "stored": one[":version"], "other": two[":version"]}[how]
    row = {"k": "1" if row_exists else "9", "a": "new", ":version": version}
    fatal = api.upsert(keyed, [row], errorsAreFatal="true", dryRun="true")
    if error:
        refused(fatal, status, error)
        reply = api.upsert_ok(keyed, [row])
        assert six(reply) == counts(errors=1) and reply["rowErrors"][0]["error"] == "version_mismatch"
    else:
        assert fatal.status_code == 200, fatal.text
        assert six(api.upsert(keyed, [row]))["Errors"] == 0


def test_a_version_on_a_new_row_without_row_identifier(api, plain):
    api.upsert_ok(plain, [{"a": "x"}])
    version = api.full(plain)[0][":version"]
    reply = api.upsert_ok(plain, [{"a": "y", ":version": version}])
    assert six(reply) == counts(errors=1) and reply["rowErrors"][0]["error"] == "version_on_new_row"
    refused(api.upsert(plain, [{"a": "y", ":version": version}], errorsAreFatal="true"), 409, "update.version-on-new-row")


# System fields


def test_system_fields_move_as_documented(api, keyed):
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}, {"k": "2", "a": "x"}])
    one, two = api.full(keyed)
    assert one[":created_at"] == one[":updated_at"] == two[":created_at"]
    api.upsert_ok(keyed, [{"k": "1", "a": "x"}])
    one_after, two_after = api.full(keyed)
    assert one_after[":id"] == one[":id"] and one_after[":created_at"] == one[":created_at"]
    assert one_after[":updated_at"] > one[":updated_at"] and one_after[":version"] != one[":version"]
    assert two_after == two


def test_rows_stand_in_order_of_creation(api, keyed):
    keys = [str(i * 7919 % 1009) for i in range(500)]
    api.upsert_ok(keyed, [{"k": key} for key in keys])
    api.upsert_ok(keyed, [{"k": key, "a": "touched"} for key in keys[::-3]])
    assert [row["k"] for row in api.rows(keyed)] == keys


# $$version=2.0


def test_version_2_adds_the_snake_case_keys_beside_the_six(api, keyed):
    reply = api.post(f"/resource/{keyed}?$$version=2.0", json=[{"k": "1"}, {"k": "none", ":deleted": True}])
    body = reply.json()
    assert six(body) == counts(created=1, errors=1)
    assert (body["rows_created"], body["rows_updated"], body["rows_deleted"]) == (1, 0, 0)
    assert str(body["truth_data_version"]) == reply.headers["X-SODA2-Truth-Version"]
    assert str(body["truth_data_shape_version"]) == reply.headers["X-SODA2-Truth-Shape-Version"]
    error, = body["errors"]
    assert error["input_index"] == 1 and error["primary_key"] == "none" and "no record is found" in error["error"], error
    assert "rowErrors" not in body
    assert api.post(f"/resource/{keyed}?$$version=2.0", json=[{"k": "2"}]).json()["errors"] == []


def test_no_reply_key_equals_another_but_for_case(api, keyed, plain):
    for params in ({}, {"$$version": "2.0"}):
        for dataset in (keyed, plain):
            keys = api.upsert_ok(dataset, [{"k": "1"}, ["none"] if dataset == keyed else {"a": "x"}], **params)
            if not params:
                folded = [name.lower() for name in keys]
                assert len(folded) == len(set(folded)), keys


def test_per_row_reports_on_request(api, keyed):
    reply = api.upsert(keyed, [{"k": "1"}, {"k": "1", "a": "x"}, ["1"], ["1"]], report="rows")
    assert reply.status_code == 200, reply.text
    report = reply.json()
    assert [r["typ"] for r in report] == ["insert", "update", "delete", "error"]
    assert report[0]["id"] == "1" and VERSION.match(report[0]["ver"]) and report[3]["err"] == "no_such_row_to_delete"


# Aliases, headers


@pytest.mark.parametrize("path", ["/resource/%s", "/resource/%s.json", "/id/%s", "/id/%s.json", "/api/id/%s.json", "/api/id/%s"])
def test_every_alias_takes_rows(api, keyed, path):
    reply = api.post(path % keyed, json=[{"k": "1"}])
    assert reply.status_code == 200 and six(reply)["Rows Created"] == 1, reply.text
    assert api.get(path % keyed).json() == [{"k": "1"}]


def test_every_write_answers_the_truth_headers_and_a_request_id(api, keyed):
    row = "/resource/%s/1.json" % keyed
    for reply in (api.upsert(keyed, [{"k": "1"}]), api.upsert(keyed, {"k": "1"}), api.replace(keyed, [{"k": "1"}]),
                  api.post(row, json={"a": "x"}), api.put(row, json={"a": "y"}), api.delete(row), api.delete(f"/resource/{keyed}")):
        assert reply.status_code == 200, reply.text
        assert int(reply.headers["X-SODA2-Truth-Version"]) > 0 and int(reply.headers["X-SODA2-Truth-Shape-Version"]) >= 0
        assert reply.headers["X-Socrata-RequestId"]
    reply = api.post(f"/resource/{keyed}.json", json=[], headers={"X-Socrata-RequestId": "abc123"})
    assert reply.headers["X-Socrata-RequestId"] == "abc123"


def test_an_unknown_dataset_is_not_found(api):
    body = refused(api.upsert("zzzz-9999", [{"k": "1"}]), 404, "soda.dataset.not-found", "dataset.missing")
    assert body["message"] == "Not found" and body["data"]["id"] == "zzzz-9999"


# gzip and chunks


def test_gzip_bodies_are_read(api, keyed):
    import gzip
    body = gzip.compress(b'[{"k":"1","a":"x"}]') 
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert six(api.post(f"/resource/{keyed}.json", data=body, headers=headers)) == counts(created=1)
    two = gzip.compress(b'[{"k":"2"},') + gzip.compress(b'{"k":"3"}]')
    assert six(api.post(f"/resource/{keyed}.json", data=two, headers=headers)) == counts(created=2)
    for damaged in (body[:-5], body[:-8] + b"\0" * 8, body + b"tail", b""):
        refused(api.post(f"/resource/{keyed}.json", data=damaged, headers=headers), 400)
    for coding in ("br", "zstd", "deflate"):
        headers["Content-Encoding"] = coding
        refused(api.post(f"/resource/{keyed}.json", data=body, headers=headers), 415)
    assert len(api.rows(keyed)) == 3


def test_chunked_bodies_are_read_in_any_slices(api, keyed):
    def pieces(text, size):
        for i in range(0, len(text), size):
            yield text[i:i + size]
    body = json.dumps([{"k": str(i), "a": "é\"\\\u2028" * 3} for i in range(50)], ensure_ascii=False).encode()
    for size in (1, 7, 4096):
        reply = api.post(f"/resource/{keyed}.json", data=pieces(body, size), headers={"Content-Type": "application/json"})
        assert reply.status_code == 200, reply.text
    assert len(api.rows(keyed)) == 50
