"""/api/views/{id}/permissions and what a grant gives (docs/wire/views.md, "Permissions"; docs/wire/authentication.md, "Rights")."""

import pytest

from client import Server, refused

PASSWORDS = "the password of somebody"
LEVELS = {"viewer-published": ("viewer", "published"), "viewer": ("viewer", "all"), "contributor": ("contributor", "all"),
          "owner": ("owner", "all"), "current_owner": ("current_owner", "all")}


def level(name):
    return [dict(zip(("name", "version"), LEVELS[name]))]


@pytest.fixture(scope="module")
def people(server):
    """Two users without a role: what they may they have by grants."""
    return {name: server.add_user(f"{name}@example.org", PASSWORDS, "none") for name in ("anna", "bert")}


@pytest.fixture
def dataset(api):
    d = api.create({"k": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1"}])
    return d


def me(api):
    return api.get("/api/users/current.json").json()


def share(api, dataset, who, how, **more):
    users = [{"id": me(api)["id"], "accessLevels": level("current_owner")}, {"id": me(who)["id"], "accessLevels": level(how)}]
    reply = api.put(f"/api/views/{dataset}/permissions", json=dict({"users": users}, **more))
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_a_new_dataset_is_its_owners_alone(api, dataset):
    for path in (f"/api/views/{dataset}/permissions", f"/views/{dataset}/permissions.json"):
        reply = api.get(path)
        assert reply.status_code == 200
        admin = me(api)
        assert reply.json() == {"scope": "private", "accessLevels": [], "users": [
            {"id": admin["id"], "email": admin["login"], "displayName": admin["displayName"], "type": "interactive", "accessLevels": level("current_owner")}]}


@pytest.mark.parametrize("how,reads,writes,shares", [("viewer-published", 1, 0, 0), ("viewer", 1, 0, 0), ("contributor", 1, 1, 0), ("owner", 1, 1, 1)])
def test_a_level_gives_what_it_says(api, dataset, people, how, reads, writes, shares):
    anna, bert = people["anna"], people["bert"]
    refused(anna.get(f"/resource/{dataset}.json"), 403, "permission_denied")
    told = share(api, dataset, anna, how)
    assert told["users"][1]["accessLevels"] == level(how) and told["users"][1]["email"] == "anna@example.org"

    def is_allowed(reply, may):
        assert reply.status_code == (200 if may else 403), reply.text
    is_allowed(anna.get(f"/resource/{dataset}.json"), reads)
    is_allowed(anna.get(f"/api/views/{dataset}"), reads)
    is_allowed(anna.upsert(dataset, [{"k": "2"}]), writes)
    is_allowed(anna.replace(dataset, [{"k": "3"}]), writes)
    is_allowed(anna.put(f"/api/views/{dataset}", json={"description": "x"}), writes)
    is_allowed(anna.get(f"/api/views/{dataset}/permissions"), shares)
    is_allowed(anna.put(f"/api/views/{dataset}?method=setPermission&value=site"), shares)
    is_allowed(bert.get(f"/resource/{dataset}.json"), False)
    is_allowed(anna.delete(f"/api/views/{dataset}"), shares)


def test_a_draft_is_not_for_viewers_of_what_is_published(api, people):
    d = api.create({"k": "text"}, key="k", publish=False)
    share(api, d, people["anna"], "viewer-published")
    refused(people["anna"].get(f"/resource/{d}.json"), 403, "permission_denied")
    assert api.post(f"/api/views/{d}/publication").status_code == 200
    assert people["anna"].get(f"/resource/{d}.json").status_code == 200


def test_the_view_tells_the_callers_rights(api, dataset, people):
    share(api, dataset, people["anna"], "contributor")
    assert people["anna"].get(f"/api/views/{dataset}").json()["rights"] == ["read", "write", "add", "delete", "add_column", "remove_column", "update_column", "update_view"]
    share(api, dataset, people["anna"], "owner")
    assert set(people["anna"].get(f"/api/views/{dataset}").json()["rights"]) == set(api.get(f"/api/views/{dataset}").json()["rights"])


def test_a_put_changes_what_it_names(api, dataset, people):
    share(api, dataset, people["anna"], "viewer")
    reply = api.put(f"/api/views/{dataset}/permissions", json={"scope": "site"}).json()
    assert reply["scope"] == "site" and len(reply["users"]) == 2 and reply["accessLevels"] == level("viewer-published")
    reply = share(api, dataset, people["bert"], "viewer")  # who is left out of a list loses his access
    assert reply["scope"] == "site" and [u.get("email") for u in reply["users"][1:]] == ["bert@example.org"]
    reply = api.put(f"/api/views/{dataset}/permissions", json={"scope": "private"}).json()
    assert reply["scope"] == "private" and reply["accessLevels"] == []
    refused(people["anna"].get(f"/resource/{dataset}.json"), 403, "permission_denied")
    assert people["bert"].get(f"/resource/{dataset}.json").status_code == 200


def test_a_dataset_is_handed_over(api, dataset, people):
    anna = people["anna"]
    reply = api.put(f"/api/views/{dataset}/permissions", json={"users": [{"email": "ANNA@example.org", "id": "zzzz-9999", "accessLevels": level("current_owner")}]})
    assert reply.status_code == 200 and len(reply.json()["users"]) == 1  # the address comes before the id, in any case
    assert anna.get(f"/api/views/{dataset}").json()["owner"]["id"] == me(anna)["id"]
    assert anna.upsert(dataset, [{"k": "2"}]).status_code == 200
    assert api.get(f"/resource/{dataset}.json").status_code == 200  # administrators may everything


BAD = [
    (400, {}), (400, []), (400, "public"), (400, {"scope": "everybody"}), (400, {"scope": None}), (400, {"users": {}}), (400, {"users": ["x"]}),
    (400, {"users": []}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": level("viewer")}]}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": level("current_owner")}, {"email": "bert@example.org", "accessLevels": level("current_owner")}]}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": level("current_owner")}, {"email": "anna@example.org", "accessLevels": level("viewer")}]}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": level("current_owner")}, {"email": "bert@example.org", "accessLevels": level("viewer")},
                     {"email": "Bert@example.org", "accessLevels": level("owner")}]}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": []}]}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": level("current_owner") + level("viewer")}]}),
    (400, {"users": [{"email": "anna@example.org", "accessLevels": [{"name": "current_owner", "version": "published"}]}]}),
    (400, {"users": [{"email": "anna@example.org"}]}),
    (400, {"users": [{"accessLevels": level("current_owner")}]}),
    (400, {"users": [{"id": "team-0001", "type": "team", "accessLevels": level("current_owner")}]}),
    (404, {"users": [{"email": "who@example.org", "accessLevels": level("current_owner")}]}),
    (404, {"users": [{"id": "zzzz-9999", "accessLevels": level("current_owner")}]}),
    (404, {"users": [{"id": "zzzz-9999-and-more", "accessLevels": level("current_owner")}]}),
    (404, {"scope": "public", "users": [{"id": "x", "accessLevels": level("current_owner")}]}),
]


