"""The access log (docs/operations.md): one line of JSON a request whatever is in it, no secrets, no rows, and nobody waits for it."""

import base64
import json
import os
import signal
import time

import pytest

from client import ADMIN, Server, refused

SECRETS = ["tell-me-not", "slzk_0123456789abcdefghijklmnop", ADMIN[1], base64.b64encode(":".join(ADMIN).encode()).decode()]
# Lines of the big list of naughty strings, by kind, and what ends lines or acts on terminals.
NAUGHTY = ["\u202etest\u202d", "\u2028line", "\u0085next", "\x7fdel", "\u009b31mred", "Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい", "👾 🙇", "\ufeffbom",
           "<script>alert(1)</script>", "'; DROP TABLE users; --", "%00%0d%0a%1b[31m", "{{7*7}} ${7*7} `id`", '"},{"status":200', "\\u000a\\", "../../etc/passwd",
           "$(touch /tmp/blns.fail)", "A" * 5000, "\t tab", "%d%s%n"]


class Logged(Server):
    def __init__(self, data, level):
        super().__init__(data, extra=["--access-log", str(data) + ".access", "--log-level", level])
        self.access_path = str(data) + ".access"

    def raw(self):
        with open(self.access_path, "rb") as f:
            return f.read()

    def line(self, request_id):
        """The only line of a request; it is written within a moment."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [parsed for parsed in map(json.loads, self.raw().decode().splitlines()) if parsed["id"] == request_id]
            if found:
                assert len(found) == 1
                return found[0]
            time.sleep(0.05)
        raise AssertionError(f"no line of {request_id}")


def logged(tmp_path_factory, level):
    s = Logged(tmp_path_factory.mktemp("logged") / "data", level).start()
    yield s
    assert s.stop() == 0
    s.check_clean()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    yield from logged(tmp_path_factory, "info")


@pytest.fixture(scope="module")
def chatty(tmp_path_factory):
    yield from logged(tmp_path_factory, "debug")


def test_a_line_tells_who_did_what_and_what_became_of_it(quiet):
    api = quiet.api()
    dataset = api.create({"k": "text"}, key="k")
    body = b'[{"k":"a value that nobody else is to see"}]'
    reply = api.post(f"/resource/{dataset}.json?report=rows", data=body,
                     headers={"Content-Type": "application/json", "X-Socrata-RequestId": "write-1", "User-Agent": "nightly/1.0"})
    assert reply.status_code == 200
    line = quiet.line("write-1")
    me = api.get("/api/users/current.json").json()["id"]
    assert list(line)[:2] == ["time", "id"] and time.time() - 60 < time.mktime(time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone < time.time() + 1
    assert line["time"].endswith("Z") and 0 < line.pop("ms") < 60000 and line.pop("sent") > len(reply.content) and line.pop("time")
    assert line == {"id": "write-1", "peer": "127.0.0.1", "method": "POST", "route": "/resource/:id", "path": f"/resource/{dataset}.json", "query": "report",
                    "status": 200, "received": len(body), "user": me, "via": "password", "agent": "nightly/1.0"}
    refused(quiet.api(None).get(f"/resource/{dataset}.json", headers={"X-Socrata-RequestId": "read-1"}), 403)
    line = quiet.line("read-1")
    assert line["status"] == 403 and "user" not in line and "via" not in line
    assert b"nobody else" not in quiet.raw()


def test_rows_are_not_in_the_log(quiet):
    api = quiet.api()
    dataset = api.create({"k": "text"}, key="k")
    requests = [("GET", f"/resource/{dataset}/mr-smith.json", "/:row"), ("PATCH", f"/resource/{dataset}/mr-smith.json", None),
                ("GET", f"/resource/{dataset}/mr-smith/and/more", None), ("DELETE", f"/api/id/{dataset}/mr-smith", "/:row"),
                ("GET", f"/resource/{dataset}.json?k=mr-smith&$where=k%3D%27mr-smith%27", "/:id")]
    for i, (method, path, route) in enumerate(requests):
        api.request(method, path, headers={"X-Socrata-RequestId": f"row-{i}"})
        line = quiet.line(f"row-{i}")
        assert dataset in line["path"] and (not route or line["route"].endswith(route)), line
    assert line["query"] == "k&$where"
    assert quiet.line("row-0")["path"] == f"/resource/{dataset}/…"
    assert b"mr-smith" not in quiet.raw()


@pytest.mark.parametrize("text", NAUGHTY)
def test_whatever_a_client_sends_is_one_line(chatty, text):
    before = chatty.raw().count(b"\n")
    quoted = "".join(f"%{b:02x}" if b <= 0x20 or b >= 0x7f or chr(b) in "%#" else chr(b) for b in text.encode())[:4000]
    head = (f"GET /resource/{quoted}?a={quoted}&{quoted}=b HTTP/1.1\r\nHost: localhost\r\nX-Socrata-RequestId: naughty-{before}\r\nConnection: close\r\n"
            f"X-App-Token: {text}\r\nReferer: {text}\r\nX-Forwarded-For: {text}\r\nUser-Agent: {text}\r\n\r\n").encode()
    status = int(chatty.exchange(head).split(b" ", 2)[1])
    deadline = time.monotonic() + 20
    while chatty.raw().count(b"\n") < before + 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # a second one would be there by now
    lines = chatty.raw().decode().split("\n")
    assert len(lines) == before + 2 and lines[-1] == ""
    assert json.loads(lines[-2])["status"] == status
    assert len(lines[-2].encode()) < 8192
    assert not any(ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or ord(c) in (0x2028, 0x2029, 0x202e) for c in lines[-2]), lines[-2]


def test_a_line_break_in_a_field_is_refused_and_logged_as_one_line(chatty):
    before = chatty.raw().count(b"\n")
    for field in (b"User-Agent: a\nb", b"X-Socrata-RequestId: a\rb", b"Referer: a\x00b", b"a\x1bb: c"):
        assert chatty.exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + field + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    deadline = time.monotonic() + 20
    while chatty.raw().count(b"\n") < before + 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = chatty.raw().decode().splitlines()[before:]
    assert [json.loads(line)["status"] for line in lines] == [400] * 4


def test_no_secret_is_in_any_log_however_it_came(chatty):
    secret, ours = SECRETS[:2]
    api = chatty.api()
    for query in (f"access_token={secret}", f"acc%65ss_token={secret}", f"$$app_token={secret}", f"app_token={secret}", f"client_secret={secret}&code={secret}",
                  f"a=1;code={secret}", f"refresh_token={secret}", f"password={secret}", f"x={ours}", f"{ours}=1"):
        api.get(f"/api/version?{query}")
    chatty.api(("nobody", secret)).get("/api/version")
    chatty.api((secret, "a password")).get("/api/version")
    for headers in ({"Authorization": f"OAuth {secret}"}, {"Authorization": f"Bearer {ours}"}, {"Authentication": f"OAuth {secret}"}, {"X-App-Token": secret},
                    {"Cookie": f"session={secret}"}, {"User-Agent": f"curl {ours}"}, {"X-CSRF-Token": secret}):
        chatty.api(None).get("/api/version", headers=headers)
    chatty.exchange(f"GET https://u:{secret}@localhost/{ours} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    chatty.api(None).get(f"/seltzer/{ours}", headers={"X-Socrata-RequestId": "the-last"})
    line = chatty.line("the-last")
    assert line["path"] == "/seltzer/slzk_[cut]"
    for text in (chatty.raw().decode(), chatty.said()):
        for s in SECRETS:
            assert s not in text


def test_a_renamed_file_is_followed_on_sighup(quiet):
    quiet.api().get("/api/version", headers={"X-Socrata-RequestId": "before-the-turn"})
    quiet.line("before-the-turn")
    os.rename(quiet.access_path, quiet.access_path + ".1")
    quiet.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 20
    while not os.path.exists(quiet.access_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    quiet.api().get("/api/version", headers={"X-Socrata-RequestId": "after-the-turn"})
    quiet.line("after-the-turn")
    with open(quiet.access_path + ".1") as f:
        assert "before-the-turn" in f.read()


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    os.symlink("/dev/full", tmp_path / "access")
    s = Server(tmp_path / "data", extra=["--access-log", str(tmp_path / "access"), "--metrics-from", "127.0.0.1"]).start()
    api = s.api()
    dataset = api.create({"k": "text"})
    for _ in range(20):
        api.upsert_ok(dataset, [{"k": "x"}])
    deadline = time.monotonic() + 20
    while "seltzer_log_lines_lost_total 0\n" in s.api(None).get("/metrics").text and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "seltzer_log_lines_lost_total 0\n" not in s.api(None).get("/metrics").text
    assert s.said().count("its lines are lost until that is mended") == 1
    assert s.stop() == 0
    s.check_clean()


@pytest.mark.parametrize("options,says", [(["--access-log", "/nowhere/access.log"], "/nowhere/access.log"), (["--log-level", "loud"], "debug, info, warn or error")])
def test_what_cannot_be_is_said_at_the_start(tmp_path, options, says):
    with pytest.raises(AssertionError, match=says):
        Server(tmp_path / "data", extra=options).start()


def test_only_warnings_are_logged_when_no_more_is_wanted(tmp_path):
    s = Server(tmp_path / "data", extra=["--log-level", "warn"]).start()
    refused(s.api(("nobody", "wrong password")).get("/api/version"), 401)
    assert s.stop() == 0
    assert "log-in failed" in s.said() and '"level":"info"' not in s.said()
