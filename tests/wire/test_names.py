"""A column's name is folded by one function when it is made and when it is looked up (docs/wire/views.md, "Names")."""

import pytest

from client import counts, refused, six

# the name given, what it is kept as, and what also means it
NAMES = [
    ("\u0130", "i\u0307", ["\u0130", "I\u0307", "i\u0307"]),
    ("\u0131", "\u0131", ["\u0131"]),
    ("stra\u00dfe", "strasse", ["STRASSE", "Stra\u1e9ee", "stra\u00dfe"]),
    ("\u03a3\u03c2", "\u03c3\u03c3", ["\u03a3\u03a3", "\u03c3\u03c2", "\u03c2\u03a3"]),
    ("Cafe\u0301", "caf\u00e9", ["CAF\u00c9", "cafe\u0301", "CAFE\u0301"]),
    ("\u01c5x", "\u01c6x", ["\u01c4X", "\u01c5x"]),
]


@pytest.mark.parametrize("given, kept, also", NAMES, ids=[ascii(n[0]) for n in NAMES])
def test_rows_find_a_column_by_every_spelling_of_its_name(api, given, kept, also):
    dataset = api.create({given: "text", "k": "number"}, key="k")
    assert [c["fieldName"] for c in api.get(f"/api/views/{dataset}.json").json()["columns"]] == [kept, "k"]
    for k, spelling in enumerate([given, *also, f" {given} "]):
        assert six(api.upsert(dataset, [{"k": k, spelling: spelling}])) == counts(created=1), spelling
        header = f"k,{spelling}\n{k},again\n".encode()
        assert six(api.post(f"/resource/{dataset}.csv", data=header, headers={"Content-Type": "text/csv"})) == counts(updated=1, by_key=1)
        assert api.rows(dataset, **{spelling.strip(): "again", "k": str(k)})[0][kept] == "again"
        error = refused(api.upsert(dataset, [{"k": k, spelling: "x", given.strip() + " ": "y"}]), 400, "soda.row.duplicate-field")
        assert kept in error["message"]


@pytest.mark.parametrize("given, kept, also", NAMES, ids=[ascii(n[0]) for n in NAMES])
def test_two_columns_of_one_folded_name_are_refused(api, given, kept, also):
    for other in also:
        columns = [{"name": "a", "fieldName": given, "dataTypeName": "text"}, {"name": "b", "fieldName": other, "dataTypeName": "text"}]
        refused(api.post("/api/views.json", json={"name": "x", "columns": columns}), 400)
        dataset = api.create({given: "text"})
        refused(api.post(f"/api/views/{dataset}/columns.json", json=columns[1]), 409, "update.column.exists")


def test_i_with_and_without_its_dot_are_columns_of_their_own(api):
    dataset = api.create({"i": "text", "\u0130": "text", "\u0131": "text", "k": "number"}, key="k")
    assert six(api.upsert(dataset, [{"k": 1, "I": "plain", "\u0130": "dotted", "\u0131": "dotless"}])) == counts(created=1)
    row = api.rows(dataset)[0]
    assert (row["i"], row["i\u0307"], row["\u0131"]) == ("plain", "dotted", "dotless")


def test_a_derived_name_keeps_clear_of_folded_ones(api):
    columns = [{"name": "Stra\u00dfe", "dataTypeName": "text"}, {"name": "STRASSE", "dataTypeName": "text"}, {"name": "\u0130", "dataTypeName": "text"}]
    reply = api.post("/api/views.json", json={"name": "x", "columns": columns})
    assert [c["fieldName"] for c in reply.json()["columns"]] == ["strasse", "strasse_1", "i\u0307"]
