"""OAuth 2.0 (docs/wire/oauth.md): an application that a user lets act for them, from its registration to the rows it writes."""

import base64
import hashlib
import secrets
from urllib.parse import urlencode

import pytest
import requests

from client import ADMIN, counts, refused, six
from person import Person, answer

CALLBACK = "https://site.example/cb"


def pkce():
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Application:
    """A client written by hand, so that it can also do what none may."""

    def __init__(self, server, id, secret, redirect_uri=CALLBACK):
        self.server, self.id, self.secret, self.redirect_uri = server, id, secret, redirect_uri

    def address(self, **values):
        asked = dict({"client_id": self.id, "response_type": "code", "redirect_uri": self.redirect_uri}, **values)
        return "/oauth/authorize?" + urlencode({k: v for k, v in asked.items() if v is not None})

    def post(self, path, data, **options):
        return requests.post(self.server.url + path, data=data, verify=self.server.ca, timeout=60, allow_redirects=False, **options)

    def token(self, **values):
        sent = dict({"client_id": self.id, "client_secret": self.secret}, **values)
        return self.post("/oauth/access_token", {k: v for k, v in sent.items() if v is not None})

    def redeem(self, code, **values):
        return self.token(**dict({"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}, **values))

    def code(self, person, **values):
        return answer(person.consent(self.address(**values)))["code"]

    def tokens(self, person, **values):
        reply = self.redeem(self.code(person, **values))
        assert reply.status_code == 200, reply.text
        return reply.json()

    def api(self, token, scheme="OAuth"):
        api = self.server.api(None)
        api.session.headers["Authorization"] = f"{scheme} {token}"
        return api


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
