"""What a query cannot be: every code of docs/wire/soql.md, "Errors", with its envelope and caret; the limits, on both sides; and what
people try who would rather speak SQL to the store."""

import re
import time
import urllib.parse

import pytest

from client import refused

LEAKS = re.compile(r"[Ss][Qq][Ll]ite|syntax error|near \"|no such (table|column|function)|/datasets/|rows-\d|storage code")


@pytest.fixture(scope="module")
def dataset(api):
    d = api.create({"k": "text", "n": "number", "c": "checkbox", "t": "calendar_date", "p": "point", "j": "json"}, key="k", public=True)
    api.upsert_ok(d, [{"k": "a", "n": 1}, {"k": "b", "n": 2}])
    return d


def query(api, dataset, text):
    """Encoded as little as may be: the request line has 32 KiB."""
    return api.get(f"/resource/{dataset}.json?$query=" + urllib.parse.quote_plus(text, safe=",()*=:@'"))


def place(text):
    """The query without its mark, and where that was: the row and the column, from 1."""
    before = text[:text.index("»")]
    row = before.count("\n") + 1
    return text.replace("»", ""), row, len(before) - (before.rfind("\n") + 1) + 1


PARSE = "query.compiler.malformed"
SOQL = "query.soql."

# (query with » before the place of the error, code or None when it is errorCode, errorCode, further members of data, words of the message)
WRONG = [
    ("SELECT k WHERE »", PARSE, SOQL + "bad-parse", {}, "Expected an expression"),
    ("SELECT k\nWHERE n = \n  »ORDER BY k", PARSE, SOQL + "bad-parse", {}, "at line 3 character 3"),
    ("SELECT k ORDER BY k »GROUP BY k", PARSE, SOQL + "bad-parse", {}, "GROUP BY"),
    ("SELECT k WHERE k »ILIKE 'a%'", PARSE, SOQL + "bad-parse", {}, "caseless"),
    ("SELECT k WHERE »\u00a0true", PARSE, SOQL + "unexpected-character", {}, "U+00A0"),
    ("SELECT k WHERE k = »\u2019a\u2019", PARSE, SOQL + "unexpected-character", {}, "U+2019"),
    ("SELECT \"a»\\q\"", PARSE, SOQL + "unexpected-escape", {}, "escape"),
    ("SELECT \"»\\u12G4\"", PARSE, SOQL + "bad-unicode-escape-character", {}, "hexadecimal"),
    ("SELECT \"»\\U110000\"", PARSE, SOQL + "unicode-character-out-of-range", {}, "10FFFF"),
    ("SELECT k »/* no end", PARSE, SOQL + "unexpected-eof", {}, "comment"),
    ("SELECT »`two words`", PARSE, SOQL + "unexpected-eof", {}, "back-tick"),
    ("SELECT k WHERE k = »'it''s", PARSE, SOQL + "unterminated-string", {}, "Unterminated"),
    ("SELECT k |> »(SELECT k UNION SELECT k)", PARSE, SOQL + "right-side-of-chain-query-must-be-leaf", {}, "non-compound"),
    ("SELECT »nn", None, SOQL + "no-such-column", {"column": "nn"}, "No such column: nn"),
    ("SELECT k ORDER BY n, »magnitude", None, SOQL + "no-such-column", {"column": "magnitude"}, "No such column"),
    ("SELECT * (EXCEPT »kk)", None, SOQL + "no-such-column", {"column": "kk"}, "No such column"),
    ("SELECT k JOIN »@zzzz-zzzz AS z ON true", None, SOQL + "no-such-table", {"table": "zzzz-zzzz"}, "No such table"),
    ("SELECT »@other.k", None, SOQL + "no-such-table", {"table": "other"}, "No such table"),
    ("SELECT »uper(k)", None, SOQL + "no-such-function", {"function": "uper", "arity": 1}, "upper"),
    ("SELECT »round(n)", None, SOQL + "no-such-function", {"function": "round", "arity": 1}, "arity=1"),
    ("SELECT k WHERE n > »k", None, SOQL + "type-mismatch", {"function": "op$>", "type": "text"}, "Type mismatch for op$>, is text"),
    ("SELECT k WHERE starts_with(»n, '1')", None, SOQL + "type-mismatch", {"function": "starts_with", "type": "number"}, "starts_with"),
    ("SELECT »p::number", None, SOQL + "type-mismatch", {"function": "cast$number", "type": "point"}, "cast$number"),
    ("SELECT »k, count(*)", None, SOQL + "column-not-in-group-bys", {"column": "k"}, "not in group by"),
    ("SELECT * WHERE »count(*) > 1", None, SOQL + "aggregate-in-ungrouped-context", {"function": "count/*", "clause": "WHERE"}, "HAVING"),
    ("SELECT k AS a, n AS »a", None, SOQL + "duplicate-alias", {"name": "a"}, "Duplicate alias"),
    ("SELECT b AS »a, a AS b", None, SOQL + "circular-alias-definition", {}, "Circular alias"),
    ("SELECT * (EXCEPT k, »k)", None, SOQL + "repeated-exception", {"column": "k"}, "Repeated exception"),
    ("SELECT k WHERE »n", None, SOQL + "non-boolean-where", {}, "this is number"),
    ("SELECT k GROUP BY k HAVING »k", None, SOQL + "non-boolean-having", {}, "this is text"),
    ("SELECT count(*) GROUP BY »'P1D'::interval", None, SOQL + "non-groupable-group", {}, "interval"),
    ("SELECT k ORDER BY »p", None, SOQL + "un-orderable-order", {}, "point"),
    ("SELECT »row_number()", None, SOQL + "bad-parse", {}, "OVER"),
    ("SELECT »param('x')", None, SOQL + "bad-parse", {}, "param"),
    ("SELECT k FROM @this AS »single_row", None, SOQL + "reserved-table-alias", {"description": "single_row"}, "Reserved table alias"),
    ("SELECT k »UNION SELECT k, n", None, SOQL + "two-selects-number-of-columns-mismatch",
     {"description": "Two selects must have the same number of columns: 1, 2"}, "1, 2"),
    ("SELECT k »UNION SELECT n", None, SOQL + "two-selects-column-types-mismatch",
     {"description": "Two selects must have the same column type: text, number"}, "text, number"),
    ("SELECT k JOIN @this AS o ON »k = k", None, "req.invalid-join", {}, "both sides"),
]


