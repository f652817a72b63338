"""OAuth 2.0 (docs/wire/oauth.md): an application that a user lets act for them, from its registration to the rows it writes."""

import base64
import os
import socket
import subprocess
from urllib.parse import urlencode

import pytest
import requests

from application import CALLBACK, Application, pkce
from client import ADMIN, Server, counts, refused, six
from person import SETTINGS, Forms, Person, answer


@pytest.fixture(scope="module")
def person(server):
    someone = Person(server)
    assert someone.log_in(*ADMIN).status_code == 200
    return someone


@pytest.fixture(scope="module")
def app(server, person):
    return Application(server, *person.register("A confidential application", redirect_uris=CALLBACK + "\nhttps://site.example/other?kept=1"))


@pytest.fixture(scope="module")
def native(server, person):
    id, secret = person.register("A public application", redirect_uris="http://127.0.0.1/cb", public="yes")
    assert secret is None
    return Application(server, id, None, "http://127.0.0.1:49152/cb")


def test_a_user_lets_an_application_write_rows(app, person, api):
    dataset = api.create({"k": "text"}, key="k")
    location = person.consent(app.address(state="a b&c=d"))
    assert location.startswith(CALLBACK + "?")
    back = answer(location)
    assert back["state"] == "a b&c=d" and back["iss"] == app.server.url and set(back) == {"code", "state", "iss"}
    reply = app.redeem(back["code"])
    assert reply.status_code == 200 and reply.headers["Cache-Control"] == "no-store" and reply.headers["Pragma"] == "no-cache"
    got = reply.json()
    assert got["token_type"] == "Bearer" and set(got) == {"access_token", "token_type"}  # a confidential one: no end, so no refresh
    for scheme in ("OAuth", "Bearer", "bearer"):
        client = app.api(got["access_token"], scheme)
        assert client.get("/api/users/current.json").json()["login"] == ADMIN[0]
    assert six(client.upsert(dataset, [{"k": "1"}])) == counts(created=1)


def test_a_public_application_proves_itself_and_refreshes(native, person):
    verifier, challenge = pkce()
    reply = native.redeem(native.code(person, code_challenge=challenge, code_challenge_method="S256"), code_verifier=verifier)
    first = reply.json()
    assert reply.status_code == 200 and first["expires_in"] == 12 * 3600 and first["refresh_token"].startswith("slzr_")
    second = native.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"] and second["access_token"] != first["access_token"]
    for token in (first, second):
        assert native.api(token["access_token"]).get("/api/users/current.json").status_code == 200


# the question to the user


def error_page(reply, says, status=400):
    """A page, no redirect: the address may be an attacker's."""
    assert reply.status_code == status and "Location" not in reply.headers, reply.text
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8" and says in reply.text, reply.text


@pytest.mark.parametrize("redirect_uri", [
    None, "", "/cb", "https://site.example/", "https://site.example/cb/", "https://site.example/cbx", "https://site.example/cb?x=1", "https://site.example/cb#x",
    "https://SITE.example/cb", "https://site.example/CB", "https://site.example:443/cb", "https://site.example:8443/cb", "http://site.example/cb", "https://site.example/x/../cb",
    "https://site.example/x/%2e%2e/cb", "https://user@site.example/cb", "https://site.example@evil.example/cb", "https://site.example.evil.example/cb", "https://evil.example/cb",
    "https://site.example/cb\r\nSet-Cookie: a=b", "//site.example/cb", "javascript:alert(1)", "https://site.example\\@evil.example/cb", "http://127.0.0.1/cb"])
def test_nobody_is_sent_to_an_address_that_is_not_registered(app, person, redirect_uri):
    error_page(person.get(app.address(redirect_uri=redirect_uri)), "redirect_uri")


def test_an_unknown_application_or_none_is_told_on_a_page(app, person):
    for id in (None, "", "x" * 25, app.id.swapcase(), "A confidential application"):
        error_page(person.get(app.address(client_id=id)), "application")
    assert person.get(app.address(client_id="a%00b").replace("%2500", "%00")).status_code == 400  # U+0000 is nobody's


