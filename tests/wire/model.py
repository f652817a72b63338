"""A naive model of the write path: a list of rows, changed one operation at a time (docs/wire/rows.md).

State is what a dataset should hold; apply() says what a request should answer and leaves what should be there afterwards.
It knows nothing of sorting, transactions, generations or files, and cannot know the system fields that the server makes up: those
are learned from the table after each request, and held to the rules of rows.md from then on.

Requests are made at random by Maker, encoded by encode(), and can be sent in any slices by RawConnection."""

import base64
import csv
import gzip
import io
import json
import random
import socket
import ssl
import unicodedata
import urllib.parse
from datetime import datetime, timedelta
from decimal import Decimal

from requests.structures import CaseInsensitiveDict

from client import ADMIN, ROW_ID, SIX, VERSION

# ── values ──


class Value:
    """One value of a column: as it is sent in JSON and in a CSV cell, as it comes back in JSON and CSV, and what equals it."""

    def __init__(self, sent, out, cell_out=None):
        self.sent, self.out = sent, out
        self.cell = json.loads(sent) if sent.startswith('"') else sent
        self.cell_out = cell_out if cell_out is not None else (json.loads(out) if out.startswith('"') else out)

    def __repr__(self):
        return self.sent


def text(s):
    normal = unicodedata.normalize("NFC", s)
    return Value(json.dumps(s), json.dumps(normal, ensure_ascii=False), normal)


def value(sent, out=None, cell_out=None):
    return Value(sent, sent if out is None else out, cell_out)


VALUES = {
    "text": [text(s) for s in ("x", "", " blanks ", 'quo"te', "comma,and;semi", "line\nbreak", "cr\r\nlf", "tab\there", "e\u0301 \u00e9",
                               "\U0001f600", "true", "null", "=1+1", "\\back/slash", "long" * 700, "'", "0", "[1]", "{}")]
            + [value("3.33", '"3.33"'), value("1e5", '"1e5"')],
    "number": [value(a, f'"{b}"', b) for a, b in (
        ("0", "0"), ("-0", "0"), ("1.50", "1.50"), ("1e5", "100000"), ('"+5"', "5"), ('".5"', "0.5"), ('"00042"', "42"), ("-17", "-17"),
        ("12345678901234567890", "12345678901234567890"), ("0.123456789012345678901234567890", "0.123456789012345678901234567890"),
        ("5.302E-7", "0.0000005302"), ("1E21", "1000000000000000000000"), ('" 5 "', "5"), ("1e-21", "1E-21"))],
    "checkbox": [value("true"), value("false"), value('"yes"', "true"), value('"0"', "false")],
    "calendar_date": [value(f'"{a}"', f'"{b}"') for a, b in (
        ("2014-10-13", "2014-10-13T00:00:00.000"), ("2014-10-13T05:06:07.5", "2014-10-13T05:06:07.500"),
        ("03/26/2014 10:38:01 PM", "2014-03-26T22:38:01.000"), ("0001-01-01", "0001-01-01T00:00:00.000"))],
    "date": [value(f'"{a}"', f'"{b}"') for a, b in (
        ("2014-10-13T05:06:07Z", "2014-10-13T05:06:07.000Z"), ("2020-10-16T10:00:00.000-0800", "2020-10-16T18:00:00.000Z"),
        ("1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999Z"))],
    "url": [value('{"url":"http://x/","description":"d"}', None, "d (http://x/)"), value('{"url":"http://x/a,b"}', None, "http://x/a,b"),
            value('"https://example.org/?q=1"', '{"url":"https://example.org/?q=1"}', "https://example.org/?q=1")],
    "location": [value('{"latitude":"47.6","longitude":"-122.3"}', None, "(47.6, -122.3)"),
                 value('{"latitude":47.50,"longitude":-122}', '{"latitude":"47.50","longitude":"-122"}', "(47.50, -122)"),
                 value('"(1.5, 2)"', '{"latitude":"1.5","longitude":"2"}', "(1.5, 2)")],
    "json": [value('{"json":{"a":[1,2.50,null,"x"]}}', None, '{"a":[1,2.50,null,"x"]}'), value('{"json":[]}', None, "[]"),
             value('{"json":"s"}', None, '"s"'), value('{"json": {"b": 1, "a": 2}}', '{"json":{"b":1,"a":2}}', '{"b":1,"a":2}')],
    "point": [value('{"type":"Point","coordinates":[-122.3,47.6]}', None, "POINT (-122.3 47.6)"),
              value('"POINT (1 2)"', '{"type":"Point","coordinates":[1.0,2.0]}', "POINT (1.0 2.0)"),
              value('"(41.1085, -117.6135)"', '{"type":"Point","coordinates":[-117.6135,41.1085]}', "POINT (-117.6135 41.1085)")],
    "multipoint": [value('"MULTIPOINT (1 2, 3 4)"', '{"type":"MultiPoint","coordinates":[[1.0,2.0],[3.0,4.0]]}',
                         "MULTIPOINT ((1.0 2.0), (3.0 4.0))")],
    "line": [value('"LINESTRING (1 2, 3 4.5)"', '{"type":"LineString","coordinates":[[1.0,2.0],[3.0,4.5]]}',
                   "LINESTRING (1.0 2.0, 3.0 4.5)")],
    "multiline": [value('"MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))"',
                        '{"type":"MultiLineString","coordinates":[[[1.0,2.0],[3.0,4.0]],[[5.0,6.0],[7.0,8.0]]]}',
                        "MULTILINESTRING ((1.0 2.0, 3.0 4.0), (5.0 6.0, 7.0 8.0))")],
    "polygon": [value('"POLYGON ((0 0, 1 0, 1 1, 0 0))"', '{"type":"Polygon","coordinates":[[[0.0,0.0],[1.0,0.0],[1.0,1.0],[0.0,0.0]]]}',
                      "POLYGON ((0.0 0.0, 1.0 0.0, 1.0 1.0, 0.0 0.0))")],
    "multipolygon": [value('"MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))"',
                           '{"type":"MultiPolygon","coordinates":[[[[0.0,0.0],[1.0,0.0],[1.0,1.0],[0.0,0.0]]]]}',
                           "MULTIPOLYGON (((0.0 0.0, 1.0 0.0, 1.0 1.0, 0.0 0.0)))")],
}
COLUMNS = {f"c_{kind}": kind for kind in VALUES}  # one of every type
COLUMNS["c_more"] = "text"