@pytest.mark.parametrize("marked,code,error_code,members,words", WRONG, ids=[f"{e.rsplit('.', 1)[-1]}-{i}" for i, (_, _, e, _, _) in enumerate(WRONG)])
def test_what_is_wrong_is_told_with_its_place(api, dataset, marked, code, error_code, members, words):
    text, row, column = place(marked)
    body = refused(query(api, dataset, text), 400, error_code, code or error_code, says=words)
    position, line = body["data"]["position"], text.split("\n")[row - 1]
    assert (position["row"], position["column"]) == (row, column), body
    shown, caret = position["line"].split("\n")
    assert shown.replace("\u00a0", " ") == line.replace("\u00a0", " ") and caret == " " * (column - 1) + "^"
    assert body["message"].endswith("in $query:\n" + position["line"])
    assert body["data"]["query"] == text
    assert {name: body["data"][name] for name in members} == members
    if not code:
        assert body["data"]["dataset"] == dataset
    assert not LEAKS.search(body["message"])


def test_every_code_of_the_page_is_here():
    """docs/wire/soql.md names no query code that no case above meets."""
    with open("docs/wire/soql.md", encoding="utf-8") as f:
        errors = f.read().split("## Errors")[1]
    named = set(re.findall(r"`((?:[a-z]+-)+[a-z]+)`", errors)) | {"req.invalid-join"}
    named -= {"ambiguous-call", "row-version"}  # which is never given
    met = {e.removeprefix(SOQL) for _, _, e, _, _ in WRONG}
    assert named <= met | {"req.limit-exceeded"}, named - met


@pytest.mark.parametrize("clause,text,row,column", [
    ("$select", "k, nn", 1, 4), ("$where", "n = 1 AND\n nn = 2", 2, 2), ("$group", "nn", 1, 1), ("$order", "k, nn DESC", 1, 4), ("$having", "nn > 1", 1, 1)])
def test_places_are_those_of_the_clause(api, dataset, clause, text, row, column):
    params = {clause: text}
    if clause in ("$group", "$having"):
        params["$select"] = "count(*)"
    body = refused(api.get(f"/resource/{dataset}.json", params=params), 400, "query.soql.no-such-column", says=f"in {clause}:")
    assert (body["data"]["position"]["row"], body["data"]["position"]["column"]) == (row, column)