@pytest.mark.parametrize("twice", ["client_id", "redirect_uri"])
def test_an_application_or_address_given_twice_is_told_on_a_page(app, person, twice):
    error_page(person.get(app.address() + "&" + urlencode({twice: app.id if twice == "client_id" else CALLBACK})), "twice")


GOOD = pkce()[1]


@pytest.mark.parametrize("values,error", [
    ({"response_type": None}, "invalid_request"), ({"response_type": "token"}, "unsupported_response_type"), ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"), ({"response_mode": "form_post"}, "invalid_request"),
    ({"code_challenge": GOOD, "code_challenge_method": "plain"}, "invalid_request"), ({"code_challenge": GOOD}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"), ({"code_challenge": GOOD[:-1], "code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge": GOOD + "=", "code_challenge_method": "S256"}, "invalid_request"), ({"scope": "read admin"}, "invalid_scope"), ({"scope": "READ"}, "invalid_scope")])
def test_what_else_is_wrong_goes_back_to_the_application(app, person, values, error):
    reply = person.get(app.address(**dict({"state": "s"}, **values)))
    assert reply.status_code == 302 and reply.headers["Location"].startswith(CALLBACK + "?")
    back = answer(reply.headers["Location"])
    assert back["error"] == error and back["error_description"] and back["state"] == "s" and back["iss"] == app.server.url and "code" not in back


def test_a_parameter_that_comes_twice_goes_back_as_an_error(app, person):
    for extra in ("state=2", "response_type=code", "scope=read&scope=read", "x=1&x=2"):
        back = answer(person.get(app.address(state="1") + "&" + extra).headers["Location"])
        assert back["error"] == "invalid_request" and "more than once" in back["error_description"]


def test_a_public_application_must_use_pkce(native, person):
    back = answer(person.get(native.address()).headers["Location"])
    assert back["error"] == "invalid_request" and "PKCE" in back["error_description"]


def test_a_user_may_say_no(app, person):
    back = answer(person.consent(app.address(state="s"), decision="deny"))
    assert back["error"] == "access_denied" and back["state"] == "s" and "code" not in back


def test_the_query_of_a_redirect_uri_is_kept(app, person):
    location = person.consent(app.address(redirect_uri="https://site.example/other?kept=1", state="s"))
    assert location.startswith("https://site.example/other?kept=1&code=") and answer(location)["kept"] == "1"


@pytest.mark.parametrize("state", ["x", "a\r\nSet-Cookie: b=c", "é ü", "'\"<script>", "%00%0d", "=&?#;"])
def test_state_comes_back_as_it_was(app, person, state):
    location = person.consent(app.address(state=state))
    assert answer(location)["state"] == state and location.isascii() and "\n" not in location and "\r" not in location


def test_a_callback_prefix_ends_at_a_segment(server, person):
    prefixed = Application(server, *person.register("A prefixed application", callback_prefix="https://site.example/app"), "https://site.example/app/deep?x=1")
    assert person.consent(prefixed.address()).startswith("https://site.example/app/deep?x=1&code=")
    for other in ("https://site.example/apps", "https://site.example.evil.example/app", "https://site.example/app/../x", "https://site.example:8443/app", "https://a@site.example/app"):
        error_page(person.get(prefixed.address(redirect_uri=other)), "redirect_uri")


def test_a_disabled_application_asks_nobody_and_its_tokens_are_dead(server, person):
    id, secret = person.register("An application to disable", redirect_uris=CALLBACK)
    one = Application(server, id, secret)
    token, code = one.tokens(person)["access_token"], one.code(person)

    def press(what):
        page = person.get("/profile/edit/developer_settings")
        form = next(f for f in Forms(page.text).forms if f["fields"].get("app") == id and ("do", what) in f["buttons"])
        assert person.send(form, button=("do", what)).status_code == 303
    press("disable")
    error_page(person.get(one.address()), "disabled")
    assert one.api(token).get("/api/version.json").status_code == 401
    assert_oauth_error(one.redeem(code), 401, "invalid_client")
    press("enable")
    assert one.api(token).get("/api/users/current.json").status_code == 200
    page = person.get("/profile/edit/developer_settings")
    form = next(f for f in Forms(page.text).forms if f["fields"].get("app") == id and ("do", "renew") in f["buttons"])
    again = Person.shown(person.send(form, button=("do", "renew")))
    assert again[0] == id and again[1] != secret
    assert_oauth_error(one.redeem(code), 401, "invalid_client")
    assert Application(server, *again).redeem(code).status_code == 200


# the token endpoint


def assert_oauth_error(reply, status, error):
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert set(body) == {"error", "error_description"} and body["error"] == error and body["error_description"].isascii(), body
    assert reply.headers["Cache-Control"] == "no-store" and reply.headers["Pragma"] == "no-cache"
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)


def operate(server, *words):
    return subprocess.run([server.binary, *words, "--data", server.data], check=True, capture_output=True, text=True, timeout=60).stdout


def basic(name, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("grant_type,error", [(None, "invalid_request"), ("", "invalid_request"), ("password", "unsupported_grant_type"), ("client_credentials", "unsupported_grant_type"),
                                              ("implicit", "unsupported_grant_type"), ("urn:ietf:params:oauth:grant-type:device_code", "unsupported_grant_type")])
def test_only_codes_and_refresh_tokens_are_exchanged(app, grant_type, error):
    assert_oauth_error(app.token(grant_type=grant_type, code="x", username=ADMIN[0], password=ADMIN[1], redirect_uri=CALLBACK), 400, error)


def test_an_application_must_show_that_it_is_itself(app, native, person):
    code = app.code(person)
    for wrong in ({"client_secret": None}, {"client_secret": ""}, {"client_secret": "slza_" + "x" * 43}, {"client_secret": app.secret[:-1]}, {"client_secret": app.secret + " "},
                  {"client_id": None}, {"client_id": "x" * 25}, {"client_id": native.id}, {"client_id": ADMIN[0], "client_secret": ADMIN[1]}):
        assert_oauth_error(app.redeem(code, **wrong), 401, "invalid_client")
    assert app.redeem(code).status_code == 200


def test_a_secret_comes_one_way_only(app, person):
    code = app.code(person)
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    assert_oauth_error(app.post("/oauth/token", dict(sent, client_secret=app.secret), headers=basic(app.id, app.secret)), 400, "invalid_request")
    assert_oauth_error(app.post("/oauth/token", dict(sent, client_id="other"), headers=basic(app.id, app.secret)), 400, "invalid_request")
    for header in (basic(app.id, "wrong"), basic(*ADMIN), {"Authorization": "Bearer " + app.secret}, {"Authorization": "Basic !"}):
        assert_oauth_error(app.post("/oauth/token", sent, headers=header), 401, "invalid_client")
    assert app.post("/oauth/token", dict(sent, client_id=app.id), headers=basic(app.id, app.secret)).status_code == 200


def test_parameters_come_in_the_query_too_but_once(app, person):
    sent = {"client_id": app.id, "client_secret": app.secret, "grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": app.code(person)}
    assert_oauth_error(app.post("/oauth/access_token?" + urlencode(sent), {"code": sent["code"]}), 400, "invalid_request")
    assert_oauth_error(app.post("/oauth/access_token", list(sent.items()) + [("x", "1"), ("x", "1")]), 400, "invalid_request")
    assert app.post("/oauth/access_token?" + urlencode(sent), None).status_code == 200


def test_a_body_that_is_no_form_is_an_invalid_request(app):
    for body, kind in (('{"grant_type":"authorization_code"}', "application/json"), ("grant_type=authorization_code", "text/plain"), ("grant_type=%zz", "application/x-www-form-urlencoded"),
                       ("grant_type=a%00b", "application/x-www-form-urlencoded"), ("grant_type=%ff", "application/x-www-form-urlencoded")):
        assert_oauth_error(app.post("/oauth/token", body, headers={"Content-Type": kind}), 400, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth/access_token", "/oauth/token", "/oauth/revoke"])
def test_tokens_are_not_given_out_to_get(server, path):
    reply = server.api(None).get(path)
    assert reply.status_code == 405 and reply.headers["Allow"] == "POST, OPTIONS"


def test_a_code_is_for_its_application_address_and_verifier(app, native, server, person):
    other = Application(server, *person.register("Another application", redirect_uris=CALLBACK))
    verifier, challenge = pkce()
    code = app.code(person, code_challenge=challenge, code_challenge_method="S256")
    assert_oauth_error(other.redeem(code, code_verifier=verifier), 400, "invalid_grant")
    assert_oauth_error(app.redeem(code), 400, "invalid_grant")
    for wrong in (pkce()[0], challenge, verifier[:-1], verifier + "x", "short", verifier.swapcase()):
        assert_oauth_error(app.redeem(code, code_verifier=wrong), 400, "invalid_grant")
    for wrong in (CALLBACK + "/", CALLBACK + "?", "https://SITE.example/cb", "https://site.example/other?kept=1"):
        assert_oauth_error(app.redeem(code, code_verifier=verifier, redirect_uri=wrong), 400, "invalid_grant")
    assert_oauth_error(app.redeem(code, code_verifier=verifier, redirect_uri=None), 400, "invalid_request")
    assert_oauth_error(app.redeem(None, code_verifier=verifier), 400, "invalid_request")
    for wrong in ("slzc_" + "x" * 43, code[:-1], code.swapcase(), "x"):
        assert_oauth_error(app.redeem(wrong, code_verifier=verifier), 400, "invalid_grant")
    assert app.redeem(code, code_verifier=verifier).status_code == 200


def test_a_verifier_for_a_code_without_challenge_is_a_downgrade(app, person):
    assert_oauth_error(app.redeem(app.code(person), code_verifier=pkce()[0]), 400, "invalid_grant")


def test_a_code_that_comes_twice_ends_the_tokens_made_from_it(app, person):
    code = app.code(person)
    token = app.redeem(code).json()["access_token"]
    assert app.api(token).get("/api/users/current.json").status_code == 200
    assert_oauth_error(app.redeem(code), 400, "invalid_grant")
    assert app.api(token).get("/api/users/current.json").status_code == 401
    assert_oauth_error(app.redeem(code), 400, "invalid_grant")


def test_a_refresh_token_that_comes_twice_ends_the_consent(native, person):
    verifier, challenge = pkce()
    first = native.redeem(native.code(person, code_challenge=challenge, code_challenge_method="S256"), code_verifier=verifier).json()
    second = native.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert_oauth_error(native.token(grant_type="refresh_token", refresh_token=first["refresh_token"]), 400, "invalid_grant")
    for token in (first, second):
        assert native.api(token["access_token"]).get("/api/users/current.json").status_code == 401
    assert_oauth_error(native.token(grant_type="refresh_token", refresh_token=second["refresh_token"]), 400, "invalid_grant")


def test_a_refresh_token_is_for_its_application_and_is_no_access_token(app, native, person):
    verifier, challenge = pkce()
    got = native.redeem(native.code(person, code_challenge=challenge, code_challenge_method="S256"), code_verifier=verifier).json()
    assert_oauth_error(app.token(grant_type="refresh_token", refresh_token=got["refresh_token"]), 400, "invalid_grant")
    assert_oauth_error(native.token(grant_type="refresh_token", refresh_token=got["access_token"]), 400, "invalid_grant")
    assert_oauth_error(native.token(grant_type="refresh_token"), 400, "invalid_request")
    assert native.api(got["refresh_token"]).get("/api/users/current.json").status_code == 401
    assert native.token(grant_type="refresh_token", refresh_token=got["refresh_token"]).status_code == 200


def test_a_scope_limits_a_token_and_cannot_be_widened(native, person, api):
    dataset = api.create({"k": "text"}, key="k")
    verifier, challenge = pkce()
    asked = dict(code_challenge=challenge, code_challenge_method="S256", scope="read append")
    got = native.redeem(native.code(person, **asked), code_verifier=verifier).json()
    assert got["scope"] == "read append"
    client = native.api(got["access_token"])
    assert client.upsert(dataset, [{"k": "1"}]).status_code == 200 and client.rows(dataset) == [{"k": "1"}]
    refused(client.replace(dataset, []), 403, "permission_denied")
    refused(client.delete(f"/api/views/{dataset}"), 403, "permission_denied")
    for wider in ("read append replace", "metadata"):
        assert_oauth_error(native.token(grant_type="refresh_token", refresh_token=got["refresh_token"], scope=wider), 400, "invalid_scope")
    less = native.token(grant_type="refresh_token", refresh_token=got["refresh_token"], scope="read").json()
    assert less["scope"] == "read"
    refused(native.api(less["access_token"]).upsert(dataset, [{"k": "2"}]), 403, "permission_denied")
    assert native.token(grant_type="refresh_token", refresh_token=less["refresh_token"]).json()["scope"] == "read append"  # as consented to


def test_a_token_has_no_right_that_its_user_has_not(app, server, api, stranger):
    someone = Person(server)
    someone.log_in("stranger@example.org", "a password of a stranger")
    client = app.api(app.tokens(someone)["access_token"])
    dataset = api.create({"k": "text"})
    refused(client.upsert(dataset, [{"k": "1"}]), 403, "permission_denied")
    assert client.get("/api/users/current.json").json()["id"] == stranger.get("/api/users/current.json").json()["id"]


# revocation


def test_revoking_either_token_ends_the_consent(native, app, person):
    for kind in ("access_token", "refresh_token"):
        verifier, challenge = pkce()
        got = native.redeem(native.code(person, code_challenge=challenge, code_challenge_method="S256"), code_verifier=verifier).json()
        assert_oauth_error(app.post("/oauth/revoke", {"token": got[kind], "client_id": app.id, "client_secret": app.secret}), 400, "unauthorized_client")
        assert native.api(got["access_token"]).get("/api/users/current.json").status_code == 200
        for _ in range(2):  # the second time it is unknown
            assert native.post("/oauth/revoke", {"token": got[kind], "client_id": native.id, "token_type_hint": kind}).status_code == 200
        assert native.api(got["access_token"]).get("/api/users/current.json").status_code == 401
        assert_oauth_error(native.token(grant_type="refresh_token", refresh_token=got["refresh_token"]), 400, "invalid_grant")


def test_revocation_asks_who_it_is(app, person):
    token = app.tokens(person)["access_token"]
    for wrong in ({}, {"client_id": app.id}, {"client_id": app.id, "client_secret": "x"}):
        assert_oauth_error(app.post("/oauth/revoke", dict(wrong, token=token)), 401, "invalid_client")
    assert_oauth_error(app.post("/oauth/revoke", {"client_id": app.id, "client_secret": app.secret}), 400, "invalid_request")
    assert_oauth_error(app.post("/oauth/revoke", [("client_id", app.id), ("client_secret", app.secret), ("token", token), ("token", token)]), 400, "invalid_request")
    assert app.api(token).get("/api/users/current.json").status_code == 200


def test_a_user_takes_back_what_an_application_may(app, server, person):
    token = app.tokens(person)["access_token"]
    page = person.get("/profile/edit/developer_settings")
    form = next(f for f in Forms(page.text).forms if "grant" in f["fields"])  # the newest stands first
    other = Person(server)
    other.log_in("stranger@example.org", "a password of a stranger")
    foreign = dict(other.form(other.get("/profile/edit/developer_settings"), "/profile/edit/developer_settings", do="register"), buttons=[("do", "revoke")])
    assert other.send(foreign, button=("do", "revoke"), grant=form["fields"]["grant"]).status_code == 404
    assert app.api(token).get("/api/users/current.json").status_code == 200
    assert person.send(form, button=("do", "revoke")).status_code == 303
    assert app.api(token).get("/api/users/current.json").status_code == 401


# tokens in use


@pytest.mark.parametrize("scheme", ["OAuth", "Bearer"])
@pytest.mark.parametrize("token", ["", "x", "slzt_" + "x" * 43, "slzt_", "a b", "slzt_" + "x" * 5000])
def test_a_token_that_is_none_is_401_also_on_public_data(app, api, scheme, token):
    dataset = api.create({"k": "text"}, public=True)
    reply = app.api(token, scheme).get(f"/resource/{dataset}.json")
    refused(reply, 401, "authentication_required")
    assert reply.headers["WWW-Authenticate"].startswith('Bearer realm="Seltzer", error="invalid_token"')


def test_a_token_over_plain_http_is_revoked(app, person, server):
    for carry in (lambda t: {"headers": {"Authorization": f"OAuth {t}"}}, lambda t: {"headers": {"Authorization": f"Bearer {t}"}}, lambda t: {"params": {"access_token": t}}):
        token = app.tokens(person)["access_token"]
        reply = requests.get(server.http_url + "/api/users/current.json", allow_redirects=False, timeout=60, **carry(token))
        refused(reply, 403, "https_required", says="revoked")
        assert token not in reply.text
        assert app.api(token).get("/api/users/current.json").status_code == 401


def test_every_token_of_a_request_over_plain_http_is_revoked(app, person, server):
    tokens = [app.tokens(person)["access_token"] for _ in range(3)]
    with socket.create_connection(server.http_url.rsplit("/", 1)[1].split(":"), 20) as raw:
        raw.sendall(f"GET /api/version.json?access_token={tokens[0]} HTTP/1.1\r\nHost: a\r\nAuthorization: OAuth {tokens[1]}\r\nAuthorization: Bearer {tokens[2]}\r\nConnection: close\r\n\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 403")
    for token in tokens:
        assert app.api(token).get("/api/version.json").status_code == 401


def test_a_token_that_a_trusted_proxy_had_over_plain_http_is_revoked(tmp_path):
    own = Server(tmp_path / "data", extra=["--trusted-proxy", "127.0.0.0/8"]).start()
    try:
        someone = Person(own)
        someone.log_in(*ADMIN)
        one = Application(own, *someone.register("Behind a proxy", redirect_uris=CALLBACK))
        client = one.api(one.tokens(someone)["access_token"])
        assert client.get("/api/users/current.json", headers={"X-Forwarded-Proto": "https"}).status_code == 200
        refused(client.get("/api/users/current.json", headers={"X-Forwarded-Proto": "http"}), 403, "https_required", says="revoked")
        assert client.get("/api/users/current.json", headers={"X-Forwarded-Proto": "https"}).status_code == 401
    finally:
        assert own.stop() == 0
        own.check_clean()


def test_a_token_in_the_query_does_not_authenticate(app, person, anonymous):
    token = app.tokens(person)["access_token"]
    reply = anonymous.get("/api/users/current.json", params={"access_token": token})
    assert refused(reply, 401)["message"].find(token) < 0
    assert app.api(token).get("/api/users/current.json", params={"access_token": token}).status_code == 200  # some libraries send both


def test_two_authorization_headers_are_400(app, person, server):
    token = app.tokens(person)["access_token"]
    got = server.exchange(f"GET /api/users/current.json HTTP/1.1\r\nHost: a\r\nAuthorization: OAuth {token}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 400")


def test_the_token_of_a_user_who_is_shut_out_is_dead(app, server):
    server.add_user("oauth-leaver", "a password for a while")
    someone = Person(server)
    someone.log_in("oauth-leaver", "a password for a while")
    token, code = app.tokens(someone)["access_token"], app.code(someone)
    operate(server, "user", "disable", "oauth-leaver")
    assert app.api(token).get("/api/version.json").status_code == 401
    assert_oauth_error(app.redeem(code), 400, "invalid_grant")
    assert someone.get("/profile/edit/developer_settings").status_code == 302  # to the log-in
    operate(server, "user", "enable", "oauth-leaver")
    assert app.api(token).get("/api/users/current.json").status_code == 200


def test_the_metadata_names_what_there_is(server, anonymous):
    told = anonymous.get("/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == server.url and told["authorization_endpoint"] == server.url + "/oauth/authorize"
    assert told["response_types_supported"] == ["code"] and told["code_challenge_methods_supported"] == ["S256"]
    for name in ("token_endpoint", "revocation_endpoint"):
        assert requests.post(told[name], verify=server.ca, timeout=60).json()["error"] in ("invalid_request", "invalid_client")


# seltzer app


def test_the_command_line_registers_lists_and_shuts_out(server, person):
    said = operate(server, "app", "add", "By an operator", "--redirect-uris", f"{CALLBACK} https://site.example/2", "--token-seconds", "600", "--owner", ADMIN[0])
    id, secret = [line.split(": ")[1] for line in said.splitlines()]
    one = Application(server, id, secret)
    got = one.tokens(person)
    assert got["expires_in"] == 600 and got["refresh_token"]
    mine = next(line for line in operate(server, "app", "list").splitlines() if line.startswith(id)).split("\t")
    assert mine[1:4] == ["By an operator", "confidential", "enabled"] and mine[5] == f"{CALLBACK} https://site.example/2"
    assert id in person.get("/profile/edit/developer_settings").text
    operate(server, "app", "disable", "by an OPERATOR")
    assert one.api(got["access_token"]).get("/api/version.json").status_code == 401
    operate(server, "app", "enable", id)
    assert one.api(got["access_token"]).get("/api/version.json").status_code == 200
    fresh = operate(server, "app", "secret", id).split(": ")[1].strip()
    assert_oauth_error(one.token(grant_type="refresh_token", refresh_token=got["refresh_token"]), 401, "invalid_client")
    assert Application(server, id, fresh).token(grant_type="refresh_token", refresh_token=got["refresh_token"]).status_code == 200


@pytest.mark.parametrize("words,says", [
    (["add", "By an operator, twice"], "exists"), (["add", "x", "--redirect-uris", "http://site.example/"], "https://"), (["add", "x", "--callback-prefix", "https://site.example?x"], "query"),
    (["add", "x", "--callback-prefix", "https://site.example", "--public"], "full redirect URIs"), (["add", "x", "--callback-prefix", CALLBACK, "--redirect-uris", CALLBACK], "not both"),
    (["add", "x", "--token-seconds", "5"], "60 to"), (["add", "x", "--token-seconds", "many"], "number"), (["add", "x", "--owner", "nobody-at-all"], "no user"), (["add", ""], "name"),
    (["add", "x", "--website", "javascript:alert(1)"], "https://"), (["add", "x" * 201], "200"), (["disable", "nothing of that name"], "no application"), (["secret", "nothing"], "no application")])
def test_the_command_line_refuses_with_the_reason(server, words, says):
    if says == "exists":
        operate(server, "app", *words)
    ran = subprocess.run([server.binary, "app", *words, "--data", server.data], capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0 and says in ran.stderr and ran.stdout == "", ran


def test_no_secret_is_kept_or_logged(tmp_path):
    """All that was ever given out, sent in the query where that is allowed, is in no file and in no line of the log."""
    own = Server(tmp_path / "data").start()
    someone = Person(own)
    someone.log_in(*ADMIN)
    one = Application(own, *someone.register("Watched", redirect_uris=CALLBACK))
    native = Application(own, someone.register("Watched too", redirect_uris=CALLBACK, public="yes")[0], None)
    verifier, challenge = pkce()
    codes = [one.code(someone), native.code(someone, code_challenge=challenge, code_challenge_method="S256")]
    sent = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    first = one.post("/oauth/access_token?" + urlencode(dict(sent, client_id=one.id, client_secret=one.secret, code=codes[0])), None).json()
    second = native.post("/oauth/token?" + urlencode(dict(sent, client_id=native.id, code=codes[1], code_verifier=verifier)), None).json()
    third = native.post("/oauth/token?" + urlencode({"grant_type": "refresh_token", "client_id": native.id, "refresh_token": second["refresh_token"]}), None).json()
    for token in (first, third):
        assert one.api(token["access_token"]).get("/api/users/current.json").status_code == 200
    own.api(None).get("/api/users/current.json", params={"access_token": second["access_token"]})
    requests.get(own.http_url + "/api/users/current.json", params={"access_token": third["access_token"]}, timeout=60)
    cookies = [c.value for c in someone.session.cookies]
    planted = [one.secret, *codes, verifier, *cookies, *(t[k] for t in (first, second, third) for k in ("access_token", "refresh_token") if k in t)]
    assert own.stop() == 0
    own.check_clean()
    files = [os.path.join(folder, name) for folder, _, names in os.walk(own.data) for name in names] + [own.log_path]
    for path in files:
        with open(path, "rb") as f:
            content = f.read()
        for secret in planted:
            assert secret.encode() not in content, path
    assert len(planted) == 12 and any(path.endswith("catalog.db") for path in files)


def test_an_application_leaves_no_key_behind(app, person, api):
    """A key that it made would stay when the user takes the consent back (docs/wire/api-keys.md)."""
    before = api.get("/api/api_keys?limit=100").json()
    for tokens in (app.tokens(person), app.tokens(person, scope="read append replace metadata")):
        client = app.api(tokens["access_token"])
        for reply in (client.get("/api/api_keys"), client.post("/api/api_keys", json={"keyName": "left behind"}), client.delete("/api/api_keys/none")):
            refused(reply, 403, "permission_denied")
    assert api.get("/api/api_keys?limit=100").json() == before


def test_what_an_administrator_disabled_its_owner_does_not_enable(server):
    name, password = "owner.of.an.app@example.org", "a password of an owner"
    server.add_user(name, password, "none")
    owner = Person(server)
    owner.log_in(name, password)
    id, secret = owner.register("An application that misbehaves", redirect_uris=CALLBACK)
    one = Application(server, id, secret)
    token = one.tokens(owner)["access_token"]

    def buttons():
        return {what for f in Forms(owner.get(SETTINGS).text).forms if f["fields"].get("app") == id for _, what in f["buttons"]}

    form = next(f for f in Forms(owner.get(SETTINGS).text).forms if f["fields"].get("app") == id and ("do", "disable") in f["buttons"])
    server.run("app", "disable", id)
    assert "An administrator has disabled it" in owner.get(SETTINGS).text and buttons() == {"renew"}
    for what in ("enable", "disable", "enable"):  # a page from before, or a form of one's own
        reply = owner.send(dict(form, fields=dict(form["fields"], do=what)))
        assert reply.status_code == 403 and "administrator alone" in reply.text
    assert one.api(token).get("/api/version.json").status_code == 401
    server.run("app", "enable", id)
    assert one.api(token).get("/api/version.json").status_code == 200 and buttons() == {"renew", "disable"}
    assert owner.send(dict(form, fields=dict(form["fields"], do="disable"))).status_code == 303
    assert one.api(token).get("/api/version.json").status_code == 401 and buttons() == {"renew", "enable", "delete"}
    assert owner.send(dict(form, fields=dict(form["fields"], do="enable"))).status_code == 303
    assert one.api(token).get("/api/version.json").status_code == 200


def test_a_disabled_application_can_be_deleted_and_its_name_taken_again(server, person):
    settings = "/profile/edit/developer_settings"
    one = Application(server, *person.register("To be deleted", redirect_uris=CALLBACK))
    token = one.tokens(person)["access_token"]

    def form(what, id=one.id):
        forms = [f for f in Forms(person.get(settings).text).forms if f["fields"].get("app") == id]
        return next((f for f in forms if ("do", what) in f["buttons"]), None)
    disable = form("disable")
    assert form("delete") is None and person.send(disable, **{"do": "delete"}).status_code == 400
    assert person.send(disable, button=("do", "disable")).status_code == 303
    assert person.send(form("delete"), button=("do", "delete")).status_code == 303
    assert one.id not in person.get(settings).text and one.api(token).get("/api/version.json").status_code == 401
    again = Application(server, *person.register("To be deleted", redirect_uris=CALLBACK))
    assert again.id != one.id
    ran = subprocess.run([server.binary, "app", "delete", again.id, "--data", server.data], capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0 and "disabled before" in ran.stderr
    operate(server, "app", "disable", again.id)
    assert form("delete", again.id) is None and form("renew", again.id)
    assert person.send(form("renew", again.id), **{"do": "delete"}).status_code == 403
    operate(server, "app", "delete", again.id)
    assert again.id not in operate(server, "app", "list")