def number_key(i, spelling):
    sent = (str(i), f"{i}.0", f"{i}.00", f'"{i}"', f"{i}e0")[spelling]
    out = (str(i), f"{i}.0", f"{i}.00", str(i), str(i))[spelling]
    return value(sent, f'"{out}"', out), Decimal(i), out


def url_key(i, spelling):
    address = f"http://x/{i}?a=b"
    named = '{"url":"%s","description":"%d"}' % (address, spelling)
    v = (value(f'"{address}"', '{"url":"%s"}' % address, address), value(named, None, f"{spelling} ({address})"),
         value(f'"{spelling} ({address})"', named, f"{spelling} ({address})"))[spelling % 3]
    return v, address, v.out


def date_key(i, spelling):
    at = datetime(2020, 2, 28, 12) + timedelta(hours=i)
    there = at - timedelta(hours=8)
    sent = (f"{at:%Y-%m-%dT%H:%M:%S.000}Z", f"{there:%Y-%m-%dT%H:%M:%S}-0800", f"{there:%Y-%m-%dT%H:%M}-08:00", f"{at:%m/%d/%Y %I:%M:%S %p}",
            f"{at:%Y-%m-%d %H:%M}")[spelling]
    v = value(f'"{sent}"', f'"{at:%Y-%m-%dT%H:%M:%S.000}Z"')
    return v, at, v.out


def text_key(i, spelling):
    s = {3: "k 3/\u00e9?", 4: "4.5 x", 5: ("e\u0301", "\u00e9")[spelling % 2]}.get(i, str(i))
    v = text(s)
    return v, v.cell_out, v.out


KEYS = {"text": text_key, "number": number_key, "url": url_key, "date": date_key}


def key_value(kind, i, spelling):
    """Key number i of 0 to 100. Keys of most kinds are spelled in several of five ways that are one key: norm is what they share."""
    v, v.norm, v.report = KEYS[kind](i, spelling)
    return v


# ── one operation and one request ──

ABSENT = object()
NULL = None


class Op:
    """A row of a body. fields: name to Value or NULL. row_id and row_version: ABSENT, NULL or the text to send.
    flag: the JSON of ":deleted" or ABSENT; one: the [id] form."""

    def __init__(self, fields=None, row_id=ABSENT, row_version=ABSENT, flag=ABSENT, one=False):
        self.fields, self.row_id, self.row_version, self.flag, self.one = fields or {}, row_id, row_version, flag, one

    @property
    def deletes(self):
        return self.one or self.flag == "true"

    @property
    def odd_flag(self):
        return self.flag not in (ABSENT, "true", "false", "null")

    def json(self, key):
        if self.one:
            v = self.fields[key] if key else self.row_id
            return "[%s]" % ("null" if v is NULL else v.sent if key else json.dumps(v))
        members = [(name, "null" if v is NULL else v.sent) for name, v in self.fields.items()]
        for name, v in ((":id", self.row_id), (":version", self.row_version)):
            if v is not ABSENT:
                members.append((name, json.dumps(v)))
        if self.flag is not ABSENT:
            members.append((":deleted", self.flag))
        return "{%s}" % ",".join(f"{json.dumps(n)}:{v}" for n, v in members)

    def __repr__(self):
        return self.json("k" if "k" in self.fields else None) if not self.one or self.fields else f"[{self.row_id}]"


