"""An application that acts for users by OAuth 2.0, written by hand, so that it can also do what none may."""

import base64
import hashlib
import secrets
from urllib.parse import urlencode

import requests

from person import answer

CALLBACK = "https://site.example/cb"


def pkce():
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Application:
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