@pytest.mark.parametrize("status,body", BAD)
def test_what_cannot_be_is_refused_and_changes_nothing(api, dataset, people, status, body):
    before = api.get(f"/api/views/{dataset}/permissions").json()
    reply = api.put(f"/api/views/{dataset}/permissions", json=body)
    assert reply.status_code == status and reply.json()["message"], reply.text
    assert api.get(f"/api/views/{dataset}/permissions").json() == before


def test_a_user_is_known_by_the_whole_of_his_id(api, dataset, people):
    longer = {"users": [{"id": me(people["anna"])["id"] + "x", "accessLevels": level("current_owner")}]}
    assert api.put(f"/api/views/{dataset}/permissions", json=longer).status_code == 404


def test_a_thousand_users_are_too_many(api, dataset):
    users = [{"id": "zzzz-9999", "accessLevels": level("viewer")}] * 1001
    refused(api.put(f"/api/views/{dataset}/permissions", json={"users": users}), 400, "req.limit-exceeded")


# ── --private hidden ──

@pytest.fixture(scope="module")
def hiding(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("hiding") / "data", extra=["--private", "hidden"]).start()
    yield s
    assert s.stop() == 0, s.said()[-3000:]
    s.check_clean()


ADDRESSES = [("GET", "/resource/{d}.json"), ("GET", "/resource/{d}/1.json"), ("POST", "/resource/{d}.json"), ("PUT", "/resource/{d}"), ("DELETE", "/resource/{d}"),
             ("GET", "/api/views/{d}"), ("PUT", "/api/views/{d}"), ("DELETE", "/api/views/{d}"), ("GET", "/api/views/{d}/permissions"), ("GET", "/api/views/{d}/columns"),
             ("GET", "/api/views?method=getDefaultView&id={d}"), ("GET", "/api/geocoding/{d}?method=pending"), ("POST", "/api/views/{d}/publication")]


def test_a_hidden_dataset_answers_strangers_as_none_does(hiding):
    api, anonymous = hiding.api(), hiding.api(auth=None)
    stranger = hiding.add_user("stranger@example.org", PASSWORDS, "publisher")
    d, public = api.create({"k": "text"}, key="k"), api.create({"k": "text"}, key="k", public=True)
    api.upsert_ok(d, [{"k": "1"}])

    def told(who, method, path, name):
        reply = who.request(method, path.format(d=name), json={}, headers={"X-Request-Id": "same"})
        headers = {k: v for k, v in reply.headers.items() if k not in ("Date", "X-Socrata-RequestId", "X-Request-Id")}
        return reply.status_code, reply.text.replace(name, "ID"), headers
    for method, path in ADDRESSES:
        for who in (anonymous, stranger):
            assert told(who, method, path, d) == told(who, method, path, "zzzz-9999"), (method, path)
            assert told(who, method, path, d)[0] == 404
    refused(anonymous.post(f"/resource/{public}.json", json=[]), 403, "authentication_required")  # what he may know of is no secret
    assert api.rows(d) == [{"k": "1"}]
    share(api, d, stranger, "viewer")
    assert stranger.get(f"/resource/{d}.json").status_code == 200
    refused(stranger.upsert(d, []), 403, "permission_denied")


def test_private_takes_two_words(tmp_path):
    import subprocess
    ran = subprocess.run([Server(tmp_path / "x").binary, "serve", "--dev", "--private", "secret"], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 2 and "--private must be forbidden or hidden" in ran.stderr
