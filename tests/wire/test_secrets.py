"""No secret is kept where it could be read: every kind is used, wrongly too, and then looked for in the data directory (files, WALs, what
deleted rows leave in them), in a copy of it, in the log, the access log, the audit and the reports of set-aside rows."""

import base64
import os
import re
import shutil
import subprocess

import pytest

from client import ADMIN, Server
from person import Person
from test_oauth import CALLBACK, Application, pkce

PASSWORDS = {"of jane": "planted-Passw0rd-jane", "of jane, later": "planted-Passw0rd-later", "wrong": "planted-Wrong-guess", "as a user's name": "planted-In-the-wrong-field",
             "generated": None, "over plain HTTP": "planted-Over-plain"}


def used(folder):
    """A server on which every kind of secret was used; (it, {what: secret})."""
    s = Server(folder / "data", extra=("--access-log", str(folder / "access.log"))).start()
    secrets = dict(PASSWORDS)
    s.run("user", "add", "jane", input=PASSWORDS["of jane"] + "\n")
    s.run("user", "passwd", "jane", input=PASSWORDS["of jane, later"] + "\n")
    secrets["generated"] = s.run("user", "add", "joan", "--generate").split()[-1]
    jane, admin = s.api(("jane", PASSWORDS["of jane, later"])), s.api()
    assert jane.get("/api/users/current.json").status_code == 200
    dataset = jane.create({"k": "text", "n": "number"}, key="k")

    # Log-ins that fail, in every way that has a password somewhere.
    for auth in (("jane", PASSWORDS["wrong"]), (PASSWORDS["as a user's name"], "x"), ("joan", PASSWORDS["wrong"])):
        assert s.api(auth).get("/api/users/current.json").status_code == 401
    s.exchange(b"GET /api/version HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + base64.b64encode(PASSWORDS["wrong"].encode()) + b"\r\nConnection: close\r\n\r\n")
    credentials = base64.b64encode(f"jane:{PASSWORDS['over plain HTTP']}".encode()).decode()
    subprocess.run(["curl", "-s", "-o", "/dev/null", "-H", f"Authorization: Basic {credentials}", s.http_url + "/api/version"], check=False, timeout=30)

    # API keys, over the API and from the command line.
    key = jane.post("/api/api_keys", json={"keyName": "a key", "rights": ["read", "append"]}).json()
    secrets["of a key"] = key["keySecret"]
    by_key = s.api((key["keyId"], key["keySecret"]))
    assert by_key.upsert(dataset, [{"k": "1"}]).status_code == 200
    refused = by_key.request("PUT", f"/resource/{dataset}.json", json=[])
    assert refused.status_code == 403
    jane.request("DELETE", f"/api/api_keys/{key['keyId']}")
    assert by_key.get("/api/users/current.json").status_code == 401
    made = s.run("key", "add", "jane", "from the command line")
    secrets["of a key of the command line"] = re.search(r"slzk_\w+", made)[0]

    # Sessions and OAuth.
    person = Person(s)
    assert person.log_in(*ADMIN).status_code == 200
    for i, cookie in enumerate(person.session.cookies):
        secrets[f"cookie {i}"] = cookie.value
    app = Application(s, *person.register("An application", redirect_uris=CALLBACK))
    secrets["of an application"] = app.secret
    secrets["code"] = app.code(person)
    token = app.redeem(secrets["code"]).json()
    secrets["access token"] = token["access_token"]
    assert app.api(token["access_token"]).get("/api/users/current.json").status_code == 200
    native = Application(s, *person.register("Another", redirect_uris="http://127.0.0.1/cb", public="yes"), "http://127.0.0.1:49152/cb")
    secrets["verifier"], challenge = pkce()
    both = native.redeem(native.code(person, code_challenge=challenge, code_challenge_method="S256"), code_verifier=secrets["verifier"]).json()
    secrets["second access token"], secrets["refresh token"] = both["access_token"], both["refresh_token"]
    admin.get(f"/resource/{dataset}.json?access_token={token['access_token']}&client_secret={app.secret}")
    admin.get(f"/nowhere/{token['access_token']}")
    made = s.run("app", "add", "of the command line", "--redirect-uris", CALLBACK)
    secrets["of an application of the command line"] = re.search(r"slza_\w+", made)[0]

    # A report of rows that were set aside, changes that are audited, a dataset that goes.
    jane.request("POST", f"/resource/{dataset}.json?onError=skip", json=[{"k": "2", "n": "not a number"}])
    jane.request("PUT", f"/api/views/{dataset}", json={"description": "changed"})
    jane.request("DELETE", f"/api/views/{jane.create({'a': 'text'})}")
    s.run("user", "disable", "joan")
    return s, secrets


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    s, secrets = used(folder)
    running = folder / "backup"
    shutil.copytree(s.data, running, ignore=shutil.ignore_patterns("admin.sock"))  # of a running server, as a careless backup would be
    exported = s.run("audit", "export") + s.run("audit", "export", "--format", "csv")
    (folder / "export").write_text(exported)
    assert s.stop() == 0
    s.check_clean()
    yield folder, s, secrets


def forms(secret):
    """As it stands, and as it would be carried or printed."""
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    for before in range(3):  # in base64 a text looks three ways, by where it begins; the ends depend on the neighbours
        yield base64.b64encode(b" " * before + raw)[4 if before else 0:-4]


def test_no_secret_is_found_anywhere(house):
    folder, _, secrets = house
    assert len(secrets) >= 18 and all(value and len(value) >= 16 for value in secrets.values()), secrets
    looked_at = 0
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as f:
                content = f.read()
            looked_at += 1
            for what, secret in secrets.items():
                for form in forms(secret):
                    assert form not in content, f"the secret {what} is in {os.path.relpath(path, folder)}: …{content[max(0, content.find(form) - 60):][:140]!r}"
    assert looked_at > 10


def test_the_search_would_find_one(house, tmp_path):
    """What is not secret, and was sent beside the secrets, is where it should be."""
    folder, s, secrets = house
    everything = b""
    for top, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(top, name), "rb") as f:
                everything += f.read()
    for public in (b"An application", b"of the command line", b"user.password", b"a key", b"not a number", b"log-in failed"):
        assert public in everything, public
    logged = (folder / "access.log").read_text()
    assert "/nowhere/" in logged and "[cut]" in logged, "the access log has the request, without what it carried"


def test_refusals_are_in_the_log_with_who_and_where(house):
    _, s, _ = house
    said = s.said()
    line = next(text for text in said.splitlines() if "refused with 403" in text and "PUT /resource/:id" in text)
    assert re.search(r"refused with 403: \w{4}-\w{4} by key \S+ from 127\.0\.0\.1, request \S+: PUT /resource/:id\b", line), line
    assert "refused with 401: nobody by no credentials that are good from 127.0.0.1" in said


def test_refusals_of_strangers_are_logged_too(tmp_path):
    s = Server(tmp_path / "data").start()
    try:
        nobody = s.api(auth=None)
        for _ in range(30):
            assert nobody.get("/seltzer/audit").status_code == 403
        lines = [text for text in s.said().splitlines() if "refused with 403" in text]
        assert len(lines) >= 10
    finally:
        assert s.stop() == 0
