"""API keys (docs/wire/api-keys.md): made, listed and ended over the wire, and used in the place of a password."""

import base64
import re
import time

import pytest

from client import Server, refused, status_of

PASSWORD = "the password of somebody"
counter = iter(range(1, 100000))


@pytest.fixture(scope="module")
def anna(server):
    """A publisher with keys of her own."""
    return server.add_user("anna.keys@example.org", PASSWORD)


@pytest.fixture(scope="module")
def bert(server):
    return server.add_user("bert.keys@example.org", PASSWORD, "none")


def make(who, **more):
    reply = who.post("/api/api_keys", json=dict({"keyName": f"key {next(counter)}"}, **more))
    assert reply.status_code == 200, reply.text
    return reply.json()


def with_key(server, key):
    return server.api((key["keyId"], key["keySecret"]))


def dataset(api, **more):
    d = api.create({"k": "text", "n": "number"}, key="k", **more)
    api.upsert_ok(d, [{"k": "1", "n": 1}])
    return d


def api_key_error(reply, status, code):
    body = refused(reply, status, code)
    assert body["code"] == code
    return body


# ── made, shown, ended ──

def test_a_key_is_shown_with_its_secret_once(anna):
    key = make(anna, keyName="nightly job")
    assert re.fullmatch("[a-z0-9]{25}", key["keyId"]) and re.fullmatch("slzk_[A-Za-z0-9]{43}", key["keySecret"])
    me = anna.get("/api/users/current.json").json()
    assert key["owner"] == {"id": me["id"], "displayName": me["displayName"], "email": "anna.keys@example.org"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", key["createdAtTimestamp"]) and abs(key["createdAt"] - time.time()) < 60
    assert key["rights"] == ["all"] and "datasets" not in key and "lastUsedAt" not in key and "deletedAt" not in key and "expiresAt" not in key
    secret = key.pop("keySecret")
    reply = anna.get(f"/api/api_keys/{key['keyId']}.json")
    assert reply.json() == key and reply.headers["Cache-Control"] == "no-store"
    listed = anna.get("/api/api_keys?nameSearch=nightly")
    assert listed.json() == [key] and secret not in listed.text
    ended = anna.delete(f"/api/api_keys/{key['keyId']}").json()
    assert ended["deletedAtTimestamp"] and abs(ended["deletedAt"] - time.time()) < 60
    assert anna.get("/api/api_keys?nameSearch=nightly").json() == []
    assert anna.get("/api/api_keys?nameSearch=nightly&includeDeleted=true").json() == [ended]
    api_key_error(anna.delete(f"/api/api_keys/{key['keyId']}"), 400, "API_KEY.TOKEN_DELETED")


def test_the_list_is_cut_into_pages(server):
    who = server.add_user("pages@example.org", PASSWORD)
    for name in "gbadfceh":
        make(who, keyName=name)
    pages, after = [], ""
    while True:
        page = who.get(f"/api/api_keys?limit=3&sortBy=name&sortOrder=desc{after}").json()
        if not page:
            break
        pages.append("".join(k["keyName"] for k in page))
        after = "&seek=" + page[-1]["keyId"]
    assert pages == ["hgf", "edc", "ba"]
    assert "".join(k["keyName"] for k in who.get("/api/api_keys").json()) == "gbadfceh"  # as they were made
    first = who.get("/api/api_keys?sortBy=name").json()[0]
    who.delete(f"/api/api_keys/{first['keyId']}")
    # A key that was deleted since still tells where its page ended.
    assert "".join(k["keyName"] for k in who.get(f"/api/api_keys?sortBy=name&limit=2&seek={first['keyId']}").json()) == "bc"
    assert who.get(f"/api/api_keys?nameSearch={first['keyId']}&includeDeleted=true").json()[0]["keyName"] == "a"
    assert [k["keyName"] for k in who.get("/api/api_keys?sortBy=deleted_at&sortOrder=DESC&includeDeleted=true&limit=1").json()] == ["a"]


@pytest.mark.parametrize("query,code", [("limit=0", "API_KEY.INVALID_PAGE_SIZE"), ("limit=101", "API_KEY.INVALID_PAGE_SIZE"), ("limit=x", "API_KEY.INVALID_PAGE_SIZE"),
                                        ("sortBy=secret", "API_KEY.INVALID_SORT_COLUMN"), ("sortOrder=up", "req.bad-parameter"), ("includeDeleted=2", "req.bad-parameter")])
def test_a_list_that_cannot_be_is_refused(anna, query, code):
    refused(anna.get(f"/api/api_keys?{query}"), 400, code)
    assert anna.get("/api/api_keys?limit=100").status_code == 200


@pytest.mark.parametrize("body,code", [
    ({}, "API_KEY.MISSING_FIELD"), ({"keyName": None}, "API_KEY.MISSING_FIELD"), ({"keyName": 7}, "API_KEY.MISSING_FIELD"), ({"keyName": "  "}, "API_KEY.MISSING_FIELD"),
    ({"keyName": "n" * 256}, "API_KEY.NAME_TOO_LONG"), ({"keyName": "taken"}, "API_KEY.API_KEY.NAME_TAKEN"), ([], "req.content.json.not-object"),
    ({"keyName": "a\u0007"}, "invalid-request"), ({"keyName": "a\u009b2J"}, "invalid-request"), ({"keyName": "a\u202eb"}, "invalid-request"), ({"keyName": "a\u2028b"}, "invalid-request"),
    # A limit that cannot be read must not become none.
    ({"keyName": "x", "rights": []}, "invalid-request"), ({"keyName": "x", "rights": None}, "invalid-request"), ({"keyName": "x", "rights": "read"}, "invalid-request"),
    ({"keyName": "x", "rights": ["read", "everything"]}, "invalid-request"), ({"keyName": "x", "datasets": []}, "invalid-request"),
    ({"keyName": "x", "datasets": None}, "invalid-request"), ({"keyName": "x", "datasets": [7]}, "invalid-request"), ({"keyName": "x", "datasets": "abcd-efgh"}, "invalid-request"),
    ({"keyName": "x", "expiresAt": "tomorrow"}, "invalid-request"), ({"keyName": "x", "expiresAt": "2020-01-01T00:00:00Z"}, "invalid-request"),
    ({"keyName": "x", "expiresAt": 1}, "invalid-request"), ({"keyName": "x", "expiresAt": True}, "invalid-request"), ({"keyName": "x", "expiresAt": 1e300}, "invalid-request"),
])
def test_a_key_that_cannot_be_is_not_made(anna, body, code):
    if not anna.get("/api/api_keys?nameSearch=taken").json():
        make(anna, keyName="taken")
    before = len(anna.get("/api/api_keys?limit=100").json())
    refused(anna.post("/api/api_keys", json=body), 400, code)
    assert len(anna.get("/api/api_keys?limit=100").json()) == before


def test_a_dataset_that_the_caller_cannot_read_is_none_of_his_keys(api, anna):
    private = dataset(api)
    refused(anna.post("/api/api_keys", json={"keyName": "x", "datasets": ["zzzz-9999"]}), 404, "soda.dataset.not-found")
    refused(anna.post("/api/api_keys", json={"keyName": "x", "datasets": [private]}), 403, "permission_denied")


def test_a_key_is_limited_to_32_datasets_at_most(server, anna):
    ids = [anna.create({"k": "text"}, publish=False) for _ in range(33)]
    key = make(anna, datasets=ids[:32])
    assert key["datasets"] == ids[:32]
    refused(with_key(server, key).get(f"/resource/{ids[32]}.json"), 403, "permission_denied")
    assert with_key(server, key).get(f"/resource/{ids[31]}.json").status_code == 200
    refused(anna.post("/api/api_keys", json={"keyName": "x", "datasets": ids}), 400, "req.limit-exceeded")
    refused(anna.post("/api/api_keys", json={"keyName": "n" * 70000}), 413, "req.body.too-large")


def test_a_key_is_its_users_own_affair(api, anna, bert, anonymous):
    key = make(anna)
    for who in (bert, api):
        api_key_error(who.get(f"/api/api_keys/{key['keyId']}"), 404, "API_KEY.NOT_FOUND")
        api_key_error(who.delete(f"/api/api_keys/{key['keyId']}"), 404, "API_KEY.NOT_FOUND")
        assert who.get(f"/api/api_keys?nameSearch={key['keyId']}&includeDeleted=true").json() == []
    for method, path in (("GET", "/api/api_keys"), ("POST", "/api/api_keys"), ("GET", f"/api/api_keys/{key['keyId']}"), ("DELETE", f"/api/api_keys/{key['keyId']}")):
        refused(anonymous.request(method, path, json={}), 403, "authentication_required")


# ── as credentials ──

def test_a_key_acts_for_its_user(server, anna):
    key = make(anna)
    as_key = with_key(server, key)
    assert as_key.get("/api/users/current.json").json()["id"] == key["owner"]["id"]
    d = dataset(as_key)
    assert anna.rows(d) == [{"k": "1", "n": "1"}]
    assert as_key.delete(f"/api/views/{d}").status_code == 200
    assert anna.get(f"/api/api_keys/{key['keyId']}").json()["lastUsedAt"] <= time.time() + 1
    made = make(as_key)  # a key that is not limited may make others
    assert as_key.delete(f"/api/api_keys/{made['keyId']}").status_code == 200


def test_a_wrong_secret_is_401_on_public_data_too(server, anna):
    key, d = make(anna), dataset(anna, public=True)
    for secret in ("wrong", "", key["keySecret"][:-1], key["keySecret"].lower(), key["keySecret"] + " "):
        reply = server.api((key["keyId"], secret)).get(f"/resource/{d}.json")
        refused(reply, 401, "authentication_required")
        assert reply.headers["WWW-Authenticate"].startswith("Basic ") and "slzk_" not in reply.text
    refused(server.api((key["keyId"].upper(), key["keySecret"])).get(f"/resource/{d}.json"), 401, "authentication_required")
    refused(server.api(("anna.keys@example.org", key["keySecret"])).get(f"/resource/{d}.json"), 401, "authentication_required")
    refused(server.api((key["keyId"], PASSWORD)).get(f"/resource/{d}.json"), 401, "authentication_required")
    assert with_key(server, key).get(f"/resource/{d}.json").status_code == 200


def test_a_deleted_key_is_dead_at_once_and_an_expired_one_in_time(server, anna):
    d = dataset(anna)
    key, short = make(anna), make(anna, expiresAt=int(time.time()) + 3)
    assert short["expiresAt"] and short["expiresAtTimestamp"].endswith("Z")
    assert with_key(server, key).get(f"/resource/{d}.json").status_code == 200
    assert with_key(server, short).get(f"/resource/{d}.json").status_code == 200
    anna.delete(f"/api/api_keys/{key['keyId']}")
    assert "deleted" in refused(with_key(server, key).get(f"/resource/{d}.json"), 401, "authentication_required")["message"]
    deadline = time.monotonic() + 20
    while with_key(server, short).get(f"/resource/{d}.json").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    refused(with_key(server, short).get(f"/resource/{d}.json"), 401, "authentication_required")


SCOPES = {  # reads, upserts, replaces, changes the view, shares, makes a dataset, sees the keys
    "read": "ynnnnnn", "append": "nynnnnn", "replace": "nnynnnn", "metadata": "nnnynnn", "all": "yyyyyyy",
}


def tries(who, d):
    yield who.get(f"/resource/{d}.json")
    yield who.upsert(d, [{"k": "2"}])
    yield who.replace(d, [{"k": "3"}])
    yield who.put(f"/api/views/{d}", json={"description": "x"})
    yield who.get(f"/api/views/{d}/permissions")
    yield who.post("/api/views", json={"name": "made by a key"})
    yield who.get("/api/api_keys")


@pytest.mark.parametrize("right,may", SCOPES.items())
def test_a_right_lets_through_what_it_names(server, anna, right, may):
    d = dataset(anna)
    who = with_key(server, make(anna, rights=[right]))
    got = "".join("y" if reply.status_code == 200 else "n" for reply in tries(who, d))
    assert got == may
    assert who.get("/api/users/current.json").status_code == 200


def test_a_key_for_one_dataset_is_for_no_other(server, anna):
    d, other, public = dataset(anna, resourceName=f"named_{next(counter)}"), dataset(anna), dataset(anna, public=True)
    name = anna.get(f"/api/views/{d}").json()["resourceName"]
    key = make(anna, datasets=[name, d], rights=["read", "append"])
    assert key["datasets"] == [d] and key["rights"] == ["read", "append"]
    who = with_key(server, key)
    assert who.get(f"/resource/{d}.json").status_code == 200 and who.upsert(d, [{"k": "2"}]).status_code == 200
    told = refused(who.get(f"/resource/{other}.json"), 403, "permission_denied")["message"]
    assert refused(who.replace(d, []), 403, "permission_denied")["message"] == told  # it says nothing about the dataset
    refused(who.upsert(public, [{"k": "2"}]), 403, "permission_denied")
    assert who.get(f"/resource/{public}.json").status_code == 200  # as anybody may
    assert {v["id"] for v in who.get("/api/views?limit=1000").json()} & {d, other, public} == {d, public}
    join = f"select @o.k join @{other} as o on k = @o.k"
    refused(who.get(f"/resource/{d}.json", params={"$query": join}), 400, "query.soql.no-such-table")
    whole = with_key(server, make(anna, datasets=[d]))
    refused(whole.post("/api/views", json={"name": "x"}), 403, "permission_denied")
    assert whole.put(f"/api/views/{d}?method=setPermission&value=site").status_code == 200


def test_a_key_may_no_more_than_its_user_at_that_moment(server, api, bert):
    d = dataset(api)
    who = with_key(server, make(bert))
    refused(who.get(f"/resource/{d}.json"), 403, "permission_denied")
    users = [{"id": api.get("/api/users/current.json").json()["id"], "accessLevels": [{"name": "current_owner", "version": "all"}]}]
    api.put(f"/api/views/{d}/permissions", json={"users": users + [{"email": "bert.keys@example.org", "accessLevels": [{"name": "viewer", "version": "all"}]}]})
    assert who.get(f"/resource/{d}.json").status_code == 200
    refused(who.upsert(d, []), 403, "permission_denied")
    api.put(f"/api/views/{d}/permissions", json={"users": users})
    refused(who.get(f"/resource/{d}.json"), 403, "permission_denied")


def test_a_key_deleted_in_the_middle_of_an_upload_changes_nothing(server, anna):
    d, key = dataset(anna), make(anna)
    head = base64.b64encode(f"{key['keyId']}:{key['keySecret']}".encode()).decode()
    body = b'[{"k": "late"}]'
    with server.connect() as tls:
        tls.sendall((f"POST /resource/{d}.json HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {head}\r\nContent-Type: application/json\r\n"
                     f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n").encode())
        assert tls.recv(100).startswith(b"HTTP/1.1 100")  # it was good when the request began
        anna.delete(f"/api/api_keys/{key['keyId']}")
        tls.sendall(body)
        reply = b""
        while chunk := tls.recv(65536):
            reply += chunk
    assert status_of(reply) == 401 and b"while the request was under way" in reply
    assert anna.rows(d) == [{"k": "1", "n": "1"}]


def test_a_key_that_expires_makes_none_that_outlives_it(server, anna):
    key = make(anna, expiresAt="2030-01-01T00:00:00Z")
    by_key = with_key(server, key)
    for more in ({}, {"expiresAt": None}, {"expiresAt": "2030-01-01T00:00:01Z"}):
        refused(by_key.post("/api/api_keys", json=dict({"keyName": "for ever"}, **more)), 400, says="the API key that asks expires")
    for until in ("2030-01-01T00:00:00Z", "2029-12-31T23:59:59Z"):
        assert by_key.post("/api/api_keys", json={"keyName": "until " + until, "expiresAt": until}).status_code == 200
    endless = with_key(server, make(anna))
    assert endless.post("/api/api_keys", json={"keyName": "made by one without an end"}).status_code == 200


def test_keys_go_with_a_disabled_user(server, api):
    who = server.add_user("leaver@example.org", PASSWORD)
    key = make(who)
    assert with_key(server, key).get("/api/users/current.json").status_code == 200
    server.run("user", "disable", "leaver@example.org")
    refused(with_key(server, key).get("/api/users/current.json"), 401, "authentication_required")
    server.run("user", "enable", "leaver@example.org")
    assert with_key(server, key).get("/api/users/current.json").status_code == 200


def test_guesses_at_a_key_delay_guesses_and_not_the_key(tmp_path):
    server = Server(tmp_path / "data").start()  # of its own: the address, too, is held back after so many
    key = make(server.api())
    wrong = server.api((key["keyId"], "slzk_" + "x" * 43))
    statuses = [wrong.get("/api/users/current.json").status_code for _ in range(104)]
    assert statuses[0] == 401 and statuses[-1] == 429 and set(statuses) == {401, 429}
    assert all(with_key(server, key).get("/api/users/current.json").status_code == 200 for _ in range(5))
    assert f"API key {key['keyId']}" in server.said() and "x" * 43 not in server.said()
    assert server.stop() == 0
    server.check_clean()


def test_a_key_over_plain_http_is_not_looked_at(server, anna):
    import requests
    key = make(anna)
    reply = requests.get(server.http_url + "/api/users/current.json", auth=(key["keyId"], key["keySecret"]), allow_redirects=False, timeout=20)
    assert reply.status_code == 403 and reply.json()["code"] == "https_required"