class Request:
    """method, path after the dataset ("" or "/row"), operations and how they are sent."""

    def __init__(self, method, ops, form="array", row=None, extension=".json", **params):
        self.method, self.ops, self.form, self.row, self.extension, self.params = method, ops, form, row, extension, params
        self.nonfatal = []
        self.fault = None      # ("value", n), ("unknown",), ("malformed",): what refuses the body before it is applied
        self.raw_row = None    # the text of a row with that fault, and where it stands
        self.fault_at = 0
        self.transport = "plain"
        self.headers = {}

    def on(self, name):
        return self.params.get(name) == "true"

    def query(self):
        pairs = list(self.params.items()) + [("nonFatalRowErrors[]", e) for e in self.nonfatal]
        return "?" + urllib.parse.urlencode(pairs) if pairs else ""

    def __repr__(self):
        return (f"{self.method} {'' if self.row is None else '/' + self.row}{self.extension}{self.query()} {self.form} {self.transport} "
                f"fault={self.fault}@{self.fault_at} {self.ops!r:.6000}")


# ── the state ──

ROW_ERROR_STATUS = {
    "no_such_row_to_delete": (404, "soda.row.not-found"), "no_such_row_to_update": (404, "soda.row.not-found"),
    "no_primary_key": (400, "soda.row.primary-key-nonexistent-or-null"), "version_mismatch": (409, "update.row-version-mismatch"),
    "version_on_new_row": (409, "update.version-on-new-row"), "insert_in_update_only": (404, "soda.row.not-found")}
WITHOUT_ID = ("no_primary_key", "version_on_new_row")


class Row:
    def __init__(self, fields, system=None):
        self.fields, self.system = fields, system

    def copy(self):
        r = Row(dict(self.fields), self.system)
        r.touched, r.was = False, self.system
        return r

    touched = False
    was = None


def canonical(row_id):
    """Ids are read with any of four separators and written with one."""
    return row_id[:8] + "~" + row_id[9:13] + "~" + row_id[14:]


class Report:
    """What became of one operation. name: how it named its row, (JSON in reports, JSON in row errors), or None; row: the Row, whose
    :id and :version come to be known later."""

    def __init__(self, typ, by=None, err=None, name=None, row=None, expected=None, actual=None):
        self.typ, self.by, self.err, self.name, self.row, self.expected, self.actual = typ, by, err, name, row, expected, actual


class Outcome:
    def __init__(self, status, error_code=None, reports=(), position=None):
        self.status, self.error_code, self.reports, self.position = status, error_code, list(reports), position
        self.warns = False
        self.row = None  # of a reply that is the stored row

    @property
    def counts(self):
        n = dict.fromkeys(SIX, 0)
        for r in self.reports:
            n[{"insert": "Rows Created", "update": "Rows Updated", "delete": "Rows Deleted", "error": "Errors"}[r.typ]] += 1
            if r.by:
                n[r.by] += 1
        return n


