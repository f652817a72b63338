"""Who may do what, in full: every address that the server answers, nine kinds of caller, three scopes (docs/rights.md).

What must come is written down here by hand, an address at a time, and is held against two things: what the server's own tables say
(`seltzer rights`), and what it does over HTTPS. So neither table nor code can be wrong without the other, or this page, telling.

A letter a caller: y allowed (whatever comes of it), l told to log in (403), n no right (403), x wrong credentials (401), p a page's own
refusal of a form that is not its own (403)."""

import subprocess

import pytest

import rights_document

PASSWORD = "the password of somebody"
CALLERS = ["anonymous", "viewer", "editor", "owner", "administrator", "other", "read key", "write key", "revoked key"]
SCOPES = ["public", "site", "private"]

# kind: what comes for a public dataset, one of scope site, a private one; one string where there is no dataset.
# The owner is a publisher, the other user owns another dataset and has no role; the keys are the owner's.
KINDS = {
    "read":       ("yyyyyyyyx", "lyyyynynx", "lnnyynynx"),
    "append":     ("lnyyynnyx", "lnyyynnyx", "lnnyynnyx"),
    "replace":    ("lnyyynnyx", "lnyyynnyx", "lnnyynnyx"),
    "metadata":   ("lnyyynnyx", "lnyyynnyx", "lnnyynnyx"),
    "own":        ("lnnyynnnx", "lnnyynnnx", "lnnyynnnx"),
    "make":       ("lnnyynnnx",),
    "self":       ("lyyyyyyyx",),
    "keys":       ("lyyyyynnx",),
    "operate":    ("lnnnynnnx",),
    "administer": ("lnnnynnnx",),
    "open":       ("yyyyyyyyx",),
    "form":       ("ppppppppx",),  # sent without the proof that a page of ours made it
    "shows itself": ("xxxxxxxxx",),      # an application's or a person's own credentials are in the body; these are nobody's
}
ADDRESSES = {
    "GET /resource/:id": "read", "POST /resource/:id": "append", "PUT /resource/:id": "replace", "DELETE /resource/:id": "replace",
    "GET /resource/:id/:row": "read", "POST /resource/:id/:row": "append", "PUT /resource/:id/:row": "append", "DELETE /resource/:id/:row": "append",
    "GET /id/:id": "read", "POST /id/:id": "append", "PUT /id/:id": "replace", "DELETE /id/:id": "replace",
    "GET /id/:id/:row": "read", "POST /id/:id/:row": "append", "PUT /id/:id/:row": "append", "DELETE /id/:id/:row": "append",
    "GET /api/id/:id": "read", "POST /api/id/:id": "append", "PUT /api/id/:id": "replace", "DELETE /api/id/:id": "replace",
    "GET /api/id/:id/:row": "read", "POST /api/id/:id/:row": "append", "PUT /api/id/:id/:row": "append", "DELETE /api/id/:id/:row": "append",
    "GET /api/views": "open", "POST /api/views": "make", "GET /views": "open", "POST /views": "make",
    "GET /api/views/:id": "read", "PUT /api/views/:id": "metadata", "DELETE /api/views/:id": "own", "POST /api/views/:id/publication": "own",
    "GET /views/:id": "read", "PUT /views/:id": "metadata", "DELETE /views/:id": "own", "POST /views/:id/publication": "own",
    "GET /api/views/:id/permissions": "own", "PUT /api/views/:id/permissions": "own", "GET /views/:id/permissions": "own", "PUT /views/:id/permissions": "own",
    "GET /api/views/:id/columns": "read", "POST /api/views/:id/columns": "metadata", "GET /views/:id/columns": "read", "POST /views/:id/columns": "metadata",
    "GET /api/geocoding/:id": "read",
    "GET /api/api_keys": "keys", "POST /api/api_keys": "keys", "GET /api/api_keys/:key": "keys", "DELETE /api/api_keys/:key": "keys",
    "GET /api/users/current": "self", "GET /users/current": "self", "GET /api/users/:user": "open", "GET /users/:user": "open",
    "GET /api/version": "open", "GET /healthz": "open", "GET /readyz": "open", "GET /metrics": "operate",
    "GET /seltzer/reports/:report": "self", "GET /seltzer/audit": "administer", "GET /seltzer/style.css": "open",
    "GET /oauth/authorize": "open", "POST /oauth/authorize": "form", "GET /.well-known/oauth-authorization-server": "open",
    "POST /oauth/access_token": "shows itself", "POST /oauth/token": "shows itself", "POST /oauth/revoke": "shows itself",
    "GET /login": "open", "POST /login": "form", "POST /logout": "form", "POST /api/authenticate": "shows itself",
    "GET /profile/edit/developer_settings": "open", "POST /profile/edit/developer_settings": "form", "GET /profile/app_tokens": "open",
}