def test_a_filter_of_the_wrong_kind_names_the_column_and_what_would_be_read(api, dataset):
    for name, value, expected in [("n", "many", "number"), ("c", "perhaps", "boolean"), ("t", "yesterday", "floating_timestamp"), ("p", "here", "point")]:
        body = refused(api.get(f"/resource/{dataset}.json", params={name: value}), 400, "query.soql.type-mismatch", says=[name, value])
        assert not LEAKS.search(body["message"])


# ── failures of rows ──

@pytest.mark.parametrize("text,expression,words", [
    ("SELECT n / (n - 1)", "n / (n - 1)", "division by zero"), ("SELECT k::number", "k::number", '"a"'), ("SELECT ln(n - 1)", "ln(n - 1)", "logarithm"),
    ("SELECT k WHERE 1 / (n - 2) > 0", "1 / (n - 2)", "division by zero"), ("SELECT max(n) GROUP BY k HAVING max(n) % 0 = 1", "max(n) % 0", "division by zero"),
    ("SELECT n ORDER BY 10 ^ (n * 5000)", "10 ^ (n * 5000)", "4,096"), ("SELECT left_pad(k, 100000000, 'x')", "left_pad(k, 100000000, 'x')", ""),
    ("SELECT date_trunc_y('2020-01-01T00:00:00Z'::fixed_timestamp, k)", "date_trunc_y('2020-01-01T00:00:00Z'::fixed_timestamp, k)", "zone"),
    ("SELECT k LIKE k || '\\'", "k LIKE k || '\\'", "escape"), ("SELECT (k || '!')::json", "(k || '!')::json", "json")])
def test_what_fails_for_a_row_names_the_expression(api, dataset, text, expression, words):
    body = refused(query(api, dataset, text), 400, "400", "invalid_request", says=[words, f"in {expression}"])
    assert body["data"]["position"]["column"] == text.index(expression) + 1
    assert not LEAKS.search(body["message"])


# ── limits: one under passes, one over does not ──

def passes(api, dataset, text):
    reply = query(api, dataset, text)
    assert reply.status_code == 200, reply.text[:500]


def too_large(api, dataset, text, words):
    body = refused(query(api, dataset, text), 400, says=words)
    assert body["errorCode"] in ("req.limit-exceeded", "req.bad-parameter"), body


def test_depth(api, dataset):
    passes(api, dataset, "SELECT " + "(" * 150 + "n" + ")" * 150)
    passes(api, dataset, "SELECT " + "abs(" * 25 + "n" + ")" * 25)
    too_large(api, dataset, "SELECT " + "abs(" * 40 + "n" + ")" * 40, "30 calls")
    too_large(api, dataset, "SELECT " + "(" * 300 + "n" + ")" * 300, "200")
    too_large(api, dataset, "SELECT " + "+".join(["n"] * 250), "200")
    too_large(api, dataset, "SELECT " + "abs(" * 5000 + "n" + ")" * 5000, "200")
    too_large(api, dataset, "SELECT " + "- " * 8000 + "n", "200")


def test_ands_and_ors_are_no_depth(api, dataset):
    """The request line has 32 KiB: about 2,000 terms."""
    passes(api, dataset, "SELECT k WHERE " + " or ".join(["n=1"] * 2000))
    passes(api, dataset, "SELECT k WHERE " + " and ".join(["n=1"] * 2000))


def test_values_of_in(api, dataset):
    passes(api, dataset, "SELECT k WHERE n IN (" + ",".join(["1"] * 10000) + ")")
    too_large(api, dataset, "SELECT k WHERE n IN (" + ",".join(["1"] * 10001) + ")", "10000")


def test_parts(api, dataset):
    """What aliases unfold into counts as well: this is two to the power of 40."""
    too_large(api, dataset, "SELECT n AS a0, " + ", ".join(f"a{i}+a{i} AS a{i + 1}" for i in range(40)), "20000")


