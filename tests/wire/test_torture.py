"""Torture: every call that can fail, failing once, in every scenario. Whatever fails, the client gets a well-formed error or a
closed connection, never a lie: 2xx means that the new state is there, an error that the old one still is, a closed connection
one of the two. The server answers afterwards, writes work, no descriptor, scratch file or memory stays behind.

SELTZER_TORTURE: how many failures to try in each scenario, or "all", which SELTZER_SOAK=1 means (make soak). Which ones comes
from SELTZER_SEED."""

import contextlib
import errno
import fnmatch
import gzip
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from urllib.parse import urlencode

import pytest

from client import ADMIN
from faults import COUNT, FAIL, KINDS, SHORT, WAYS, FaultyServer
from person import SETTINGS, Person, answer
from rude import SOAK
from talk import Closed, Talk

AMOUNT = os.environ.get("SELTZER_TORTURE", "all" if SOAK else "10")
SEED = int(os.environ.get("SELTZER_SEED", random.randrange(2 ** 32)))
BEFORE = [{"k": str(i), "a": f"row {i}", "n": f"{i}.50"} for i in range(30)]
JSON = {"Content-Type": "application/json"}
FAULT_STATUSES = {503, 507, 408, 500}
ALL_WAYS = 200   # of so many calls of a kind, each fails in every way; of more, in turn


class House:
    """A faulty server with one dataset of known rows, and what the scenarios need of it."""

    def __init__(self, folder):
        self.server = FaultyServer(folder / "data").start()
        self.page = self.server.faults
        api = self.server.api()
        self.dataset = api.create({"k": "number", "a": "text", "n": "number", "p": "point"}, key="k", public=True)
        self.big = api.create({"k": "number", "a": "text"}, key="k", public=True)
        self.talk = Talk(self.server)
        self.faulty = Talk(self.server)
        self.put_back()
        rows = [{"k": i, "a": "x" * 1000} for i in range(1500)]
        self.talk.healthy("PUT", f"/resource/{self.big}.json", json.dumps(rows), JSON)
        self.view = self.look_view()

    def url(self, path=".json"):
        return f"/resource/{self.dataset}{path}"

    def put_back(self):
        """In a new file: the next request opens it and prepares all its statements."""
        self.talk.healthy("PUT", self.url(), json.dumps(BEFORE), JSON)

    def mend(self):
        """In the same file, whose connections stay open."""
        kept = {row["k"] for row in BEFORE}
        rows = [dict(row, p=None) for row in BEFORE] + [{"k": row["k"], ":deleted": True} for row in self.look_rows() if row["k"] not in kept]
        self.talk.healthy("POST", self.url(), json.dumps(rows), JSON)

    def look_rows(self):
        return json.loads(self.talk.healthy("GET", self.url() + "?$limit=5000&$order=k"))

    def look_view(self):
        view = json.loads(self.talk.healthy("GET", f"/api/views/{self.dataset}.json"))
        return {"name": view["name"], "columns": [c["fieldName"] for c in view["columns"]]}

    def look_datasets(self):
        """Every dataset can be read, or it should not be in the list."""
        found = {}
        for view in json.loads(self.talk.healthy("GET", "/api/views.json")):
            if view["id"] not in (self.dataset, self.big):
                found[view["id"]] = json.loads(self.talk.healthy("GET", f"/resource/{view['id']}.json"))
        return found

    def reports(self):
        """Requests whose rows were set aside and kept."""
        folder = os.path.join(self.server.data, "reports")
        return {name.split("~")[0] for name in os.listdir(folder)} if os.path.isdir(folder) else set()

    def end(self):
        self.page.disarm()
        self.talk.close()
        self.faulty.close()
        alive = self.server.alive()
        status = self.server.stop() if alive else self.server.process.returncode
        self.server.check_clean()
        assert alive and status == 0, (alive, status, self.server.said()[-3000:])
        verified = subprocess.run([os.environ.get("SELTZER", "build/asan/seltzer"), "audit", "verify", "--data", self.server.data], capture_output=True, text=True)
        assert verified.returncode == 0, (verified.stdout[-3000:], verified.stderr[-3000:])


# ── scenarios: what is done, what is looked at, what it should look like ──