class State:
    """columns: name to kind, in order; key: the name of the row identifier or None."""

    def __init__(self, columns, key=None):
        self.columns, self.key = columns, key
        self.rows = []
        self.data_version = None
        self.ids = set()       # every :id ever seen
        self.dead = []
        self.modified = ""

    def copy(self):
        s = State(self.columns, self.key)
        s.rows = [r.copy() for r in self.rows]
        s.data_version, s.ids, s.dead, s.modified = self.data_version, self.ids, self.dead, self.modified
        return s

    def by_key(self, v):
        for r in self.rows:
            if r.fields[self.key].norm == v.norm:
                return r
        return None

    def by_id(self, row_id):
        for r in self.rows:
            if r.system and r.system[":id"] == canonical(row_id):
                return r
        return None

    # one operation

    def find(self, op):
        """(row or None, how it was matched, how it was named, the error that this is in itself)."""
        missing = "no_such_row_to_delete" if op.deletes else "no_such_row_to_update"
        if self.key and self.key in op.fields:
            v = op.fields[self.key]
            if v is NULL:
                return None, "By RowIdentifier", None, "no_such_row_to_delete" if op.deletes else "no_primary_key"
            return self.by_key(v), "By RowIdentifier", (v.report, v.out), None
        if op.row_id is ABSENT or op.row_id is NULL:
            if op.deletes and op.row_id is NULL:
                return None, "By SID", None, "no_such_row_to_delete"
            return None, "By SID", None, "no_primary_key" if self.key else None
        row = self.by_id(op.row_id)
        return row, "By SID", (json.dumps(canonical(op.row_id)),) * 2, None if row else missing

    def apply_op(self, op, clear, replace=False):
        row, by, name, error = self.find(op)
        if error:
            return Report("error", err=error, name=name)
        version = ABSENT if replace else op.row_version
        stored = row.system[":version"] if row and row.system and not row.touched else False  # False: one that this request gave
        if row and version is not ABSENT and version != stored:
            return Report("error", err="version_mismatch", name=name, row=row, expected=stored, actual=version)
        if op.deletes:
            if not row:
                return Report("error", err="no_such_row_to_delete", name=name)
            self.rows.remove(row)
            return Report("delete", by, name=name, row=row)
        if not row:
            if version is not ABSENT and version is not NULL:
                error = "version_mismatch" if by == "By RowIdentifier" else "version_on_new_row"
                return Report("error", err=error, name=name, actual=version)
            row = Row({name: op.fields.get(name, NULL) for name in self.columns})
            row.touched = True
            self.rows.append(row)
            return Report("insert", name=name, row=row)
        for column in self.columns:
            if column in op.fields:
                row.fields[column] = op.fields[column]
            elif clear and column != self.key:
                row.fields[column] = NULL
        row.touched = True
        return Report("update", by, name=name, row=row)

    # one request

    def apply(self, q):
        """(Outcome, the state afterwards)."""
        if q.fault:
            kind = q.fault[0]
            code = {"value": "soda.column.maltyped", "unknown": "soda.row.column-not-found", "no key": "soda.row.delete-without-primary-key",
                    "not a row": "soda.row.upsert-row-not-an-object"}.get(kind)
            if q.method == "PUT" and kind != "unknown":
                code = None  # rows that a replace does not take may come first
            return Outcome(400, code), self
        if q.row is not None:
            return self.apply_row_url(q)
        expected = q.params.get("expectedDataVersion")
        wrong_version = expected is not None and int(expected) != self.data_version
        new = self.copy()
        if q.method == "DELETE" or q.method == "PUT":
            outcome = new.replace(q, wrong_version)
        elif wrong_version:
            outcome = Outcome(409, "soda.row.dataset-version-mismatch")
        else:
            outcome = new.upsert(q)
        return self.settle(q, outcome, new)

    def settle(self, q, outcome, new):
        if outcome.status != 200 or q.on("dryRun"):
            return outcome, self
        new.data_version = self.data_version + 1
        left = {id(r.was) for r in new.rows if r.was}
        new.dead = [r.system[":id"] for r in self.rows if r.system and id(r.system) not in left] + self.dead[:50]
        return outcome, new

    def replace(self, q, wrong_version):
        self.rows = []
        reports = []
        for at, op in enumerate(q.ops):
            if op.deletes:
                return Outcome(400, "soda.row.upsert-row-not-an-object", position=at)
            if self.key and op.fields.get(self.key) is NULL:
                return Outcome(400, "soda.row.primary-key-nonexistent-or-null", position=at)
        if wrong_version:
            return Outcome(409, "soda.row.dataset-version-mismatch")
        for op in q.ops:
            reports.append(self.apply_op(Op(op.fields), False, replace=True))
        outcome = Outcome(200, reports=reports)
        return outcome

    def upsert(self, q):
        single = q.form == "object"
        if q.on("truncate"):
            self.rows = []
        all_fatal = single and not q.ops[0].deletes
        reports = []
        for at, op in enumerate(q.ops):
            r = self.apply_op(op, q.params.get("mergeInsteadOfReplace") == "false")
            if r.typ == "error" and (all_fatal or (q.on("errorsAreFatal") and r.err not in q.nonfatal)):
                return Outcome(*ROW_ERROR_STATUS[r.err], position=at)
            reports.append(r)
        outcome = Outcome(200, reports=reports)
        if single and not q.ops[0].deletes and not q.on("dryRun"):
            outcome.row = reports[0].row
        adds = not self.key and not single and not q.on("truncate") and any(
            not op.deletes and op.row_id in (ABSENT, NULL) for op in q.ops)
        outcome.warns = any(op.odd_flag for op in q.ops) or adds
        return outcome

    def apply_row_url(self, q):
        new = self.copy()
        given = q.ops[0] if q.ops else Op()
        row = new.by_key(q.url_key) if q.url_key else new.by_id(q.row)
        if not row and (q.method == "DELETE" or not q.url_key):
            return Outcome(404, "soda.row.not-found"), self
        by = "By RowIdentifier" if q.url_key else "By SID"
        name = (q.url_key.report if q.url_key else json.dumps(canonical(q.row)),) * 2
        if q.method == "DELETE":
            new.rows.remove(row)
            return self.settle(q, Outcome(200, reports=[Report("delete", by, name=name, row=row)]), new)
        wanted = row.fields[self.key] if self.key and row else q.url_key
        if self.key and self.key in given.fields:
            v = given.fields[self.key]
            if v is NULL or v.norm != wanted.norm:
                return Outcome(400, "soda.row.key-contradicts-url"), self
        elif given.row_id not in (ABSENT, NULL) and not self.key and canonical(given.row_id) != canonical(q.row):
            return Outcome(400, "soda.row.key-contradicts-url"), self
        fields = dict(given.fields)
        if self.key:
            fields.setdefault(self.key, wanted)
        op = Op(fields, row_id=q.row if not self.key else ABSENT, row_version=given.row_version)
        report = new.apply_op(op, q.method == "PUT" or q.params.get("mergeInsteadOfReplace") == "false")
        if report.typ == "error":
            return Outcome(*ROW_ERROR_STATUS[report.err]), self
        outcome = Outcome(200, reports=[report])
        if not q.on("dryRun"):
            outcome.row = report.row
        return self.settle(q, outcome, new)

    # the table

    def row_json(self, row):
        members = [(name, json.dumps(row.system[name])) for name in (":id", ":created_at", ":updated_at", ":version")]
        members += [(name, v.out) for name, v in row.fields.items() if v is not NULL]
        return "{%s}" % ",".join(f"{json.dumps(n)}:{v}" for n, v in members)

    def table_json(self):
        return "[%s]\n" % "\n,".join(self.row_json(r) for r in self.rows)

    def table_csv(self):
        quoted = lambda s: '"%s"' % s.replace('"', '""')
        system = (":id", ":created_at", ":updated_at", ":version")
        lines = [",".join(quoted(n) for n in (*system, *self.columns))]
        for r in self.rows:
            cells = [quoted(r.system[n]) for n in system]
            cells += ["" if v is NULL else quoted(v.cell_out) for v in r.fields.values()]
            lines.append(",".join(cells))
        return "\n".join(lines) + "\n"

    def learn(self, listed):
        """Takes over the system fields of the rows as listed, and holds them to their rules. Returns what is wrong, or None."""
        if len(listed) != len(self.rows):
            return f"{len(listed)} rows stand there, not {len(self.rows)}"
        stamps, versions = set(), set()
        for at, (row, seen) in enumerate(zip(self.rows, listed)):
            system = {n: seen.get(n) for n in (":id", ":created_at", ":updated_at", ":version")}
            if not ROW_ID.match(system[":id"] or "") or not VERSION.match(system[":version"] or ""):
                return f"row {at}: {system} is not of the form of system fields"
            if not row.touched:
                if system != row.system:
                    return f"row {at} was not touched, but {row.system} became {system}"
                continue
            stamps.add(system[":updated_at"])
            versions.add(system[":version"])
            if row.was is None:
                if system[":id"] in self.ids:
                    return f"row {at} is new, but {system[':id']} was given before"
                if system[":created_at"] != system[":updated_at"]:
                    return f"row {at} is new, but made {system[':created_at']} and changed {system[':updated_at']}"
            else:
                if (system[":id"], system[":created_at"]) != (row.was[":id"], row.was[":created_at"]):
                    return f"row {at} was updated, but {row.was} became {system}"
                if system[":version"] == row.was[":version"]:
                    return f"row {at} was updated, but its version did not move"
            self.ids.add(system[":id"])
            row.system = system
        if len(stamps) > 1:
            return f"rows of one request have several times: {stamps}"
        if len(versions) > 1:
            return f"rows of one request have several versions: {versions}"
        if stamps and min(stamps) < self.modified:
            return f"time went back from {self.modified} to {stamps}"
        self.modified = max(stamps, default=self.modified)
        for row in self.rows:
            row.touched = False
        return None