# ── the server's tables ──

@pytest.fixture(scope="module")
def tables(server):
    """Its actions {name: (role, grant, key)} and addresses {"METHOD pattern": (has a dataset, action)}."""
    out = subprocess.run([server.binary, "rights"], capture_output=True, text=True, check=True, timeout=30).stdout
    actions, routes = (part.splitlines() for part in out.split("\n\n"))
    return ({name: rest[:3] for name, *rest in (line.split("\t") for line in actions)},
            {f"{method} {pattern}": (dataset == "dataset", action) for method, pattern, dataset, action in (line.split("\t") for line in routes)})


ROLES = ["anybody", "signed in", "viewer", "editor", "publisher", "administrator"]
HAS = {"anonymous": "anybody", "viewer": "viewer", "editor": "editor", "owner": "publisher", "administrator": "administrator", "other": "signed in",
       "read key": "publisher", "write key": "publisher"}
KEYS = {"read key": ["read"], "write key": ["append", "replace", "metadata"]}


def by_the_tables(action, scope, caller):
    """What a line of the actions comes to, by the three sentences of docs/rights.md."""
    role, grant, key = action
    if caller == "revoked key":
        return "x"
    least = ROLES.index(role.split(",")[0])  # an operator's network asks nothing here, an application neither (test_oauth.py)
    is_open = least == 0 and scope in (None, "public")
    if not is_open and caller in KEYS and key != "any key" and key not in KEYS[caller]:
        return "n"
    have = ROLES.index(HAS[caller])
    shown = scope in (None, "public") or (scope == "site" and have >= ROLES.index("viewer"))
    granted = scope and grant != "-" and caller in ("owner", "read key", "write key")
    if is_open or (shown and have >= least) or granted or caller == "administrator":
        return "y"
    return "l" if caller == "anonymous" else "n"


def test_every_address_has_its_line_here_and_none_too_many(tables):
    assert sorted(tables[1]) == sorted(ADDRESSES), "an address that is new is written down here by hand: who may call it?"


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_servers_tables_say_the_same(tables, address):
    actions, routes = tables
    has_dataset, action = routes[address]
    kind = ADDRESSES[address]
    assert has_dataset == (len(KINDS[kind]) == 3)
    if kind in ("form", "shows itself"):
        assert action in ("PAGE", "OAUTH_CLIENT") and actions[action][0] == "anybody"
        return
    for scope, letters in zip(SCOPES if has_dataset else [None], KINDS[kind]):
        assert "".join(by_the_tables(actions[action], scope, caller) for caller in CALLERS) == letters, (scope, action)


def test_the_page_is_made_from_the_tables(server):
    text, made = rights_document.read(), rights_document.tables(server.binary)
    assert set(made) == {"actions", "routes"}
    assert rights_document.written(text, made) == text, "docs/rights.md is old: SELTZER=build/seltzer python3 tests/wire/rights_document.py"


# ── what it does ──

@pytest.fixture(scope="module")
def callers(server):
    who = {"anonymous": server.api(auth=None), "administrator": server.api()}
    for name, role in (("viewer", "viewer"), ("editor", "editor"), ("owner", "publisher"), ("other", "none")):
        who[name] = server.add_user(f"{name}.of.rights@example.org", PASSWORD, role)
    for name, rights in dict(KEYS, **{"revoked key": ["all"]}).items():
        key = who["owner"].post("/api/api_keys", json={"keyName": name, "rights": rights}).json()
        who[name] = server.api((key["keyId"], key["keySecret"]))
    who["owner"].delete(f"/api/api_keys/{key['keyId']}")
    own = who["administrator"].create({"k": "text"})
    server.run("grant", "owner", own, "other.of.rights@example.org")
    return who


class Subject:
    """The owner's dataset of one scope, made anew after somebody who may has changed it."""

    def __init__(self, owner, scope):
        self.owner, self.scope, self.id = owner, scope, None

    def seen(self):
        parts = [self.owner.get(f"/api/views/{self.id}"), self.owner.get(f"/api/views/{self.id}/permissions"), self.owner.get(f"/resource/{self.id}.json?$select=:*,*")]
        return [(part.status_code, part.text) for part in parts]

    def ready(self):
        if not self.id:
            self.id = self.owner.create({"k": "text", "n": "number"}, key="k")
            self.owner.upsert_ok(self.id, [{"k": "1", "n": 1}])
            assert self.owner.put(f"/api/views/{self.id}/permissions", json={"scope": self.scope}).status_code == 200
            self.before = self.seen()
        return self.id