class Rows:
    """A request on the rows. after: what BEFORE becomes; None: reads. cold: on files that nobody has opened yet."""

    def __init__(self, method, path=".json", body=None, headers=None, after=None, ok=(200,), auth=ADMIN, fresh=False, times=1, cold=False):
        self.method, self.path, self.body, self.headers, self.after, self.ok = method, path, body, headers, after, ok
        self.auth, self.fresh, self.times, self.cold = auth, fresh, times, cold

    def prepare(self, house):
        if self.cold:
            house.put_back()
        elif house.look_rows() != BEFORE:
            house.mend()

    def do(self, house):
        if self.fresh:
            house.faulty.close()
        for _ in range(self.times):
            body = self.body() if callable(self.body) else self.body
            status, content = house.faulty.once(self.method, house.url(self.path), body, self.headers, self.auth)
            if status not in self.ok:
                break
        return status, content

    def states(self, house):
        return BEFORE, (BEFORE if self.after is None else self.after)

    look = staticmethod(House.look_rows)


class Page(Rows):
    """An address of its own; nothing of the rows."""

    def __init__(self, address):
        super().__init__("GET")
        self.address = address

    def do(self, house):
        return house.faulty.once("GET", self.address, None, None, ADMIN)


class Repeated(Rows):
    """The same request twice under one Idempotency-Key: the second changes nothing, whatever became of the first."""

    keys = itertools.count(1)

    def do(self, house):
        self.headers = dict(JSON, **{"Idempotency-Key": f"{SEED}-{next(self.keys)}"})
        return super().do(house)


class Report(Rows):
    """The rows that were set aside, read back."""

    def prepare(self, house):
        super().prepare(house)
        self.name = f"report-{SEED}"
        if self.name not in house.reports():
            house.talk.healthy("POST", house.url(".json?onError=skip"), SKIPPED, dict(JSON, **{"X-Socrata-RequestId": self.name}))
            house.put_back()

    def do(self, house):
        status, content = house.faulty.once("GET", f"/seltzer/reports/{self.name}.csv")
        assert status != 200 or b"nowhere" in content, content
        return status, content


class Big(Rows):
    """Reads of a table that does not fit in the reply's memory."""

    most = 120  # calls of a kind that are tried: a loop makes them over and over

    def do(self, house):
        return house.faulty.once("GET", f"/resource/{house.big}{self.path}?$limit=5000", None, {}, self.auth)


class BigUpsert:
    """A body that outgrows the memory of the stage."""

    ok = (200,)
    most = 40

    def prepare(self, house):
        if self.look(house) != 1500:
            house.talk.healthy("POST", f"/resource/{house.big}.json", json.dumps([{"k": i, ":deleted": True} for i in range(1500, 4000)]), JSON)

    def do(self, house):
        rows = "k,a\n" + "".join(f"{i},{'y' * 4000}\n" for i in range(1500, 4000))
        return house.faulty.once("POST", f"/resource/{house.big}.json", rows, {"Content-Type": "text/csv"})

    def states(self, house):
        return 1500, 4000

    def look(self, house):
        return len(json.loads(house.talk.healthy("GET", f"/resource/{house.big}.json?$select=k&$limit=5000")))


class View:
    """A request on the dataset's document."""

    ok = (200,)

    def __init__(self, method, path="", body=None, change=None):
        self.method, self.path, self.body, self.change = method, path, body, change

    def prepare(self, house):
        house.view = house.look_view()

    def do(self, house):
        body = self.body(house) if callable(self.body) else self.body
        return house.faulty.once(self.method, f"/api/views/{house.dataset}{self.path}.json", json.dumps(body) if body else None, JSON)

    def states(self, house):
        return house.view, (self.change(house) if self.change else house.view)

    look = staticmethod(House.look_view)


class Identifier(View):
    """A new row identifier: the rows move to the next generation."""

    def prepare(self, house):
        self.before = self.look(house)
        columns = json.loads(house.talk.healthy("GET", f"/api/views/{house.dataset}.json"))["columns"]
        self.ids = {c["fieldName"]: c["id"] for c in columns}

    def document(self, key):
        return json.dumps({"rowIdentifierColumnId": self.ids[key]})

    def do(self, house):
        return house.faulty.once("PUT", f"/api/views/{house.dataset}.json", self.document("n" if self.before["key"] == "k" else "k"), JSON)

    def undo(self, house):
        house.talk.healthy("PUT", f"/api/views/{house.dataset}.json", self.document("k"), JSON)

    def states(self, house):
        other = "n" if self.before["key"] == "k" else "k"
        return self.before, {"key": other, "rows": self.before["rows"]}

    def look(self, house):
        view = json.loads(house.talk.healthy("GET", f"/api/views/{house.dataset}.json"))
        key = view.get("rowIdentifierColumnId")
        names = {c["id"]: c["fieldName"] for c in view["columns"]}
        return {"key": names.get(key), "rows": len(house.look_rows())}