# ── encoding ──

CONTENT_TYPES = {"array": "application/json", "object": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv",
                 "tsv": "text/tab-separated-values"}


def encode_table(q, separator):
    names = [] if q.ops else ["c_text"]
    for op in q.ops:
        names += [n for n in op.fields if n not in names]
    columns = list(names)
    if any(op.row_id is not ABSENT for op in q.ops):
        columns.append(":id")
    if any(op.row_version is not ABSENT for op in q.ops):
        columns.append(":version")
    if any(op.flag is not ABSENT for op in q.ops):
        columns.append(":deleted")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=q.newline, quoting=q.quoting)
    writer.writerow(columns)
    for at, op in enumerate(q.ops):
        cells = []
        for name in columns:
            if name == ":id":
                cells.append("" if op.row_id in (ABSENT, NULL) else op.row_id)
            elif name == ":version":
                cells.append("" if op.row_version in (ABSENT, NULL) else op.row_version)
            elif name == ":deleted":
                cells.append("" if op.flag is ABSENT else op.flag)
            else:
                v = op.fields.get(name)
                cells.append("" if v is NULL else v.cell)
        if q.raw_row is not None and at == q.fault_at:
            cells[columns.index("c_number")] = "abc"
        writer.writerow(cells)
    return out.getvalue()


