"""Who asks too fast is told to wait (docs/wire/http.md, "Throttling"). The fields are read with a parser of structured fields (RFC 9651)
that others wrote. Addresses are what a trusted proxy says."""

import json
import subprocess
import time

import http_sf
import pytest

from client import ADMIN, Server, refused
from person import Person

ADDRESS, USER, APP = 6, 9, 12   # bursts; none comes back during a test
PASSWORD = "a password of somebody"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("throttle") / "data",
               extra=["--trusted-proxy", "127.0.0.1", "--throttle", f"address=1/h:{ADDRESS}", "--throttle", f"user=1/h:{USER}",
                      "--throttle", f"app=1/h:{APP}", "--metrics-from", "127.0.0.1"]).start()
    yield s
    assert s.stop() == 0
    s.check_clean()


def ask(api, address, path="/api/version", method="GET", **more):
    return api.request(method, path, headers=dict({"X-Forwarded-For": address}, **more.pop("headers", {})), **more)


def fields(reply):
    """(name, quota, window, remaining, next)"""
    [policy], [limit] = (http_sf.parse(reply.headers[name].encode(), tltype="list") for name in ("RateLimit-Policy", "RateLimit"))
    assert policy[0] == limit[0] and set(policy[1]) == {"q", "w"} and set(limit[1]) == {"r", "t"}
    return policy[0], policy[1]["q"], policy[1]["w"], limit[1]["r"], limit[1]["t"]


