"""/api/users (docs/wire/users.md)."""

import xml.etree.ElementTree

import pytest

from client import ADMIN, refused

PASSWORD = "the password of somebody"
RIGHTS = {"none": [], "viewer": ["view_domain"], "editor": ["view_domain", "edit_others_datasets"], "publisher": ["view_domain", "edit_others_datasets", "create_datasets"],
          "administrator": ["view_domain", "edit_others_datasets", "create_datasets", "view_others_datasets", "chown_datasets", "manage_users"]}


@pytest.fixture(scope="module")
def people(server):
    return {role: server.add_user(f"{role}.of.users@example.org", PASSWORD, role) for role in RIGHTS}


@pytest.fixture(scope="module")
def odd(server):
    return server.add_user("<o'dd> & \"co\"", PASSWORD, "none")


@pytest.mark.parametrize("role", RIGHTS)
def test_everybody_hears_who_he_is(people, role):
    for path in ("/api/users/current.json", "/api/users/current", "/users/current.json", "/users/current"):
        me = people[role].get(path).json()
        assert me.pop("id")[4] == "-" and me.pop("createdAt") > 1_600_000_000
        assert me == dict({"displayName": f"{role}.of.users", "screenName": f"{role}.of.users", "type": "interactive", "login": f"{role}.of.users@example.org",
                           "email": f"{role}.of.users@example.org", "emailUnsubscribed": True, "privacyControl": "login", "numberOfFollowers": 0, "numberOfFriends": 0,
                           "flags": [], "rights": RIGHTS[role]}, **({} if role == "none" else {"roleName": role}))


def test_nobody_is_nobody(anonymous):
    for path in ("/api/users/current.json", "/users/current.xml"):
        refused(anonymous.get(path), 403, "authentication_required")


@pytest.mark.parametrize("path", ["/users/current.xml", "/api/users/current.xml"])
def test_as_xml(odd, people, path):
    reply = people["editor"].get(path)
    assert reply.headers["Content-Type"] == "application/xml; charset=utf-8"
    user = xml.etree.ElementTree.fromstring(reply.content)
    assert user.tag == "user" and user.findtext("email") == "editor.of.users@example.org" and user.findtext("roleName") == "editor"
    assert [right.text for right in user.findall("rights")] == RIGHTS["editor"]
    user = xml.etree.ElementTree.fromstring(odd.get(path).content)
    assert user.findtext("login") == "<o'dd> & \"co\"" and user.find("email") is None and user.find("roleName") is None


def test_of_another_the_address_is_not_told(api, people, anonymous):
    editor = people["editor"].get("/api/users/current.json").json()
    for who in (anonymous, people["publisher"]):
        for path in ("/api/users/{}.json", "/api/users/{}", "/users/{}"):
            reply = who.get(path.format(editor["id"]))
            assert reply.status_code == 200 and reply.json()["displayName"] == "editor.of.users" and reply.json()["rights"] == []
            assert "example.org" not in reply.text and "login" not in reply.json()
    assert api.get(f"/api/users/{editor['id']}").json()["email"] == "editor.of.users@example.org"
    assert people["editor"].get(f"/api/users/{editor['id']}").json() == editor
    for unknown in ("zzzz-9999", "x", editor["id"] + "x", editor["id"].upper()):
        refused(anonymous.get(f"/api/users/{unknown}"), 404, "not-found")


def test_a_limited_key_is_not_shown_more_than_it_may(server, api):
    key = api.post("/api/api_keys", json={"keyName": "of test_users", "rights": ["read"]}).json()
    who = server.api((key["keyId"], key["keySecret"]))
    assert who.get("/api/users/current.json").json()["rights"] == ["view_domain", "view_others_datasets"]
    assert who.get("/api/users/current.json").json()["login"] == ADMIN[0]
    other = server.add_user("unseen@example.org", PASSWORD)
    assert "email" not in who.get(f"/api/users/{other.get('/api/users/current').json()['id']}").json()
