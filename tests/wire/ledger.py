"""The ledger of the crash tests: what was sent and what was acknowledged, and what a table may therefore hold after a kill.

A writer owns its keys: it sends one request at a time, and each row that it writes carries the request's number. After a kill
its rows must be those after the last acknowledged request, or those after the one that was still under way: nothing else,
row by row."""

import json
import random

JSON = {"Content-Type": "application/json"}


class Writer:
    """Random upserts, deletes and (when the dataset is its own) replaces and truncates."""

    def __init__(self, number, dataset, seed, owns_dataset):
        self.number, self.dataset, self.owns_dataset = number, dataset, owns_dataset
        self.random = random.Random(f"{seed} writer {number}")
        self.acknowledged = {}      # key → text
        self.pending = None         # what the table is once the request under way is done
        self.requests = 0
        self.acknowledgements = 0

    def next(self):
        """(method, body): the next request; pending is what it leads to."""
        self.requests += 1
        mark = f"{self.number}.{self.requests}"
        kind = self.random.choice(["upsert"] * 5 + ["delete"] * 2 + (["replace"] * 3 + ["truncate"] if self.owns_dataset else []))
        after = dict(self.acknowledged)
        if kind == "truncate":
            method, rows, after = "DELETE", None, {}
        elif kind == "replace":
            keys = self.keys(self.random.randint(1, 60))
            method, rows, after = "PUT", [self.row(k, mark) for k in keys], {k: self.text(k, mark) for k in keys}
        else:
            rows = []
            for k in self.keys(self.random.randint(1, 40)):
                if kind == "delete" and k in after:
                    rows.append({"k": k, ":deleted": True})
                    del after[k]
                elif kind == "upsert":
                    rows.append(self.row(k, mark))
                    after[k] = self.text(k, mark)
            method = "POST"
        self.pending = after
        return method, None if rows is None else json.dumps(rows)

    def keys(self, n):
        return sorted(self.random.sample(range(self.number * 1000, self.number * 1000 + 100), n))

    def text(self, k, mark):
        return f"{mark} " + "x" * (k % 97)

    def row(self, k, mark):
        return {"k": k, "a": self.text(k, mark), "request": mark}

    def acknowledge(self):
        self.acknowledged, self.pending = self.pending, None
        self.acknowledgements += 1

    def judge(self, rows):
        """After a kill: raises unless the table is one that may be; goes on from there."""
        mine = {int(r["k"]): r["a"] for r in rows if int(r["k"]) // 1000 == self.number}
        assert all(r["a"].split(" ")[0] == r["request"] for r in rows)
        if mine != self.acknowledged:
            lost = {k: v for k, v in self.acknowledged.items() if mine.get(k) != v}
            assert self.pending is not None and mine == self.pending, \
                f"writer {self.number}, request {self.requests}: neither what was acknowledged nor what was under way; differing from the acknowledged: {lost}"
        self.acknowledged, self.pending = mine, None