def throttled(reply):
    body = refused(reply, 429, "too-many-requests", says=["too many requests", "try again in"])
    assert int(reply.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in reply.headers
    return body


def test_an_address_is_told_what_is_left_and_then_to_wait(guarded):
    api = guarded.api(None)
    for left in reversed(range(ADDRESS)):
        reply = ask(api, "192.0.2.1")
        assert reply.status_code == 200
        name, quota, window, remaining, after = fields(reply)
        assert (name, quota, window, remaining) == ("address", ADDRESS, 3600 * ADDRESS, left) and 3500 < after <= 3600
    reply = ask(api, "192.0.2.1")
    assert throttled(reply)["data"] == {"throttle": "address", "limit": ADDRESS}
    assert fields(reply)[3] == 0 and fields(reply)[4] == int(reply.headers["Retry-After"])
    assert ask(api, "192.0.2.2").status_code == 200
    throttled(ask(api, "192.0.2.1", "/resource/abcd-efgh.json"))
    assert 'seltzer_throttled_total{by="address"} 2\n' in guarded.api(None).get("/metrics").text


def test_whatever_the_reply_is_it_says_what_is_left(tmp_path):
    s = Server(tmp_path / "data", extra=["--throttle", "loopback=1/h:50", "--throttle", "publisher=1/h:50"]).start()
    dataset = s.api().create({"k": "text", "n": "number"}, key="k", public=True)
    s.api().upsert_ok(dataset, [{"k": "a", "n": 0}])
    api = s.api(None)
    etag = api.get(f"/resource/{dataset}.json").headers["ETag"]
    for path, status, headers in ((f"/resource/{dataset}.json", 200, {}), (f"/resource/{dataset}.csv", 200, {}), (f"/resource/{dataset}.json", 304, {"If-None-Match": etag}),
                                  (f"/resource/{dataset}.json?$where=nothing=1", 400, {}), (f"/resource/{dataset}.json?$select=1/n", 400, {}), ("/resource/zzzz-zzzz.json", 404, {}),
                                  (f"/resource/{dataset}/b.json", 404, {}), ("/api/users/current.json", 403, {}), ("/api/views.json", 200, {})):
        reply = api.get(path, headers=headers)
        assert reply.status_code == status, (path, reply.text)
        assert fields(reply)[0] == "loopback", path
    assert fields(s.api().get(f"/api/views/{dataset}.json"))[0] == "publisher"
    assert s.stop() == 0


def test_an_ipv6_address_counts_as_its_network(guarded):
    api = guarded.api(None)
    assert [ask(api, f"2001:db8:1:2::{i:x}").status_code for i in range(ADDRESS + 1)] == [200] * ADDRESS + [429]
    assert ask(api, "2001:db8:1:3::1").status_code == 200


def test_an_address_that_nobody_trusted_says_is_not_believed(tmp_path):
    s = Server(tmp_path / "data", extra=["--throttle", "loopback=1/h:3"]).start()
    api = s.api(None)
    assert [ask(api, f"192.0.2.{i}").status_code for i in range(5)] == [200] * 3 + [429] * 2
    assert s.stop() == 0


def test_an_unknown_app_token_buys_nothing(guarded):
    api = guarded.api(None)
    statuses = [ask(api, "192.0.2.10", headers={"X-App-Token": f"made-up-{i}"}).status_code for i in range(ADDRESS + 2)]
    assert statuses == [200] * ADDRESS + [429] * 2
    throttled(ask(api, "192.0.2.10", "/api/version?$$app_token=another"))


@pytest.fixture(scope="module")
def publisher(guarded):
    someone = Person(guarded)
    assert someone.log_in(*ADMIN).status_code == 200
    return someone


def register(publisher, name):
    return publisher.register(name, redirect_uris="https://site.example/cb")[0]


def test_a_registered_application_pays_for_its_callers_and_they_for_themselves_when_it_cannot(guarded, publisher):
    api, token = guarded.api(None), register(publisher, "one")
    for left in reversed(range(APP)):
        reply = ask(api, f"192.0.2.{70 + left % 3}", *([f"/api/version?$$app_token={token}"] if left % 2 else []), headers={} if left % 2 else {"X-App-Token": token})
        assert reply.status_code == 200 and fields(reply)[:4] == ("app", APP, 3600 * APP, left)
    for left in reversed(range(ADDRESS)):
        reply = ask(api, "192.0.2.70", headers={"X-App-Token": token})
        assert reply.status_code == 200 and fields(reply)[:4] == ("address", ADDRESS, 3600 * ADDRESS, left)
    throttled(ask(api, "192.0.2.70", headers={"X-App-Token": token}))
    assert ask(api, "192.0.2.71", headers={"X-App-Token": token}).status_code == 200
    # its name is no token, nor is the token in other letters
    for other in ("one", token.upper() if token != token.upper() else token.lower()):
        throttled(ask(api, "192.0.2.70", headers={"X-App-Token": other}))


def test_a_publisher_does_not_use_up_what_an_applications_readers_have(guarded, publisher):
    token = register(publisher, "two")
    for _ in range(2 * APP):
        assert ask(guarded.api(), "192.0.2.80", headers={"X-App-Token": token}).status_code == 200
    assert fields(ask(guarded.api(None), "192.0.2.80", headers={"X-App-Token": token}))[:4] == ("app", APP, 3600 * APP, APP - 1)


def test_applications_of_somebody_who_may_not_write_share_what_he_has(guarded):
    """Whoever can sign in may register a hundred of them."""
    guarded.add_user("reader", PASSWORD, role="viewer")
    reader = Person(guarded)
    assert reader.log_in("reader", PASSWORD).status_code == 200
    tokens = [register(reader, f"of the reader {i}") for i in range(2)]
    for left in reversed(range(APP)):
        assert fields(ask(guarded.api(None), "192.0.2.95", headers={"X-App-Token": tokens[left % 2]}))[:4] == ("app", APP, 3600 * APP, left)
    assert fields(ask(guarded.api(None), "192.0.2.95", headers={"X-App-Token": tokens[1]}))[0] == "address"


def test_strict_app_tokens_refuse_what_is_not_registered(tmp_path):
    s = Server(tmp_path / "data", extra=["--strict-app-tokens"]).start()
    token = app(s, "add", "known", "--redirect-uris", "https://site.example/cb").split("app token: ")[1].split()[0]
    api = s.api(None)
    assert api.get("/api/version").status_code == 200
    assert api.get("/api/version", headers={"X-App-Token": token}).status_code == 200
    assert api.get(f"/api/version?$$app_token={token}", headers={"X-App-Token": ""}).status_code == 200
    for headers, query in (({"X-App-Token": "made up"}, ""), ({"X-App-Token": ""}, ""), ({}, "?$$app_token=made-up"), ({}, "?app_token="), ({"X-App-Token": "known"}, "")):
        for who in (api, s.api()):
            refused(who.get("/api/version" + query, headers=headers), 403, "permission_denied", says=["Invalid app_token specified"])
    app(s, "disable", "known")
    refused(api.get("/api/version", headers={"X-App-Token": token}), 403, "permission_denied", says=["Invalid app_token specified"])
    assert s.stop() == 0
    s.check_clean()


def app(server, verb, name, *options):
    """seltzer app VERB, beside the running server."""
    ran = subprocess.run([server.binary, "app", verb, name, *options, "--data", server.data], capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.mark.parametrize("options,expected", [
    (["--requests-per-second", "1", "--burst", "500"], (500, 500)), (["--requests-per-second", "3"], (300, 100)), (["--burst", "7"], (7, 7 * 3600)),
    (["--requests-per-second", "0"], None), (["--burst", "0"], None), (["--requests-per-second", "2147483647", "--burst", "2147483647"], (10_000_000, 10))])
def test_an_applications_own_setting_counts(guarded, options, expected):
    token = app(guarded, "add", "own" + "".join(options), "--redirect-uris", "https://site.example/cb", *options).split("app token: ")[1].split()[0]
    reply = ask(guarded.api(None), "192.0.2.90", headers={"X-App-Token": token})
    assert reply.status_code == 200
    assert ("RateLimit" not in reply.headers) if expected is None else fields(reply)[:4] == ("app", *expected, expected[0] - 1)


def test_a_disabled_application_is_as_none(guarded):
    token = app(guarded, "add", "shut out", "--redirect-uris", "https://site.example/cb").split("app token: ")[1].split()[0]
    assert fields(ask(guarded.api(None), "192.0.2.91", headers={"X-App-Token": token}))[0] == "app"
    app(guarded, "disable", "shut out")
    assert fields(ask(guarded.api(None), "192.0.2.91", headers={"X-App-Token": token}))[0] == "address"


def test_wrong_credentials_count_with_the_address(guarded):
    api = guarded.api(("nobody", "a wrong password"))
    for _ in range(ADDRESS):
        reply = ask(api, "192.0.2.20")
        assert reply.status_code == 401 and fields(reply)[0] == "address"
    throttled(ask(api, "192.0.2.20"))
    throttled(ask(guarded.api(None), "192.0.2.20", headers={"Authorization": "Bearer nothing"}))


def test_who_is_signed_in_has_his_own_wherever_he_is(guarded):
    subprocess.run([guarded.binary, "user", "add", "reader@example.org", "--role", "viewer", "--data", guarded.data], input=PASSWORD.encode() + b"\n", check=True)
    time.sleep(1.1)  # the server looks once a second at most
    user = guarded.api(("reader@example.org", PASSWORD))
    stranger = guarded.api(None)
    while ask(stranger, "192.0.2.30").status_code != 429:
        pass
    for left in reversed(range(USER)):
        reply = ask(user, f"192.0.2.{30 + left}")
        assert reply.status_code == 200 and fields(reply)[:4] == ("user", USER, 3600 * USER, left)
    assert throttled(ask(user, "192.0.2.30"))["data"]["throttle"] == "user"
    throttled(ask(user, "203.0.113.9"))
    assert ask(stranger, "203.0.113.9").status_code == 200


def test_a_publisher_at_work_is_not_in_the_way_of_anything(guarded):
    api = guarded.api()
    dataset = api.create({"k": "text"}, key="k")
    for i in range(5 * USER):
        reply = ask(api, "192.0.2.40", f"/resource/{dataset}.json", "POST", data=json.dumps([{"k": str(i)}]), headers={"Content-Type": "application/json"})
        assert reply.status_code == 200 and "RateLimit" not in reply.headers and "RateLimit-Policy" not in reply.headers


def test_probes_are_never_throttled(guarded):
    api = guarded.api(None)
    while ask(api, "192.0.2.50").status_code != 429:
        pass
    for path in ("/healthz", "/readyz"):
        assert ask(api, "192.0.2.50", path).status_code == 200


def test_it_is_decided_before_the_body_is_read(guarded):
    api = guarded.api(None)
    while ask(api, "192.0.2.60").status_code != 429:
        pass
    reply = guarded.exchange(b"POST /resource/abcd-efgh.json HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.60\r\n"
                             b"Content-Type: application/json\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 429 ") and b"100 Continue" not in reply


def test_waiting_as_long_as_told_is_enough(tmp_path):
    s = Server(tmp_path / "data", extra=["--throttle", "loopback=2:3"]).start()
    api = s.api(None)
    waited = 0
    for _ in range(12):
        reply = api.get("/api/version")
        if reply.status_code == 429:
            waited += 1
            time.sleep(int(reply.headers["Retry-After"]))
            assert api.get("/api/version").status_code == 200
    assert waited
    assert s.stop() == 0


def test_dev_throttles_nobody_and_wrong_settings_are_named(tmp_path):
    s = Server(tmp_path / "data", extra=["--dev", "--trusted-proxy", "127.0.0.1"]).start()
    reply = ask(s.api(None), "192.0.2.1")
    assert reply.status_code == 200 and "RateLimit" not in reply.headers
    assert s.stop() == 0
    with pytest.raises(AssertionError, match="no throttle"):
        Server(tmp_path / "other", extra=["--throttle", "address=fast"]).start()