class Create:
    """A dataset comes to be, whole or not at all."""

    ok = (200,)

    def prepare(self, house):
        for dataset in house.look_datasets():
            house.talk.healthy("DELETE", f"/api/views/{dataset}.json")

    def do(self, house):
        document = {"name": "new", "columns": [{"name": "K", "fieldName": "k", "dataTypeName": "text"}], "metadata": {"rowIdentifier": "k"}}
        return house.faulty.once("POST", "/api/views.json", json.dumps(document), JSON)

    def states(self, house):
        return [], [[]]

    def look(self, house):
        return list(house.look_datasets().values())


class Delete(Create):
    def prepare(self, house):
        if not house.look_datasets():
            document = {"name": "old", "columns": [{"name": "K", "dataTypeName": "text"}]}
            house.talk.healthy("POST", "/api/views.json", json.dumps(document), JSON)
        self.dataset = next(iter(house.look_datasets()))

    def do(self, house):
        return house.faulty.once("DELETE", f"/api/views/{self.dataset}.json")

    def states(self, house):
        return [[]], []


class Plain(Rows):
    """Plain HTTP redirects."""

    def do(self, house):
        host, port = house.server.http_url.rsplit("/", 1)[1].split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        try:
            connection.request("GET", house.url())
            reply = connection.getresponse()
            return reply.status, reply.read()
        except (TimeoutError, socket.timeout):
            raise AssertionError("plain HTTP hangs") from None
        except (http.client.HTTPException, OSError) as e:
            raise Closed(str(e)) from e
        finally:
            connection.close()


class Reload(Rows):
    """The certificate is read again while requests come."""

    def do(self, house):
        house.server.process.send_signal(signal.SIGHUP)
        house.faulty.close()
        time.sleep(0.05)
        return super().do(house)