def encode(q, key):
    """The body of a request, as bytes, or None."""
    if q.method == "DELETE":
        return None
    if q.form in ("csv", "tsv"):
        body = encode_table(q, "," if q.form == "csv" else "\t")
    else:
        rows = [op.json(key) for op in q.ops]
        if q.raw_row is not None:
            rows[q.fault_at] = q.raw_row
        if q.form == "ndjson":
            body = "".join(r + "\n" for r in rows)
        elif q.form == "object":
            body = rows[0]
        else:
            body = "[%s]" % q.newline.join(("," if i else "") + r for i, r in enumerate(rows))
        if q.fault and q.fault[0] == "malformed":
            body = body[:q.fault[1] % max(1, len(body) - 1)]
    return body.encode()


# ── requests at random ──


class Maker:
    def __init__(self, rng, state, keys=range(101)):
        self.rng, self.state, self.keys = rng, state, keys
        self.kind = state.columns.get(state.key)

    def chance(self, p):
        return self.rng.random() < p

    def key(self):
        return key_value(self.kind, self.rng.choice(self.keys), self.rng.randrange(5))

    def some_id(self, alive=0.9):
        """An id of a row, of a row that is gone, and seldom one that was never given."""
        live = [r.system[":id"] for r in self.state.rows]
        if live and self.chance(alive):
            found = self.rng.choice(live)
        elif self.state.dead and self.chance(0.8):
            found = self.rng.choice(self.state.dead)
        else:
            found = "row-" + "~".join("".join(self.rng.choice("23456789abcdefghijkmnpqrstuvwxyz") for _ in range(4)) for _ in range(3))
        a, b = (self.rng.choice("-._~") if self.chance(0.2) else "~" for _ in range(2))
        return found[:8] + a + found[9:13] + b + found[14:]

    def some_version(self):
        live = [r.system[":version"] for r in self.state.rows]
        return NULL if not live or self.chance(0.3) else self.rng.choice(live)

    def fields(self):
        names = [n for n in self.state.columns if n != self.state.key and self.chance(0.4)]
        return {n: NULL if self.chance(1 / 3) else self.rng.choice(VALUES[self.state.columns[n]]) for n in names}

    def identify(self, op):
        """Which row the operation means: mostly its key, sometimes its :id, sometimes nothing good."""
        r = self.rng.random()
        if self.state.key:
            if r < 0.88:
                op.fields[self.state.key] = self.key()
                if self.chance(0.05):
                    op.row_id = self.some_id()  # of no account beside a key
            elif r < 0.90:
                op.fields[self.state.key] = NULL
            elif r < 0.97:
                op.row_id = self.some_id()
            elif r < 0.98:
                op.row_id = NULL
        elif op.deletes or r < 0.45:
            op.row_id = self.some_id() if not op.deletes or self.chance(0.95) else NULL
        elif r < 0.5:
            op.row_id = NULL
        if self.chance(0.04):
            op.row_version = self.stored_version(op) if self.chance(0.5) else self.some_version()

    def stored_version(self, op):
        row = None
        if self.state.key and op.fields.get(self.state.key):
            row = self.state.by_key(op.fields[self.state.key])
        elif op.row_id not in (ABSENT, NULL):
            row = self.state.by_id(op.row_id)
        return row.system[":version"] if row else NULL

    def op(self, one_allowed=True):
        op = Op(self.fields())
        if self.chance(1 / 3):
            if one_allowed and self.chance(0.5):
                op.one, op.fields = True, {}
                if self.state.key:
                    op.fields[self.state.key] = NULL if self.chance(0.03) else self.key()
                else:
                    op.row_id = NULL if self.chance(0.03) else self.some_id()
                return op
            op.flag = "true"
        elif self.chance(0.1):
            op.flag = self.rng.choice(["false", "null"])
        elif self.chance(0.02):
            op.flag = self.rng.choice(['"true"', "1"])
        self.identify(op)
        return op

    def size(self):
        r = self.rng.random()
        return self.rng.randrange(4) if r < 0.3 else self.rng.randrange(40) if r < 0.9 else self.rng.randrange(400)

    def table_ops(self, ops):
        """For CSV: all rows have the same columns, and an empty cell is null."""
        names = [] if any(op.fields for op in ops) else ["c_text"]
        for op in ops:
            names += [n for n in op.fields if n not in names]
        any_id = any(op.row_id is not ABSENT for op in ops)
        any_version = any(op.row_version is not ABSENT for op in ops)
        for op in ops:
            op.fields = {n: NULL if op.fields.get(n) is NULL or op.fields[n].cell == "" else op.fields[n] for n in names}
            if any_id and op.row_id is ABSENT:
                op.row_id = NULL
            if any_version and op.row_version is ABSENT:
                op.row_version = NULL
            if op.odd_flag:
                op.flag = "perhaps"
            elif op.flag == "null":
                op.flag = ABSENT
        return ops

    def upsert_ops(self, n, form):
        ops = [self.op(one_allowed=form in ("array", "ndjson")) for _ in range(n)]
        return self.table_ops(ops) if form in ("csv", "tsv") else ops

    def options(self, q):
        p = q.params
        if self.chance(0.05):
            p["truncate"] = self.rng.choice(["true", "false"])
        if self.chance(0.15):
            p["mergeInsteadOfReplace"] = self.rng.choice(["true", "false", "false"])
        if self.chance(0.15):
            p["errorsAreFatal"] = "true"
            q.nonfatal = [e for e in ROW_ERROR_STATUS if self.chance(0.5)]
        if self.chance(0.1):
            p["dryRun"] = "true"
        if self.chance(0.15):
            p["report"] = "rows"
        if self.chance(0.1):
            p["$$version"] = "2.0"
        self.expect_version(q)

    def expect_version(self, q):
        if self.chance(0.06):
            q.params["expectedDataVersion"] = str(self.state.data_version + (1 if self.chance(0.3) else 0))

    def spoil(self, q):
        """Now and then a row that refuses the whole body."""
        if q.form == "object" or not q.ops or not self.chance(0.06):
            return
        q.fault_at = self.rng.randrange(len(q.ops))
        if q.form in ("csv", "tsv"):
            if "c_number" in q.ops[0].fields:
                q.fault, q.raw_row = ("value",), "abc"
            return
        key = '"k":%s,' % self.key().sent if self.state.key else ""
        kinds = [("value", '{%s"c_number":"abc"}' % key), ("value", '{%s"c_point":"POINT(1,2)"}' % key), ("unknown", '{%s"no_such":1}' % key),
                 ("not a row", '"x"'), ("not a row", "[]"), ("not a row", "[1,2]")]
        if q.method == "POST" and not self.state.key:
            kinds += [("value", '{":id":"row-1"}'), ("value", '["7"]'), ("no key", '{":deleted":true}')]
        kind, q.raw_row = self.rng.choice(kinds)
        q.fault = (kind,)
        if q.form == "array" and self.chance(0.2):
            q.fault, q.raw_row = ("malformed", self.rng.randrange(1 << 30)), None

    def dataset_upsert(self):
        form = self.rng.choice(["array", "array", "array", "ndjson", "csv", "tsv"])
        q = Request("POST", self.upsert_ops(self.size(), form), form, extension=self.rng.choice([".json", ".json", ""]))
        self.options(q)
        self.spoil(q)
        return q

    def dataset_replace(self):
        form = self.rng.choice(["array", "ndjson", "csv", "tsv"])
        ops = []
        for _ in range(self.size()):
            op = Op(self.fields())
            if self.state.key:
                op.fields[self.state.key] = self.key()
            if self.chance(0.1):
                op.row_id = self.some_id()
            if self.chance(0.1):
                op.row_version = self.some_version()
            ops.append(op)
        if ops and self.chance(0.15):
            bad = self.rng.choice(ops)
            if self.state.key and self.chance(0.5):
                bad.fields[self.state.key] = NULL
            else:
                bad.flag = "true"
        q = Request("PUT", self.table_ops(ops) if form in ("csv", "tsv") else ops, form)
        if self.chance(0.1):
            q.params["dryRun"] = "true"
        if self.chance(0.2):
            q.params["report"] = "rows"
        self.expect_version(q)
        self.spoil(q)
        return q

    def dataset_truncate(self):
        return Request("DELETE", [], extension=self.rng.choice([".json", ""]))

    def single_object(self):
        q = Request("POST", [self.op(one_allowed=False)], "object")
        self.options(q)
        return q

    def row_url(self):
        method = self.rng.choice(["POST", "PUT", "DELETE"])
        q = Request(method, [] if method == "DELETE" else [Op(self.fields())], "object", extension=self.rng.choice(["", ".json"]))
        q.url_key = None
        if self.state.key and self.chance(0.8):
            q.url_key = self.key()
            q.row = q.url_key.cell
        else:
            q.row = self.some_id()
        if q.ops and self.chance(0.2):
            if self.state.key:
                q.ops[0].fields[self.state.key] = NULL if self.chance(0.1) else self.key()
            else:
                q.ops[0].row_id = q.row if self.chance(0.7) else self.some_id()
        if q.ops and self.chance(0.1):
            q.ops[0].row_version = self.some_version()
        if self.chance(0.08):
            q.params["dryRun"] = "true"
        return q

    def request(self):
        r = self.rng.random()
        crowded = len(self.state.rows) > 400
        if crowded and r < 0.5 or r < 0.10:
            q = self.dataset_replace()
        elif r < 0.115:
            q = self.dataset_truncate()
        elif r < 0.22:
            q = self.single_object()
        elif r < 0.40 and (self.state.rows or self.state.key):
            q = self.row_url()
        else:
            q = self.dataset_upsert()
        q.newline = self.rng.choice(["\n", "\r\n"]) if q.form in ("csv", "tsv") else self.rng.choice(["", "\n", " \n"])
        q.quoting = self.rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        if q.method != "DELETE":
            q.transport = self.rng.choice(["plain", "plain", "gzip", "slices", "slices", "gzip slices"])
        return q