BODIES = {"POST /resource/:id": [{"k": "2"}], "POST /id/:id": [{"k": "2"}], "POST /api/id/:id": [{"k": "2"}], "PUT /resource/:id": [], "PUT /id/:id": [], "PUT /api/id/:id": []}


def ask(callers, caller, address, dataset, scope):
    method, pattern = address.split(" ")
    path = pattern.replace(":id", dataset or "").replace(":row", "1").replace(":key", "abcdefghijklmnopqrstuvwxy").replace(":user", "zzzz-9999").replace(":report", "none")
    if pattern.startswith(("/oauth", "/login", "/logout", "/profile", "/api/authenticate")) and method == "POST":
        return callers[caller].request(method, path, data={"grant_type": "authorization_code", "code": "none", "token": "none", "username": "nobody", "password": "nothing at all"})
    body = BODIES.get(address)
    if pattern.endswith("/permissions"):
        body = {"scope": scope}
    elif pattern.endswith("/columns"):
        body = {"name": "more", "dataTypeName": "text"}
    elif pattern.endswith("/views"):
        body = {"name": "made by test_rights"}
    elif pattern.endswith("/api_keys"):
        body = {"keyName": f"made by {caller}"}
    elif pattern.endswith("/:row"):
        body = {"n": 2}
    elif body is None:
        body = {"description": "changed"}
    return callers[caller].request(method, path, **({} if method == "GET" else {"json": body}))


def letter_of(reply):
    if reply.status_code == 401:
        return "x"
    if reply.status_code == 403:
        code = reply.json().get("code") if "json" in reply.headers["Content-Type"] else None
        return {"authentication_required": "l", "permission_denied": "n"}.get(code, "p")
    assert reply.status_code < 500, reply.text
    return "y"


PRIVATE_HEADERS = ("ETag", "Last-Modified", "X-SODA2-Truth-Version", "X-SODA2-Truth-Last-Modified", "X-SODA2-Fields", "X-SODA2-Types", "Content-Disposition")


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_it_does(callers, address):
    letters_of_scopes = KINDS[ADDRESSES[address]]
    for scope, letters in zip(SCOPES if len(letters_of_scopes) == 3 else [None], letters_of_scopes):
        subject = Subject(callers["owner"], scope) if scope else None
        refusals = {}
        # First who may not: then what is there must be as it was.
        for caller, letter in sorted(zip(CALLERS, letters), key=lambda pair: pair[1] == "y"):
            reply = ask(callers, caller, address, subject and subject.ready(), scope)
            assert letter_of(reply) == letter, (address, scope, caller, reply.status_code, reply.text[:300])
            if letter in "ln" and subject:
                refusals.setdefault((letter, "key" in caller), set()).add(reply.text.replace(reply.headers["X-Socrata-RequestId"], "ID"))
                assert not [h for h in PRIVATE_HEADERS if h in reply.headers]
                assert subject.seen() == subject.before, (address, scope, caller)
            if letter == "y" and not address.startswith("GET ") and subject:
                subject.id = None
        assert all(len(texts) == 1 for texts in refusals.values()), refusals


def test_of_a_private_dataset_a_stranger_reads_the_same_on_every_address(callers):
    """One body for each sort of stranger, on all addresses with a dataset, with HEAD and conditions too."""
    subject = Subject(callers["owner"], "private")
    d = subject.ready()
    tag = callers["owner"].get(f"/resource/{d}.json").headers["ETag"]
    for caller in ("anonymous", "viewer", "other"):
        told = set()
        for address, kind in ADDRESSES.items():
            if len(KINDS[kind]) == 3:
                told.add(ask(callers, caller, address, d, "private").text)
        for path in (f"/resource/{d}.csv", f"/resource/{d}.geojson", f"/resource/{d}/none.json", f"/resource/{d}.json?$select=nope", f"/resource/{d}.json?$query=select%20*", f"/resource/{d}?bad=1",
                     f"/api/views?method=getDefaultView&id={d}", f"/api/geocoding/{d}?method=pending"):
            told.add(callers[caller].get(path).text)
        for condition in ({"If-None-Match": tag}, {"If-None-Match": "*"}, {"If-Match": "*"}, {"If-Modified-Since": "Wed, 01 Jan 2098 00:00:00 GMT"}, {"Range": "bytes=0-1"}):
            told.add(callers[caller].get(f"/resource/{d}.json", headers=condition).text)
        assert len(told) == 1, told
        head = callers[caller].request("HEAD", f"/resource/{d}.json")
        assert head.status_code == 403 and not [h for h in PRIVATE_HEADERS if h in head.headers]
        assert d not in callers[caller].get("/api/views?limit=1000").text + callers[caller].get(f"/api/views?method=getByIds&ids={d}").text
    assert subject.seen() == subject.before
