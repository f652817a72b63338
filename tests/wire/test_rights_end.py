"""A right is decided when a request begins and again when its body is complete (docs/wire/authentication.md, "Rights")."""

import base64
import subprocess

import pytest

from application import CALLBACK, Application
from client import read_to_end, status_of
from person import SETTINGS, Person

NAME, PASSWORD = "leaver", "a password for a while"


def operator(server, verb):
    subprocess.run([server.binary, "user", verb, NAME, "--data", server.data], check=True)


@pytest.fixture(scope="module")
def leaver(server):
    return server.add_user(NAME, PASSWORD)


def half_sent(server, method, path, body):
    """A request whose last byte has not been sent."""
    credentials = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    tls = server.connect()
    tls.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n".encode())
    assert tls.recv(100).startswith(b"HTTP/1.1 100")  # the head was looked at
    tls.sendall(body[:-1])
    return tls


@pytest.mark.parametrize("method,path,body", [("POST", "/resource/{d}.json", b'[{"k":"2"}]'), ("PUT", "/resource/{d}.json", b'[{"k":"2"}]'),
                                              ("POST", "/resource/{d}/1.json", b'{"v":"x"}'), ("PUT", "/api/views/{d}", b'{"name":"other"}')])
def test_who_is_disabled_while_a_body_is_sent_changes_nothing(server, leaver, api, method, path, body):
    d = leaver.create({"k": "text", "v": "text"}, key="k")
    leaver.upsert_ok(d, [{"k": "1"}])
    before = api.get(f"/api/views/{d}").json()
    tls = half_sent(server, method, path.format(d=d), body)
    operator(server, "disable")
    try:
        tls.sendall(body[-1:])
        assert status_of(read_to_end(tls)) == 401
        assert leaver.get("/api/users/current.json").status_code == 401
    finally:
        tls.close()
        operator(server, "enable")
    assert api.rows(d) == [{"k": "1"}] and api.get(f"/api/views/{d}").json() == before
    assert leaver.get("/api/users/current.json").status_code == 200


def test_who_loses_the_password_while_a_body_is_sent_changes_nothing(server, leaver, api):
    """Whoever had it, for it may be changed because another has it."""
    d = leaver.create({"k": "text"}, key="k")
    tls = half_sent(server, "POST", f"/resource/{d}.json", b'[{"k":"2"}]')

    def set_password(text):
        server.run("user", "passwd", NAME, input=text + "\n")
    set_password("another password")
    try:
        tls.sendall(b"]")
        reply = read_to_end(tls)
        assert status_of(reply) == 401 and b"password was changed while the request was under way" in reply
    finally:
        tls.close()
        set_password(PASSWORD)
    assert api.rows(d) == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_rows_that_were_applied_ahead_of_a_large_bodys_end_go_with_the_right(server, leaver, api, method):
    d = leaver.create({"k": "text", "v": "text"}, key="k")
    leaver.upsert_ok(d, [{"k": "kept"}])
    body = ("[" + ",".join('{"k":"%d","v":"%s"}' % (i, "x" * 80) for i in range(60000)) + "]").encode()
    tls = half_sent(server, method, f"/resource/{d}.json", body)
    operator(server, "disable")
    try:
        tls.sendall(body[-1:])
        assert status_of(read_to_end(tls)) == 401
    finally:
        tls.close()
        operator(server, "enable")
    assert api.rows(d) == [{"k": "kept"}]
    api.upsert_ok(d, [{"k": "next"}])
    assert api.rows(d) == [{"k": "kept"}, {"k": "next"}]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_dataset_deleted_while_a_body_is_sent_is_not_found(server, leaver, api, method):
    d = leaver.create({"k": "text"}, key="k")
    tls = half_sent(server, method, f"/resource/{d}.json", b'[{"k":"2"}]')
    assert api.delete(f"/api/views/{d}").status_code == 200
    tls.sendall(b"]")
    assert status_of(read_to_end(tls)) == 404
    tls.close()
    assert api.get(f"/resource/{d}.json").status_code == 404


@pytest.mark.parametrize("kind", ["token", "session"])
def test_what_authenticated_an_upload_must_last_until_its_end(server, leaver, api, kind):
    d = leaver.create({"k": "text"}, key="k")
    person = Person(server)
    person.log_in(NAME, PASSWORD)
    if kind == "token":
        one = Application(server, *person.register(f"Ends {d}", redirect_uris=CALLBACK))
        token = one.tokens(person)["access_token"]
        headers = f"Authorization: OAuth {token}\r\n"
    else:
        cookies = person.session.cookies
        headers = f"Cookie: __Host-session={cookies['__Host-session']}\r\nX-CSRF-Token: {cookies['socrata-csrf-token']}\r\n"
    body = b'[{"k":"1"}]'
    for ends in (False, True):
        tls = server.connect()
        tls.sendall(f"POST /resource/{d}.json HTTP/1.1\r\nHost: x\r\n{headers}Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n"
                    "Connection: close\r\n\r\n".encode())
        assert tls.recv(100).startswith(b"HTTP/1.1 100")
        if ends and kind == "token":
            assert one.post("/oauth/revoke", {"token": token, "client_id": one.id, "client_secret": one.secret}).status_code == 200
        elif ends:
            assert person.send(person.form(person.get(SETTINGS), "/logout")).status_code == 200
        tls.sendall(body)
        assert status_of(read_to_end(tls)) == (401 if ends else 200)
        tls.close()
        body = b'[{"k":"2"}]'
    assert api.rows(d) == [{"k": "1"}]
