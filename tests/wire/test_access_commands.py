"""seltzer user role|list, seltzer key and seltzer grant: on the running server, at once, and on stopped data."""

import subprocess

import pytest

from client import ADMIN, Server, refused

PASSWORD = "the password of somebody"


@pytest.fixture
def own(tmp_path):
    s = Server(tmp_path / "data").start()
    yield s
    if s.alive():
        assert s.stop() == 0, s.said()[-3000:]
    s.check_clean()


def fails(server, *words):
    ran = subprocess.run([server.binary, *words, "--data", server.data], capture_output=True, text=True, timeout=60, input="")
    assert ran.returncode == 1 and ran.stderr.startswith("seltzer: "), ran
    return ran.stderr


def lines(text):
    return [line.split("\t") for line in text.splitlines()]


def test_a_role_counts_at_once_and_is_listed(own):
    jane = own.add_user("jane", PASSWORD, "none")
    d = own.api().create({"k": "text"}, key="k")
    own.api().put(f"/api/views/{d}?method=setPermission&value=site")
    for role, reads, writes, makes in (("viewer", 200, 403, 403), ("editor", 200, 200, 403), ("publisher", 200, 200, 200), ("none", 403, 403, 403)):
        assert own.run("user", "role", "JANE", role) == ""
        assert jane.get(f"/resource/{d}.json").status_code == reads, role
        assert jane.upsert(d, [{"k": "1"}]).status_code == writes, role
        assert jane.post("/api/views", json={"name": "x"}).status_code == makes, role
        assert jane.get("/api/users/current.json").json().get("roleName", "none") == role
    assert [row[1:] for row in lines(own.run("user", "list"))] == [[ADMIN[0], "administrator", "active"], ["jane", "none", "active"]]
    own.run("user", "disable", "jane")
    assert lines(own.run("user", "list"))[1][3] == "disabled"
    assert 'no role "king"' in fails(own, "user", "role", "jane", "king")
    assert "no such user" in fails(own, "user", "role", "nobody", "viewer")
    own.stop()
    own.run("user", "role", "jane", "editor")
    assert lines(own.run("user", "list"))[1][2] == "editor"


def test_it_is_told_when_no_administrator_is_left(own):
    assert "no administrator left" in own.run("user", "role", ADMIN[0], "viewer")
    assert own.run("user", "role", ADMIN[0], "administrator") == ""
    assert "no administrator left" in own.run("user", "disable", ADMIN[0])
    assert own.run("user", "enable", ADMIN[0]) == ""


def secret_of(printed):
    (_, key), (_, secret) = [line.split(": ") for line in printed.splitlines()]
    return key, secret


def test_a_key_is_made_listed_and_revoked(own):
    own.add_user("jane", PASSWORD)
    jane = own.api(("jane", PASSWORD))
    d = jane.create({"k": "text"}, key="k")
    whole = secret_of(own.run("key", "add", "jane", "whole"))
    limited = secret_of(own.run("key", "add", "jane", "limited", "--rights", "read, append", "--datasets", d, "--expires", "2099-01-01T00:00:00Z"))
    assert own.api(whole).get("/api/users/current.json").status_code == 200
    assert own.api(limited).upsert(d, [{"k": "1"}]).status_code == 200
    refused(own.api(limited).replace(d, []), 403, "permission_denied")
    listed = lines(own.run("key", "list", "jane"))
    assert [row[:4] for row in listed] == [[whole[0], "jane", "whole", "active"], [limited[0], "jane", "limited", "active"]]
    assert listed[1][4:6] == [f'"rights":["read","append"],"datasets":["{d}"]', "expires 2099-01-01T00:00:00.000Z"] and listed[1][6].startswith("last used 20")
    assert whole[1] not in own.run("key", "list") and limited[1] not in own.run("key", "list")
    assert own.run("key", "revoke", whole[0]) == ""
    refused(own.api(whole).get("/api/users/current.json"), 401)
    assert [row[2] for row in lines(own.run("key", "list"))] == ["limited"]
    assert [row[3] for row in lines(own.run("key", "list", "--revoked"))] == ["revoked", "active"]
    assert own.api(("jane", PASSWORD)).get("/api/api_keys").json()[0]["keyId"] == limited[0]
    for words, why in (((whole[0],), "deleted already"), (("abc",), "no such API key")):
        assert why in fails(own, "key", "revoke", *words)
    for words, why in ((("nobody", "x"), "no user \"nobody\""), (("jane", "limited"), "exists"), (("jane", "x", "--rights", "fly"), "no right \"fly\""),
                       (("jane", "x", "--rights", ""), "--rights takes"), (("jane", "x", "--datasets", "zzzz-9999"), "no dataset"), (("jane", "x", "--datasets", ""), "--datasets takes"),
                       (("jane", "x", "--expires", "soon"), "--expires must be"), (("jane", "x", "--expires", "2020-01-01T00:00:00Z"), "in the past")):
        assert why in fails(own, "key", "add", *words)
    own.stop()
    stopped = secret_of(own.run("key", "add", "jane", "made while it was stopped"))
    own.start()
    assert own.api(stopped).get("/api/users/current.json").status_code == 200


def test_grants_are_set_listed_and_taken_back(own):
    own.add_user("jane", PASSWORD, "none")
    own.add_user("john", PASSWORD, "none")
    jane, john = own.api(("jane", PASSWORD)), own.api(("john", PASSWORD))
    d = own.api().create({"k": "text"}, key="k", resourceName="words")
    assert own.run("grant", "set", "words", "jane", "contributor") == ""
    assert jane.upsert(d, [{"k": "1"}]).status_code == 200
    own.run("grant", "set", d, "john", "viewer")
    assert john.get(f"/resource/{d}.json").status_code == 200
    assert [row[1:] for row in lines(own.run("grant", "list", d))][0] == [ADMIN[0], "current_owner"]
    assert sorted(row[1:] for row in lines(own.run("grant", "list", d))[1:]) == [["jane", "contributor"], ["john", "viewer"]]
    own.run("grant", "revoke", d, "john")
    refused(john.get(f"/resource/{d}.json"), 403, "permission_denied")
    own.run("grant", "owner", d, "jane")
    assert [row[1:] for row in lines(own.run("grant", "list", d))] == [["jane", "current_owner"]]
    assert jane.delete(f"/api/views/{d}").status_code == 200
    for words, why in (((d, "jane", "viewer"), "no dataset"), (("zzzz-9999", "jane", "viewer"), "no dataset")):
        assert why in fails(own, "grant", "set", *words)
    d = own.api().create({"k": "text"})
    for words, why in (((d, "nobody", "viewer"), "no user"), ((d, "jane", "king"), "no level \"king\""), ((d, "jane", "none"), "no level"), ((d, ADMIN[0], "viewer"), "owns the dataset")):
        assert why in fails(own, "grant", "set", *words)
    own.stop()
    own.run("grant", "set", d, "jane", "owner")
    own.start()
    assert own.api(("jane", PASSWORD)).delete(f"/api/views/{d}").status_code == 200
