"""Clients of OAuth 2.0 that others wrote, unmodified, do their whole job: log-in, consent, code with PKCE, refresh, rows (docs/wire/oauth.md)."""

import json
import os
import shutil
import subprocess

import pytest

from client import ADMIN, counts, six
from person import Person

HERE = os.path.dirname(os.path.abspath(__file__))
OAUTH4WEBAPI = "oauth4webapi@3.8.8"


@pytest.fixture(scope="module")
def person(server):
    someone = Person(server)
    assert someone.log_in(*ADMIN).status_code == 200
    return someone


@pytest.fixture
def dataset(api):
    return api.create({"k": "text"}, key="k")


def own_path(server, address):
    assert address.startswith(server.url + "/oauth/authorize?")
    return address[len(server.url):]


# requests-oauthlib 2.0.0 from PyPI


def session(server, id, redirect_uri, **options):
    import requests_oauthlib
    made = requests_oauthlib.OAuth2Session(id, redirect_uri=redirect_uri, **options)
    made.verify, made.trust_env = server.ca, False
    return made


def test_requests_oauthlib_with_a_secret(server, person, dataset):
    id, secret = person.register("requests-oauthlib, confidential", redirect_uris="https://site.example/cb")
    client = session(server, id, "https://site.example/cb")
    address, state = client.authorization_url(server.url + "/oauth/authorize")
    location = person.consent(own_path(server, address))
    token = client.fetch_token(server.url + "/oauth/access_token", authorization_response=location, client_secret=secret)
    assert token["token_type"] == "Bearer" and "expires_in" not in token and client._state == state
    assert six(client.post(server.url + f"/resource/{dataset}.json", json=[{"k": "1"}])) == counts(created=1)


def test_requests_oauthlib_public_with_pkce_refreshes_by_itself(server, person, dataset):
    id, _ = person.register("requests-oauthlib, public", redirect_uris="http://127.0.0.1/cb", public="yes")
    kept = []
    client = session(server, id, "http://127.0.0.1:50505/cb", pkce="S256", scope=["read", "append"], auto_refresh_url=server.url + "/oauth/token", auto_refresh_kwargs={"client_id": id},
                     token_updater=kept.append)
    address, _ = client.authorization_url(server.url + "/oauth/authorize")
    location = person.consent(own_path(server, address))
    token = client.fetch_token(server.url + "/oauth/token", authorization_response=location.replace("http://", "https://"), include_client_id=True)
    assert token["expires_in"] == 43200 and token["scope"] == ["read", "append"]
    client.token = dict(token, expires_at=1)  # the library thinks that it has ended
    assert six(client.post(server.url + f"/resource/{dataset}.json", json=[{"k": "1"}])) == counts(created=1)
    assert kept[0]["access_token"] != token["access_token"] and kept[0]["refresh_token"] != token["refresh_token"]


# oauth4webapi from npm


@pytest.fixture(scope="module")
def oauth4webapi():
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed; requests-oauthlib is tried above")
    if int(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0]) < 18:
        pytest.skip("oauth4webapi needs node 18 or newer")
    root = os.path.join("build", "node-oauth")
    if not os.path.isdir(os.path.join(root, "node_modules", "oauth4webapi")):
        os.makedirs(root, exist_ok=True)
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", root, OAUTH4WEBAPI], capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip("npm could not install oauth4webapi: " + done.stderr[-300:])
    with open(os.path.join(root, "node_modules", "oauth4webapi", "package.json")) as f:
        return os.path.abspath(os.path.join(root, "node_modules", "oauth4webapi", json.load(f)["main"]))


@pytest.mark.parametrize("public", [False, True])
def test_oauth4webapi(server, person, dataset, api, oauth4webapi, public):
    redirect_uri = "http://127.0.0.1:8123/cb"
    id, secret = person.register(f"oauth4webapi, {public}", redirect_uris=redirect_uri, **({"public": "yes"} if public else {}))
    client = subprocess.Popen(["node", os.path.join(HERE, "oauth_client.mjs"), oauth4webapi, server.url, id, secret or "-", redirect_uri, dataset], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=dict(os.environ, NODE_EXTRA_CA_CERTS=server.ca))
    try:
        address = client.stdout.readline().strip()
        assert address, client.stderr.read()
        said, wrong = client.communicate(person.consent(own_path(server, address)) + "\n", timeout=60)
    finally:
        client.kill()
        client.wait()
    assert client.returncode == 0, wrong
    steps = {name: json.loads(told) for name, told in (line.split(" ", 1) for line in said.splitlines())}
    assert steps["tokens"] == ({"type": "bearer", "scope": "read append", "expires_in": 43200} if public else {"type": "bearer", "scope": "read append"})
    assert steps.get("refresh") == (True if public else None)
    assert six(steps["upsert"]) == counts(created=1) and steps["revoked"] == "invalid_token"
    assert api.rows(dataset) == [{"k": "from oauth4webapi"}]
