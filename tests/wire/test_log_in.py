"""Guessing passwords becomes slow, for guessers alone (docs/wire/authentication.md, "Failed log-ins"). A server of its own: the
failures of one address would slow the other tests."""

import os
import subprocess
import threading
import time

import pytest

from client import ADMIN, Server, refused

FREE = 100


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("log-in") / "data", extra=["--trusted-proxy", "127.0.0.1"]).start()
    yield s
    assert s.stop() == 0
    s.check_clean()


def me(api, address):
    return api.get("/api/users/current.json", headers={"X-Forwarded-For": address})


def test_guesses_are_delayed_after_a_hundred_and_the_owner_works_on(guarded):
    owner, guesser = guarded.api(), guarded.api((ADMIN[0], "not the password"))
    assert me(owner, "192.0.2.1").status_code == 200
    start = time.monotonic()
    statuses = [me(guesser, f"10.0.0.{i}").status_code for i in range(FREE + 1)]
    assert statuses == [401] * (FREE + 1)
    reply = me(guesser, "10.0.1.1")
    refused(reply, 429, "too-many-requests")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60 and "WWW-Authenticate" not in reply.headers
    # the right password from elsewhere waits too, and then is taken; where it was used before it never waits
    assert me(guarded.api((ADMIN[0].upper(), "Not the password either")), "10.0.1.2").status_code == 429
    assert me(owner, "192.0.2.1").status_code == 200
    assert me(guarded.api(), "192.0.2.1").status_code == 200
    while (reply := me(guesser, "10.0.1.3")).status_code == 429:
        assert time.monotonic() - start < 60
        time.sleep(0.2)
    assert reply.status_code == 401
    assert int(me(guesser, "10.0.1.3").headers["Retry-After"]) >= 2
    said = guarded.said()
    assert "log-in failed: user " in said and "further tries are delayed" in said
    assert "not the password" not in said and ADMIN[1] not in said
    assert said.count("log-in failed") < 30


def test_guesses_that_wait_for_their_turn_keep_nobody_else_waiting(guarded):
    """More of them than there are workers, each from its own address: who is known is answered while most of them still wait."""
    count, answered = 60, []
    owner = guarded.api()
    assert me(owner, "192.0.2.200").status_code == 200

    def guess(i):
        answered.append(me(guarded.api((f"crowd{i}", "a wrong password")), f"10.9.0.{i}").status_code)
    guesses = [threading.Thread(target=guess, args=(i,)) for i in range(count)]
    for thread in guesses:
        thread.start()
    deadline = time.monotonic() + 60
    while not answered and time.monotonic() < deadline:
        time.sleep(0.01)
    before = len(answered)
    assert [me(owner, "192.0.2.200").status_code for _ in range(3)] == [200] * 3
    during = len(answered)
    for thread in guesses:
        thread.join(120)
    assert set(answered) <= {401, 429} and len(answered) == count
    assert before < count // 2 and during - before < count // 2, (before, during)


def test_one_address_against_many_names_is_delayed(guarded):
    for i in range(FREE + 1):
        assert me(guarded.api((f"user{i}", "password")), "198.51.100.7").status_code == 401
    refused(me(guarded.api(("fresh", "password")), "198.51.100.7"), 429, "too-many-requests")
    assert me(guarded.api(("fresh", "password")), "198.51.100.8").status_code == 401


def test_what_was_typed_as_a_name_is_not_logged(guarded):
    assert me(guarded.api(("my-secret-password", "x")), "203.0.113.1").status_code == 401
    assert "my-secret-password" not in guarded.said() and "no such user from 203.0.113.1" in guarded.said()


@pytest.mark.parametrize("option,address", [("--listen", "0.0.0.0:0"), ("--listen", "[::]:0"), ("--http-listen", "0.0.0.0:0")])
def test_the_password_that_everybody_knows_stays_on_loopback(tmp_path, option, address):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SELTZER_ADMIN")}
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    ran = subprocess.run([binary, "serve", "--dev", "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0", option, address],
                         env=environment, capture_output=True, timeout=30, text=True)
    assert ran.returncode == 2 and "loopback" in ran.stderr and "ready" not in ran.stdout
