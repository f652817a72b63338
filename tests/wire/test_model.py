"""Random operations through HTTP against a model of a few lines: after every request the rows, their order and the counts agree,
whatever is mixed in one payload (the idea is Socrata's own: data-coordinator, TestSqlLoader against StupidSqlLoader).
SELTZER_SEED repeats a run."""

import csv
import io
import os
import random

import pytest

from client import counts, six

ROUNDS, OPERATIONS = 25, 30


class Model:
    """Rows in order of creation, as dictionaries; None is null. keyed: by k, else by a name we give each row (its :id)."""

    def __init__(self):
        self.rows = {}

    def upsert(self, key, given, n):
        if key in self.rows:
            self.rows[key].update(given)
            n["Rows Updated"] += 1
            return True
        self.rows[key] = dict(given)
        n["Rows Created"] += 1
        return False

    def delete(self, key, n):
        if key not in self.rows:
            n["Errors"] += 1
            return False
        del self.rows[key]
        n["Rows Deleted"] += 1
        return True

    def shown(self, key_name):
        out = []
        for key, row in self.rows.items():
            shown = {name: value for name, value in row.items() if value is not None}
            if key_name:
                shown[key_name] = key
            out.append(shown)
        return out


@pytest.fixture
def chance():
    seed = int(os.environ.get("SELTZER_SEED", random.randrange(2 ** 32)))
    print("SELTZER_SEED=%d" % seed)
    return random.Random(seed)


def cell(chance, kind):
    if chance.random() < 1 / 3:
        return None
    if kind == "text":
        return "".join(chance.choice('ab",\n é😀\\') for _ in range(chance.randrange(1, 6)))
    return str(chance.randrange(-1000, 1000))


def send_csv(api, method, dataset, rows):
    out = io.StringIO()
    names = ["k", "a", "n", ":deleted"]
    writer = csv.DictWriter(out, names, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "" if row.get(name) is None else str(row[name]).lower() if name == ":deleted" else row[name] for name in names})
    return api.send_csv(method, dataset, out.getvalue())


@pytest.mark.parametrize("how", ["json", "csv"])
def test_by_row_identifier_any_mix_equals_the_model(api, chance, how):
    dataset, model = api.create({"k": "text", "a": "text", "n": "number"}, key="k"), Model()
    for _ in range(ROUNDS):
        rows, n = [], counts()
        method = "PUT" if chance.random() < 0.1 else "POST"
        if method == "PUT":
            model.rows = {}
        for _ in range(chance.randrange(OPERATIONS)):
            key = str(chance.randrange(40))
            if method == "POST" and chance.random() < 1 / 3:
                rows.append({"k": key, ":deleted": True})
                n["By RowIdentifier"] += model.delete(key, n)
                continue
            row = {name: cell(chance, kind) for name, kind in (("a", "text"), ("n", "number")) if how == "csv" or chance.random() < 0.7}
            rows.append({"k": key, **row})
            n["By RowIdentifier"] += model.upsert(key, row, n)
        reply = send_csv(api, method, dataset, rows) if how == "csv" else api.send_json(method, dataset, rows)
        assert reply.status_code == 200, reply.text
        got = six(reply)
        assert got["Rows Created"] + got["Rows Updated"] + got["Rows Deleted"] + got["Errors"] == len(rows)
        if method == "POST":
            assert got == n
        assert api.rows(dataset) == model.shown("k")


def test_by_id_any_mix_equals_the_model(api, chance):
    dataset, model, gone = api.create({"a": "text", "n": "number"}), Model(), []
    for _ in range(ROUNDS):
        rows, n, created = [], counts(), 0
        for _ in range(chance.randrange(OPERATIONS)):
            row = {name: cell(chance, kind) for name, kind in (("a", "text"), ("n", "number")) if chance.random() < 0.7}
            known = [key for key in model.rows if isinstance(key, str)]
            dice = chance.random()
            if dice < 0.4 or not known:
                rows.append(row)
                model.upsert(created, row, n)
                created += 1
            elif dice < 0.7:
                key = chance.choice(known)
                rows.append({":id": key, **row})
                n["By SID"] += model.upsert(key, row, n)
            elif dice < 0.9:
                key = chance.choice(known)
                rows.append(chance.choice([[key], {":id": key, ":deleted": True}]))
                n["By SID"] += model.delete(key, n)
                gone.append(key)
            elif gone:
                key = chance.choice(gone)
                rows.append(chance.choice([{":id": key, **row}, [key]]))
                n["Errors"] += 1
        assert six(api.upsert(dataset, rows)) == n
        stored = api.full(dataset)
        assert [{k: v for k, v in row.items() if not k.startswith(":")} for row in stored] == model.shown(None)
        model.rows = {row[":id"]: list(model.rows.values())[i] for i, row in enumerate(stored)}
