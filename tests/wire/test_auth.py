"""Who may (docs/wire/authentication.md): HTTP Basic over TLS, credentials never on plain HTTP, app tokens recorded and never required."""

import base64

import pytest
import requests

from client import ADMIN, counts, refused, six


@pytest.fixture(scope="module")
def public(api):
    d = api.create({"k": "text"}, key="k", public=True)
    api.upsert_ok(d, [{"k": "1"}])
    return d


@pytest.fixture(scope="module")
def private(api):
    d = api.create({"k": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1"}])
    return d


WRITES = [("POST", "/resource/{d}.json"), ("PUT", "/resource/{d}.json"), ("DELETE", "/resource/{d}"), ("POST", "/resource/{d}/1.json"),
          ("PUT", "/resource/{d}/1.json"), ("DELETE", "/resource/{d}/1.json"), ("POST", "/api/views.json"), ("PUT", "/api/views/{d}.json"),
          ("DELETE", "/api/views/{d}.json"), ("POST", "/api/views/{d}/publication.json"), ("POST", "/api/views/{d}/columns"),
          ("POST", "/id/{d}"), ("POST", "/api/id/{d}.json")]


@pytest.mark.parametrize("method,path", WRITES)
def test_a_write_without_credentials_is_403_and_changes_nothing(api, anonymous, public, method, path):
    body = refused(anonymous.request(method, path.format(d=public), json={}), 403, "authentication_required", "authentication_required")
    assert body["message"] == "You must be logged in to access this resource"
    assert api.rows(public) == [{"k": "1"}]


def test_no_challenge_comes_without_credentials(anonymous, public):
    assert "WWW-Authenticate" not in anonymous.post(f"/resource/{public}.json", json=[]).headers


@pytest.mark.parametrize("auth", [("admin", "wrong"), ("nobody", "wrong"), ("nobody", ADMIN[1]), ("", ""), ("admin", ""), ("ADMIN\u0000", "x")])
@pytest.mark.parametrize("method,path", [("GET", "/resource/{d}.json"), ("POST", "/resource/{d}.json"), ("GET", "/api/users/current.json")])
def test_wrong_credentials_are_401_even_on_public_data(server, public, auth, method, path):
    reply = server.api(auth).request(method, path.format(d=public), json=[] if method == "POST" else None)
    if "\0" in auth[0]:
        assert reply.status_code in (400, 401)
        return
    refused(reply, 401, "authentication_required", "authentication_required")
    assert reply.headers["WWW-Authenticate"].startswith("Basic realm=") and 'charset="UTF-8"' in reply.headers["WWW-Authenticate"]


def test_scripts_get_no_challenge(server, public):
    reply = server.api(("admin", "wrong")).get(f"/resource/{public}.json", headers={"X-Requested-With": "XMLHttpRequest"})
    assert reply.status_code == 401 and "WWW-Authenticate" not in reply.headers


@pytest.mark.parametrize("value", ["Basic", "Basic ", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(),
                                   "Basic " + base64.b64encode(b"a\0:b").decode(), "Basic " + "QUFB" * 4000, "Digest x", "Nonsense",
                                   "Basic " + base64.b64encode("ü:ü".encode()).decode(), "Basic " + base64.b64encode(b"admin:a:b:c").decode()])
def test_odd_authorization_headers_are_refused_cleanly(anonymous, public, value):
    reply = anonymous.get(f"/resource/{public}.json", headers={"Authorization": value})
    assert reply.status_code in (400, 401, 403), reply.text
    refused(reply, reply.status_code)


def test_two_authorization_headers_are_refused(server, public):
    good = base64.b64encode(":".join(ADMIN).encode()).decode()
    got = server.exchange(f"GET /resource/{public}.json HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {good}\r\nAuthorization: Basic {good}\r\n"
                          "Connection: close\r\n\r\n".encode())
    assert got.startswith(b"HTTP/1.1 400 "), got[:300]


def test_the_misspelt_header_names_the_right_one(anonymous, private):
    good = "Basic " + base64.b64encode(":".join(ADMIN).encode()).decode()
    reply = anonymous.get(f"/resource/{private}.json", headers={"Authentication": good})
    assert reply.status_code in (401, 403) and "Authorization" in reply.json()["message"]


def test_private_data_is_403_for_strangers_with_one_body_on_every_route(anonymous, private):
    texts = set()
    for path in (f"/resource/{private}.json", f"/resource/{private}.csv", f"/resource/{private}/1.json", f"/resource/{private}/none.json",
                 f"/api/views/{private}.json", f"/views/{private}", f"/resource/{private}.json?$select=nope"):
        reply = anonymous.get(path)
        refused(reply, 403, "authentication_required")
        texts.add(reply.text)
    assert len(texts) == 1, texts
    refused(anonymous.get("/resource/zzzz-9999.json"), 404, "soda.dataset.not-found")


def test_public_data_is_read_by_anyone(anonymous, public):
    assert anonymous.get(f"/resource/{public}.json").json() == [{"k": "1"}]
    assert anonymous.get(f"/api/views/{public}.json").status_code == 200


def test_no_cache_shows_one_callers_rows_to_another(api, anonymous, public, private):
    for path in ("/api/users/current.json", f"/api/views/{private}.json", f"/api/views/{private}/permissions", f"/resource/{private}/none.json"):
        assert api.get(path).headers["Cache-Control"] == "private, no-cache", path
    for path in ("/api/api_keys", "/seltzer/audit", "/login"):  # said once, and more strictly
        assert api.get(path).headers["Cache-Control"] == "no-store", path
    for dataset in (public, private):
        first = api.get(f"/resource/{dataset}.json")
        again = api.get(f"/resource/{dataset}.json", headers={"If-None-Match": first.headers["ETag"]})
        for reply, status in ((first, 200), (again, 304)):
            assert (reply.status_code, reply.headers["Cache-Control"]) == (status, "private, no-cache")
    assert "Cache-Control" not in anonymous.get(f"/resource/{public}.json").headers


@pytest.mark.parametrize("token", ["", "unknown", "x" * 500])
def test_app_tokens_are_never_required_nor_refused(api, anonymous, public, token):
    assert anonymous.get(f"/resource/{public}.json", headers={"X-App-Token": token}).status_code == 200
    assert anonymous.get(f"/resource/{public}.json", params={"$$app_token": token}).status_code == 200
    reply = api.post(f"/resource/{public}.json", json=[], headers={"X-App-Token": token})
    assert reply.status_code == 200 and six(reply) == counts()


def test_who_am_i(api, anonymous):
    me = api.get("/api/users/current.json").json()
    assert me["id"] and me["displayName"] and isinstance(me["rights"], list)
    refused(anonymous.get("/api/users/current.json"), 403, "authentication_required")


# Plain HTTP


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_credentials_on_plain_http_are_403_and_not_processed(server, api, public, method):
    reply = requests.request(method, f"{server.http_url}/resource/{public}.json", auth=ADMIN, json=[{"k": "leak"}], allow_redirects=False, timeout=20)
    assert reply.status_code == 403 and "Location" not in reply.headers, reply.text
    assert reply.json()["error"] is True
    assert api.rows(public) == [{"k": "1"}]


@pytest.mark.parametrize("method,status", [("GET", 301), ("HEAD", 301), ("POST", 403), ("PUT", 403), ("DELETE", 403)])
def test_plain_http_without_credentials_redirects_reads_and_refuses_the_rest(server, public, method, status):
    reply = requests.request(method, f"{server.http_url}/resource/{public}.json?$limit=1", allow_redirects=False, timeout=20)
    assert reply.status_code == status, reply.text
    if status == 301:
        assert reply.headers["Location"].startswith("https://") and reply.headers["Location"].endswith(f"/resource/{public}.json?$limit=1")
    else:
        assert "Location" not in reply.headers


def test_forwarded_proto_counts_only_from_trusted_proxies(server, public):
    reply = requests.get(f"{server.http_url}/resource/{public}.json", auth=ADMIN, headers={"X-Forwarded-Proto": "https"}, allow_redirects=False, timeout=20)
    assert reply.status_code == 403


def test_a_method_override_is_ignored(api, public):
    assert api.get(f"/resource/{public}.json", headers={"X-HTTP-Method-Override": "DELETE"}).json() == [{"k": "1"}]
    assert api.rows(public) == [{"k": "1"}]