class Command:
    """A command of an administrator through DIR/admin.sock: the change and its record are there, or neither."""

    ok = (200,)

    def prepare(self, house):
        if not self.look(house)["users"]:
            self.ask(house, "add", "commanded", "a password of tests")

    def ask(self, house, verb, name, secret=""):
        folder = os.open(house.server.data, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.settimeout(60)
                s.connect(f"/proc/self/fd/{folder}/admin.sock")
                s.sendall(json.dumps({"command": "user", "verb": verb, "words": [name], "options": {}, "secret": secret}).encode())
                s.shutdown(socket.SHUT_WR)
                reply = b""
                while chunk := s.recv(65536):
                    reply += chunk
            except TimeoutError:
                raise AssertionError("the administration hangs") from None
            except OSError as e:
                raise Closed(str(e)) from e
            finally:
                os.close(folder)
        if reply.endswith(b"x\0\0\0\0"):
            return 200, b""
        if reply.endswith(b"x\0\0\0\1"):
            assert reply[:1] == b"e" and len(reply) > 20, reply
            return 503, b'{"error":true,"message":"of the command line","code":"x","errorCode":"x"}'
        raise Closed("it did not say how it ended")

    def do(self, house):
        self.before = self.look(house)
        return self.ask(house, "enable" if self.before["users"] == [1] else "disable", "commanded")

    def states(self, house):
        return self.before, {"users": [1 - self.before["users"][0]], "records": self.before["records"] + 1}

    def look(self, house):
        db = sqlite3.connect(f"file:{house.server.data}/catalog.db?mode=ro", uri=True)
        try:
            return {"users": [d for (d,) in db.execute("SELECT disabled FROM account WHERE name='commanded'")],
                    "records": db.execute("SELECT count(*) FROM audit").fetchone()[0]}
        finally:
            db.close()


def records(house, action):
    """How many of that action the audit has."""
    db = sqlite3.connect(f"file:{house.server.data}/catalog.db?mode=ro", uri=True)
    try:
        return db.execute("SELECT count(*) FROM audit WHERE entry LIKE ?", (f'%"action":"{action}"%',)).fetchone()[0]
    finally:
        db.close()


class KeyMade:
    """A key and the record of it are there, or neither."""

    ok = (200,)
    action, step = "key.create", 1

    def keys(self, house):
        return json.loads(house.talk.healthy("GET", "/api/api_keys?limit=100"))

    def prepare(self, house):
        for key in self.keys(house)[20:]:
            house.talk.healthy("DELETE", f"/api/api_keys/{key['keyId']}")
        self.before = self.look(house)

    def do(self, house):
        return house.faulty.once("POST", "/api/api_keys", json.dumps({"keyName": f"key {time.monotonic_ns()}", "rights": ["read"], "datasets": [house.dataset]}), JSON)

    def states(self, house):
        keys, told = self.before
        return self.before, (keys + self.step, told + 1)

    def look(self, house):
        return len(self.keys(house)), records(house, self.action)


class KeyEnded(KeyMade):
    action, step = "key.delete", -1

    def prepare(self, house):
        self.key = json.loads(house.talk.healthy("POST", "/api/api_keys", json.dumps({"keyName": f"key {time.monotonic_ns()}"}), JSON))["keyId"]
        super().prepare(house)
        self.key = self.keys(house)[0]["keyId"]

    def do(self, house):
        return house.faulty.once("DELETE", f"/api/api_keys/{self.key}")


class KeyUsed(Rows):
    """A read with a key that was never used: that it is, is noted, or it is read all the same."""

    def prepare(self, house):
        super().prepare(house)
        key = json.loads(house.talk.healthy("POST", "/api/api_keys", json.dumps({"keyName": f"key {time.monotonic_ns()}", "rights": ["read"]}), JSON))
        self.auth = (key["keyId"], key["keySecret"])
        for old in KeyMade().keys(house)[40:]:
            if old["keyId"] != key["keyId"]:
                house.talk.healthy("DELETE", f"/api/api_keys/{old['keyId']}")


class Shared:
    """Scope, users and the record of it change together, or nothing does."""

    ok = (200,)

    def prepare(self, house):
        if not hasattr(house, "other"):
            house.other = house.server.add_user("shared with", "a password of tests", "none").get("/api/users/current").json()["id"]
        self.before = self.look(house)

    def do(self, house):
        scope, users, _ = self.before
        more = [{"id": house.other, "accessLevels": [{"name": "viewer", "version": "all"}]}] if users == 1 else []
        wanted = {"scope": "site" if scope == "private" else "private", "users": self.told["users"][:1] + more}
        return house.faulty.once("PUT", f"/api/views/{house.dataset}/permissions", json.dumps(wanted), JSON)

    def states(self, house):
        scope, users, told = self.before
        return self.before, ("site" if scope == "private" else "private", 1 if users > 1 else 2, told + 1)

    def look(self, house):
        self.told = json.loads(house.talk.healthy("GET", f"/api/views/{house.dataset}/permissions"))
        return self.told["scope"], len(self.told["users"]), records(house, "dataset.share")

    def undo(self, house):
        house.talk.healthy("PUT", f"/api/views/{house.dataset}/permissions", json.dumps({"scope": "public"}), JSON)


class Someone:
    """Logged in on a page of the faulty server, with an application that may ask; none of it is the scenario's own."""

    ok = (200,)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    in_other_words = json.dumps({"error": True, "message": "in another form", "code": "x", "errorCode": "x"}).encode()

    def prepare(self, house):
        if not hasattr(house, "person"):
            house.person = Person(house.server)
        if house.person.get(SETTINGS).status_code != 200:  # at first, and when more log-ins than one user may have came since
            assert house.person.log_in(*ADMIN).status_code == 200
        if not hasattr(house, "app"):
            house.app = house.person.register("Tortured", redirect_uris="https://site.example/cb")
        self.before = self.look(house)

    def states(self, house):
        return self.before, self.before

    def look(self, house):
        """Of the latest consent: was its code used, and how many tokens came of it?"""
        db = sqlite3.connect(f"file:{house.server.data}/catalog.db?mode=ro", uri=True)
        try:
            return db.execute("SELECT number, code_used, (SELECT count(*) FROM oauth_token WHERE grant_number = number) FROM oauth_grant ORDER BY number DESC LIMIT 1").fetchall()
        finally:
            db.close()

    def cookie(self, house):
        return {"Cookie": f"__Host-session={house.person.session.cookies['__Host-session']}"}

    def code(self, house):
        asked = {"client_id": house.app[0], "response_type": "code", "redirect_uri": "https://site.example/cb"}
        return answer(house.person.consent("/oauth/authorize?" + urlencode(asked)))["code"]


class LogIn(Someone):
    def do(self, house):
        return house.faulty.once("POST", "/api/authenticate", urlencode({"username": ADMIN[0], "password": ADMIN[1]}), self.form, None)


class Settings(Someone):
    """A page says what is wrong on a page."""

    def do(self, house):
        status, content = house.faulty.once("GET", SETTINGS, None, self.cookie(house), None)
        if status not in self.ok and content.startswith(b"<!DOCTYPE html>"):
            assert b"role='alert'" in content and content.endswith(b"</html>\n"), content
            content = self.in_other_words
        return status, content


class Tokens(Someone):
    """A code becomes a token, or it is as good as it was."""

    def prepare(self, house):
        super().prepare(house)
        self.secret = self.code(house)
        self.before = self.look(house)

    def sent(self, house):
        return {"grant_type": "authorization_code", "code": self.secret, "redirect_uri": "https://site.example/cb"}

    def do(self, house):
        body = urlencode(dict(self.sent(house), client_id=house.app[0], client_secret=house.app[1]))
        status, content = house.faulty.once("POST", "/oauth/token", body, self.form, None)
        if status not in self.ok and json.loads(content)["error"] in ("temporarily_unavailable", "server_error"):
            assert set(json.loads(content)) == {"error", "error_description"}
            content = self.in_other_words
        return status, content

    def states(self, house):
        number, used, tokens = self.before[0]
        assert (used, tokens) == (0, 0)
        return self.before, [(number, 1, 1)]


class Bearer(Someone):
    """A call with a token."""

    def prepare(self, house):
        super().prepare(house)
        if not hasattr(self, "token"):
            sent = {"grant_type": "authorization_code", "code": self.code(house), "redirect_uri": "https://site.example/cb", "client_id": house.app[0], "client_secret": house.app[1]}
            self.token = json.loads(house.talk.once("POST", "/oauth/token?" + urlencode(sent), auth=None)[1])["access_token"]
            self.before = self.look(house)

    def do(self, house):
        return house.faulty.once("GET", "/api/users/current.json", None, {"Authorization": f"OAuth {self.token}"}, None)


def slices():
    for at in range(0, len(CHANGE_JSON), 7):
        yield CHANGE_JSON[at:at + 7].encode()


CHANGE = [{"k": "3", "a": "changed"}, {"k": "100", "a": "new", "n": "1.25", "p": {"type": "Point", "coordinates": [1.5, 2.5]}}, {"k": "4", ":deleted": True}]
CHANGE_JSON = json.dumps(CHANGE)


def changed():
    rows = [dict(r, a="changed") if r["k"] == "3" else r for r in BEFORE if r["k"] != "4"]
    return rows + [CHANGE[1]]


CHANGED = changed()
ONE = [dict(r, a="one") if r["k"] == "7" else r for r in BEFORE]
CSV = "k,a,n\n3,by csv,3.50\n200,\"new, by csv\",7\n"
BY_CSV = [dict(r, a="by csv") if r["k"] == "3" else r for r in BEFORE] + [{"k": "200", "a": "new, by csv", "n": "7"}]
SKIPPED = '[{"k":7,"a":"one"},{"k":8,"p":"nowhere"}]'
REPLACED = [{"k": str(i), "a": "replaced"} for i in range(5)]

SCENARIOS = {
    "upsert_json": Rows("POST", body=CHANGE_JSON, headers=JSON, after=CHANGED, cold=True),
    "upsert_csv": Rows("POST", body=CSV, headers={"Content-Type": "text/csv"}, after=BY_CSV),
    "upsert_ndjson": Rows("POST", body="\n".join(map(json.dumps, CHANGE)), headers={"Content-Type": "application/x-ndjson"}, after=CHANGED),
    "upsert_gzip": Rows("POST", body=gzip.compress(CHANGE_JSON.encode()), headers=dict(JSON, **{"Content-Encoding": "gzip"}), after=CHANGED),
    "upsert_chunked": Rows("POST", body=slices, headers=JSON, after=CHANGED),
    "upsert_versioned": Rows("POST", ".json?$$version=2.0", body=CHANGE_JSON, headers=JSON, after=CHANGED),
    "upsert_report": Rows("POST", ".json?report=rows", body=CHANGE_JSON, headers=JSON, after=CHANGED),
    "upsert_dry_run": Rows("POST", ".json?dryRun=true", body=CHANGE_JSON, headers=JSON),
    "upsert_one_object": Rows("POST", body='{"k":7,"a":"one"}', headers=JSON, after=ONE),
    "upsert_twice": Rows("POST", body='[{"k":7,"a":"one"}]', headers=JSON, after=ONE, times=2),
    "upsert_skip": Rows("POST", ".json?onError=skip", body=SKIPPED, headers=JSON, after=ONE),
    "upsert_repeated": Repeated("POST", body='[{"k":7,"a":"one"}]', after=ONE, times=2),
    "upsert_big": BigUpsert(),
    "refused_value": Rows("POST", body='[{"k":"x","a":1},{"k":2,"p":"nowhere"}]', headers=JSON, ok=(400,)),
    "refused_text": Rows("POST", body='[{"k":1},{"k":', headers=JSON, ok=(400,)),
    "replace": Rows("PUT", body=json.dumps(REPLACED), headers=JSON, after=REPLACED),
    "replace_by_nothing": Rows("PUT", body="[]", headers=JSON, after=[]),
    "truncate": Rows("DELETE", after=[]),
    "row_get": Rows("GET", "/5.json"),
    "row_merge": Rows("POST", "/7.json", body='{"a":"one"}', headers=JSON, after=ONE, cold=True),
    "row_replace": Rows("PUT", "/7.json", body='{"a":"one","n":"7.50"}', headers=JSON, after=ONE),
    "row_delete": Rows("DELETE", "/7.json", after=[r for r in BEFORE if r["k"] != "7"]),
    "report_get": Report("GET"),
    "query": Rows("GET", ".json?a=row%205&$order=a%20DESC&$limit=3"),
    "query_columns": Rows("GET", ".json?$select=a,k,:id&$limit=20&$offset=5", cold=True),
    "query_functions": Rows("GET", ".json?$select=upper(a)%20as%20u,n*1.5%20as%20m&$where=k%20%3E%203%20AND%20a%20like%20%27row%25%27&$order=m%20DESC"),
    "query_groups": Rows("GET", ".json?$select=a,sum(n)%20as%20s,count(*)%20as%20c&$group=a&$having=c%20%3E%200&$order=s"),
    "query_space": Rows("GET", ".json?$select=k,p&$where=within_circle(p,1.5,2.5,100)"),
    "query_csv": Rows("GET", ".csv"),
    "query_refused": Rows("GET", ".json?$where=nothing%20%3D%201", ok=(400,)),
    "read_big": Big("GET", ".json"),
    "read_big_csv": Big("GET", ".csv"),
    "connect": Rows("GET", fresh=True),
    "wrong_password": Rows("GET", auth=("admin", "wrong"), ok=(401,)),
    "plain_http": Plain("GET", ok=(301, 302, 307, 308)),
    "reload": Reload("GET"),
    "log_in": LogIn(),
    "settings": Settings(),
    "oauth_token": Tokens(),
    "bearer": Bearer(),
    "ready": Page("/readyz"),
    "metrics": Page("/metrics"),
    "audit": Page("/seltzer/audit.json?limit=50"),
    "view_get": View("GET"),
    "view_update": View("PUT", body=lambda h: {"name": h.view["name"] + "+" if len(h.view["name"]) < 40 else "a test"},
                        change=lambda h: dict(h.view, name=h.view["name"] + "+" if len(h.view["name"]) < 40 else "a test")),
    "column_add": View("POST", "/columns", body=lambda h: {"name": f"C {len(h.view['columns'])}", "fieldName": f"c_{len(h.view['columns'])}", "dataTypeName": "text"},
                       change=lambda h: dict(h.view, columns=h.view["columns"] + [f"c_{len(h.view['columns'])}"])),
    "row_identifier": Identifier("PUT"),
    "create": Create(),
    "key_make": KeyMade(),
    "key_end": KeyEnded(),
    "key_use": KeyUsed("GET"),
    "share": Shared(),
    "user_get": Page("/api/users/current"),
    "command": Command(),
    "delete": Delete(),
}


# ── one failure ──

def well_formed(status, content, ok):
    if status in ok:
        return True
    assert status in FAULT_STATUSES, (status, content[:600])
    body = json.loads(content)
    assert body["error"] is True and body["message"] and body["code"] and body["errorCode"], body
    return False


def attempt(house, scenario, *wish, **more):
    """Does it under a wish; (how often the wish came true, the calls seen)."""
    scenario.prepare(house)
    if not house.faulty.connection:
        house.faulty.open()
    house.page.arm(*wish, **more)
    try:
        reply = scenario.do(house)
    except Closed:
        reply = None
    finally:
        house.page.disarm()
    fired, seen = house.page.fired, house.page.seen()
    assert house.server.alive(), house.server.said()[-6000:]
    done = well_formed(*reply, scenario.ok) if reply else None
    old, new = scenario.states(house)
    now = scenario.look(house)
    if done:
        assert now == new, f"answered {reply[0]}, but it is {str(now)[:600]}, not {str(new)[:600]}"
    elif done is False and getattr(scenario, "times", 1) > 1:
        assert now in (old, new), str(now)[:600]  # the first of several was done
    elif done is False:
        assert now == old, f"answered {reply[0]} {reply[1][:300]!r}, but it is {str(now)[:600]}, not {str(old)[:600]}"
    else:
        assert now in (old, new), f"closed, and it is neither old nor new: {str(now)[:600]}"
    return fired, seen, reply


def spread(n, most, numbers):
    """1 to n; of more than `most`, those at both ends and some between."""
    third = most // 3
    if n <= most:
        return range(1, n + 1)
    return sorted([*range(1, third + 1), *numbers.sample(range(third + 1, n - third + 1), most - 2 * third), *range(n - third + 1, n + 1)])


def choose(seen, name, most=sys.maxsize):
    """All the failures, or a seeded sample in which each kind of call has the same weight."""
    kinds = [k for k in KINDS if seen[k]]
    numbers = random.Random(f"{SEED} {name}")
    found = []
    if AMOUNT == "all":
        for kind in kinds:
            ways = WAYS[kind]
            for n in spread(seen[kind], most, numbers):
                found += [(kind, n, way) for way in (ways if seen[kind] <= ALL_WAYS else [ways[n % len(ways)]])]
        return found
    for _ in range(int(AMOUNT) if most == sys.maxsize else -(-int(AMOUNT) // 4)):
        kind = numbers.choice(kinds + ["malloc"])
        found.append((kind, numbers.randint(1, seen[kind] or 1), numbers.choice(WAYS[kind])))
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    h = House(tmp_path_factory.mktemp("torture"))
    yield h
    h.end()


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_any_call_may_fail_once(house, name):
    print(f"SELTZER_SEED={SEED}")
    scenario = SCENARIOS[name]
    for _ in range(2):  # what is made at first use is there then
        _, seen, reply = attempt(house, scenario, COUNT)
        assert reply and reply[0] in scenario.ok, f"without any failure: {reply}"
    open_before = house.server.settles(house.server.descriptors, None, 0.3)
    wishes = choose(seen, name, getattr(scenario, "most", sys.maxsize))
    failed = 0
    for kind, n, way in wishes:
        try:
            fired, _, _ = attempt(house, scenario, FAIL, kind=kind, first=n, number=way)
            failed += fired
        except AssertionError as e:
            raise AssertionError(f"{name}: {kind} number {n} failing with {way}: {e}") from e
    if getattr(scenario, "undo", None):
        scenario.undo(house)
    house.faulty.close()
    house.faulty.open()
    open_after = house.server.settles(house.server.descriptors, open_before)
    assert open_after == open_before, f"descriptors stay open: {open_before} became {open_after}"
    assert house.server.scratch_files() == [] and house.server.leftovers() == []
    house.talk.healthy("POST", house.url(), '[{"k":3,"a":"after"}]', JSON)
    house.put_back()
    print(f"{name}: {len(wishes)} calls, {failed} failures")
    assert failed > 0 or AMOUNT != "all"


def test_a_call_interrupted_in_a_goodbye_does_not_keep_the_connection(house):
    """Of a client that leaves without a word, OpenSSL takes leave by an alert. The signal that interrupts that alert's send is no
    reason to wait for more of this client: its socket stayed open for as long as an idle one."""
    house.faulty.close()
    open_before = house.server.settles(house.server.descriptors, None, 0.3)
    fired = 0
    for _ in range(20):
        house.page.arm(FAIL, "send", first=3, number=errno.EINTR)
        house.faulty.open()
        house.faulty.close()
        house.server.settles(house.server.descriptors, open_before, 2)
        house.page.disarm()
        fired += house.page.fired
        if fired:
            break
    assert fired, "the third send, the alert, never came"
    assert house.server.settles(house.server.descriptors, open_before) == open_before


def test_what_is_called_is_made_to_fail_or_excused():
    """Every function of a library that the server calls stands in faults.c or, with the reason, in tests/fault/not-failing."""
    def symbols(binary, *which):
        lines = subprocess.run(["nm", *which, binary], check=True, capture_output=True, text=True).stdout.splitlines()
        return {line.split()[-1].split("@")[0] for line in lines if line and not line.endswith(":")}

    faulty = os.environ.get("SELTZER_FAULTY", "build/asan/fault/seltzer")
    excused = set()
    with open("tests/fault/not-failing") as f:
        for line in f:
            excused.update(line.split() if not line.startswith("#") else [])
    server = os.environ.get("SELTZER", "build/asan/seltzer")
    ours = os.path.join(os.path.dirname(server), "libseltzer.a")  # the program holds what clang's sanitizers call too
    called = {s for s in symbols(ours, "--undefined-only") - symbols(ours, "--defined-only") if not s.startswith("_")}
    libm = re.search(r"libm\.so\S* => (\S+)", subprocess.run(["ldd", server], check=True, capture_output=True, text=True).stdout)
    called -= symbols(libm[1], "-D", "--defined-only")
    called -= {"stdin", "stdout", "stderr"}  # no functions
    assert {"malloc", "fsync", "SSL_read_ex", "sqlite3_step"} <= called
    made_to_fail = symbols(os.path.join(os.path.dirname(faulty), "faults.o"), "--defined-only")
    assert {"malloc", "fsync"} <= made_to_fail
    assert {s for s in called - made_to_fail if not any(fnmatch.fnmatch(s, e) for e in excused)} == set()
    assert excused & made_to_fail == set()


@pytest.mark.parametrize("kind", ["read", "write", "receive", "send"])
def test_short_reads_and_writes_do_not_show(house, kind):
    """Half of what was asked for, every time: everything works as ever."""
    for name in ("upsert_json", "replace", "read_big", "query", "create", "connect"):
        scenario = SCENARIOS[name]
        fired, _, reply = attempt(house, scenario, SHORT, kind=kind, first=1, times=2 ** 31)
        if kind != "read" or (reply and reply[0] in scenario.ok):
            assert reply and reply[0] in scenario.ok, f"{name}: {reply}"


def test_a_disk_that_stays_broken_is_503_until_it_is_whole(house):
    """Syncs fail until further notice: no write is acknowledged, reads go on, and then all works without a restart."""
    scenario = SCENARIOS["upsert_json"]
    scenario.prepare(house)
    for kind in ("sync", "write"):
        house.page.arm(FAIL, kind, 1, 2 ** 31, 5)
        for _ in range(5):
            with contextlib.suppress(Closed):
                status, content = house.faulty.once("POST", house.url(), CHANGE_JSON, JSON)
                assert status in (503, 507), (status, content)
                assert status == 507 or json.loads(content)["error"] is True
        house.page.disarm()
        assert house.look_rows() == BEFORE
        house.talk.healthy("POST", house.url(), CHANGE_JSON, JSON)
        assert house.look_rows() == CHANGED
        house.put_back()


def start_failing(server, kind, n, way):
    """True when the server came up."""
    server.faults.arm(FAIL, kind, first=n, number=way)
    environment = dict(os.environ, SELTZER_FAULTS=server.faults.path, SELTZER_ADMIN_PASSWORD=ADMIN[1],
                       ASAN_OPTIONS="detect_leaks=1:abort_on_error=0:fast_unwind_on_malloc=0",  # stacks through OpenSSL, to tell whose leak it is
                       LSAN_OPTIONS="print_suppressions=0")
    process = subprocess.Popen([server.binary, "serve", "--data", server.data, "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    line = process.stdout.readline()
    server.faults.disarm()
    came_up = line.startswith("ready ")
    if came_up:
        process.send_signal(signal.SIGTERM)
    try:
        _, said = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("neither ready nor gone") from None
    assert "Sanitizer" not in said and "runtime error" not in said, said[-5000:]
    assert process.returncode == 0 if came_up else process.returncode in (1, 2), (process.returncode, said)
    assert came_up or said.strip(), "it ended without a word"
    return came_up


def test_any_call_may_fail_at_the_start(tmp_path):
    """It comes up, or says why not; nothing is lost, and the next start works."""
    house = House(tmp_path)
    assert house.server.stop() == 0
    house.server.faults.arm(COUNT)
    house.server.start()
    seen = house.server.faults.seen()
    rows = house.look_rows()
    assert house.server.stop() == 0
    numbers = random.Random(f"{SEED} start")
    print(f"SELTZER_SEED={SEED}")
    wishes = choose(seen, "start")
    if AMOUNT == "all":  # OpenSSL alone asks for memory tens of thousands of times
        wishes = numbers.sample(wishes, min(len(wishes), 1500))
    with open(house.server.ca, "rb") as f:
        authority = f.read()
    for kind, n, way in wishes:
        try:
            start_failing(house.server, kind, n, way)
        except AssertionError as e:
            raise AssertionError(f"start: {kind} number {n} failing with {way}: {e}") from e
    print(f"start: {len(wishes)} calls, {len(wishes)} failures")
    with open(house.server.ca, "rb") as f:
        assert f.read() == authority, "clients would trust it no more"
    house.server.start()
    house.talk.close()
    assert house.look_rows() == rows == BEFORE
    house.end()


def test_any_call_may_fail_at_the_very_first_start(tmp_path):
    """A data directory that was only half made is no obstacle: the next start makes the rest, and the administrator gets in."""
    print(f"SELTZER_SEED={SEED}")

    def fresh():
        shutil.rmtree(tmp_path / "data", ignore_errors=True)
        return FaultyServer(tmp_path / "data")

    server = fresh()
    server.faults.arm(COUNT)
    server.start()
    seen = server.faults.seen()
    assert server.stop() == 0
    wishes = choose(seen, "first start")
    if AMOUNT == "all":
        wishes = random.Random(f"{SEED} first").sample(wishes, min(len(wishes), 1000))
    for kind, n, way in wishes:
        server = fresh()
        try:
            start_failing(server, kind, n, way)
            server.start()
            assert server.api().get("/api/users/current.json").status_code == 200
            assert server.stop() == 0
            server.check_clean()
        except AssertionError as e:
            raise AssertionError(f"first start: {kind} number {n} failing with {way}: {e}") from e
    print(f"first start: {len(wishes)} calls, {len(wishes)} failures")