def test_selects_and_datasets(api, dataset):
    passes(api, dataset, " |> ".join(["SELECT k"] * 64))
    passes(api, dataset, "SELECT k INTERSECT ALL (" * 31 + "SELECT k" + ")" * 31)
    passes(api, dataset, " MINUS ALL ".join(["SELECT k"] * 32))
    passes(api, dataset, " |> ".join(["SELECT DISTINCT ON (k) k, n ORDER BY k, n"] * 64))
    too_large(api, dataset, " |> ".join(["SELECT k"] * 65), "64")
    others = [api.create({"k": "text"}) for _ in range(10)]
    joins = [f" JOIN @{other} AS t{i} ON @t{i}.k = k" for i, other in enumerate(others)]
    passes(api, dataset, "SELECT k" + "".join(joins[:9]))
    too_large(api, dataset, "SELECT k" + "".join(joins), "10")


def test_a_pattern(api, dataset):
    passes(api, dataset, "SELECT k WHERE k LIKE '" + "%a" * 128 + "'")
    refused(query(api, dataset, "SELECT k WHERE k LIKE '" + "%a" * 128 + "_'"), 400, says="256")


# ── injection ──

EVIL = ["'; DROP TABLE rows; --", "' OR '1'='1", "\" OR \"\"=\"", "x'||(SELECT name FROM sqlite_master)||'", "1; ATTACH '/etc/passwd' AS x", "`; SELECT 1; --",
        "]; --", "?1", ":1", "$1", "@1:", "%27%20OR%201=1", "\\'; --", "');SELECT load_extension('x');--", "\u02bc OR 1=1", "c1", "main.rows", "sid", "rowid", "/*!*/"]


@pytest.mark.parametrize("evil", EVIL)
def test_no_text_becomes_sql(api, dataset, evil):
    """In a literal it is a value, equal to nothing here; as a name, in every place for names, it is no name."""
    quoted = evil.replace("'", "''")
    literals = [f"SELECT k WHERE k = '{quoted}'", f"SELECT k WHERE k IN ('{quoted}', 'zz')", f"SELECT k WHERE k LIKE '{quoted}x'", f"SELECT k SEARCH 'zz {quoted}'",
                f"SELECT k WHERE '{quoted}' = k", f"SELECT k GROUP BY k HAVING max(k) = '{quoted}'"]
    for text in literals:
        reply = query(api, dataset, text)
        assert reply.status_code == 200 and reply.json() == [] or reply.status_code == 400 and "LIKE" in text, (text, reply.text)
    assert query(api, dataset, f"SELECT '{quoted}' AS x LIMIT 1").json() == [{"x": evil}]
    assert api.get(f"/resource/{dataset}.json", params={"k": evil}).json() == []
    places = ["SELECT {}", "SELECT k AS {}, nope", "SELECT k WHERE {} = 1", "SELECT k GROUP BY {}", "SELECT k ORDER BY {}", "SELECT {}(k)", "SELECT k::{}", "SELECT @{}.k",
              "SELECT k FROM @{}", "SELECT k JOIN @{} AS j ON true", "SELECT j.{} WHERE nope", "SELECT k LIMIT {}", "SELECT * (EXCEPT {})", "SELECT HINT({}) k"]
    for at in places:
        for name in (evil, f"`{evil}`"):
            reply = query(api, dataset, at.replace("{}", name))
            # A comment, or what is a comment after it, leaves a query that is one: it must then be about this dataset's rows alone.
            assert reply.status_code in (200, 400), (at, name, reply.text)
            assert not LEAKS.search(reply.json()["message"].split(", in $query")[0].split("query \"")[0]) if reply.status_code == 400 else True
    for clause in ("$select", "$where", "$group", "$having", "$order", "$limit", "$offset", "$q"):
        assert api.get(f"/resource/{dataset}.json", params={clause: evil}).status_code in (200, 400)
    refused(api.get(f"/resource/{dataset}.json", params={evil + "x": "1"}), 400)
    assert [row["k"] for row in api.rows(dataset)] == ["a", "b"]


def test_a_pattern_costs_no_more_than_its_length_times_the_text(api):
    """Not two to the power of its percent signs (docs/wire/limits.md)."""
    d = api.create({"long": "text"})
    api.upsert_ok(d, [{"long": "a" * 1_000_000}])
    start = time.monotonic()
    assert query(api, d, "SELECT 1 AS one WHERE long LIKE '" + "%a" * 60 + "%b'").json() == []
    assert query(api, d, "SELECT 1 AS one WHERE long LIKE '" + "%a" * 60 + "%'").json() == [{"one": "1"}]
    assert time.monotonic() - start < 15