# ── bytes of one's own ──


class RawReply:
    def __init__(self, status, headers, content):
        self.status_code, self.headers, self.content = status, headers, content

    @property
    def text(self):
        return self.content.decode()

    def json(self):
        return json.loads(self.content)


class RawConnection:
    """One kept TLS connection that sends a body in chunks cut at random, and those in TLS records cut at random."""

    def __init__(self, server, rng):
        self.server, self.rng, self.tls = server, rng, None

    def close(self):
        if self.tls:
            self.tls.close()
        self.tls = None

    def chunks(self, body):
        size = self.rng.choice([3, 50, 4096, 70000])
        at = 0
        while at < len(body):
            n = self.rng.randint(1, size)
            piece = body[at:at + n]
            yield b"%x\r\n%s\r\n" % (len(piece), piece)
            at += n
        yield b"0\r\n\r\n"

    def send(self, data):
        size = self.rng.choice([max(1, len(data) // 8), 4096, 1 << 20])
        at = 0
        while at < len(data):
            n = self.rng.randint(1, size)
            self.tls.sendall(data[at:at + n])
            at += n

    def request(self, method, path, headers, body):
        if not self.tls:
            self.tls = self.server.connect()
            self.tls.settimeout(60)
            self.tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = self.tls.makefile("rb")
        token = base64.b64encode(":".join(ADMIN).encode()).decode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Basic {token}", "Transfer-Encoding: chunked"]
        lines += [f"{n}: {v}" for n, v in headers.items()]
        try:
            self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + b"".join(self.chunks(body)))
        except (ssl.SSLError, OSError):
            pass  # refused in the middle of the upload: the reply is there all the same
        reply = self.read()
        if reply.headers.get("Connection", "").lower() == "close":
            self.close()
        return reply

    def read(self):
        line = self.reader.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        headers = CaseInsensitiveDict()
        while (h := self.reader.readline().strip()):
            name, value_ = h.decode("latin-1").split(":", 1)
            headers[name] = value_.strip()
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            content = b""
            while (n := int(self.reader.readline().split(b";")[0], 16)):
                content += self.reader.read(n)
                self.reader.readline()
            self.reader.readline()
        else:
            content = self.reader.read(int(headers["Content-Length"]))
        return RawReply(int(line.split()[1]), headers, content)


def send(api, raw, dataset, q, key):
    """Sends the request as its transport says; the reply."""
    path = f"/resource/{dataset}"
    if q.row is not None:
        path += "/" + urllib.parse.quote(q.row, safe="~")
    path += q.extension + q.query()
    body = encode(q, key)
    if body is None:
        return api.request(q.method, path, headers=q.headers)
    headers = {"Content-Type": CONTENT_TYPES[q.form], **q.headers}
    if "gzip" in q.transport:
        body = gzip.compress(body, 1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    if "slices" in q.transport:
        return raw.request(q.method, path, headers, body)
    return api.request(q.method, path, data=body, headers=headers)


def seeded(name):
    """A generator of its own for each test, from SELTZER_SEED or the system; the seed is printed with a failure's output."""
    import os
    seed = os.environ.get("SELTZER_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"SELTZER_SEED={seed} ({name})")
    return random.Random(f"{seed} {name}")
