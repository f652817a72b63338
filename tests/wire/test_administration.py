"""The command line beside a running server, through DIR/admin.sock, and on stopped data (docs/decisions/admin-socket.md)."""

import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys

import pytest

from client import Server


@pytest.fixture()
def own(tmp_path):
    s = Server(tmp_path / "data").start()
    yield s
    if s.alive():
        assert s.stop() == 0, s.said()[-3000:]
    s.check_clean()


def command(server, *words, stdin=""):
    return subprocess.run([server.binary, *words, "--data", server.data], input=stdin, capture_output=True, text=True, timeout=60)


def good(done):
    assert done.returncode == 0, done.stderr
    return done


def records(server):
    db = sqlite3.connect(f"file:{server.data}/catalog.db?mode=ro", uri=True)
    try:
        return [json.loads(entry) for (entry,) in db.execute("SELECT entry FROM audit ORDER BY seq")]
    finally:
        db.close()


def path(server):
    return os.path.join(server.data, "admin.sock")


def ask(server, text):
    """What the socket answers to these bytes: (standard output, error, exit status or None)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        here = os.open(server.data, os.O_PATH)
        try:
            s.connect(f"/proc/self/fd/{here}/admin.sock")
        finally:
            os.close(here)
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        reply = b""
        while chunk := s.recv(65536):
            reply += chunk
    out, err, status = b"", b"", None
    while reply:
        kind, n, reply = reply[:1], int.from_bytes(reply[1:5], "big"), reply[5:]
        if kind == b"x":
            assert not reply
            status = n
        elif kind == b"o":
            out += reply[:n]
            reply = reply[n:]
        else:
            assert kind == b"e"
            err += reply[:n]
            reply = reply[n:]
    return out, err.decode(), status


def test_a_command_counts_at_once_beside_a_running_server(own):
    good(command(own, "user", "add", "jane", stdin="the first password\n"))
    jane = own.api(("jane", "the first password"))
    assert jane.get("/api/users/current.json").status_code == 200
    good(command(own, "user", "passwd", "jane", stdin="the second password\n"))
    assert jane.get("/api/users/current.json").status_code == 401
    jane = own.api(("jane", "the second password"))
    assert jane.get("/api/users/current.json").status_code == 200
    good(command(own, "user", "disable", "jane"))
    assert jane.get("/api/users/current.json").status_code == 401
    good(command(own, "user", "enable", "jane"))
    assert jane.get("/api/users/current.json").status_code == 200


def test_the_same_command_works_on_stopped_data_and_after_a_kill(own):
    good(command(own, "user", "add", "jane", stdin="the first password\n"))
    own.kill()
    assert os.path.exists(path(own)), "a killed server leaves its socket, which must not be in the way"
    good(command(own, "user", "passwd", "jane", stdin="the second password\n"))
    own.start()
    assert own.api(("jane", "the second password")).get("/api/users/current.json").status_code == 200
    assert own.stop() == 0
    assert not os.path.exists(path(own))
    good(command(own, "user", "disable", "jane"))
    own.start()
    assert own.api(("jane", "the second password")).get("/api/users/current.json").status_code == 401


def test_what_is_refused_is_refused_alike_on_both_ways(own):
    cases = [
        (("user", "disable", "nobody"), "", "no such user"),
        (("user", "add", "a:b"), "a good password\n", "must not hold ':'"),
        (("user", "add", "short"), "1234567\n", "8 to 1024"),
        (("user", "add", "roleless", "--role", "king"), "a good password\n", "no role \"king\""),
        (("user", "add", "none"), "", "no password was given"),
    ]
    for words, stdin, message in cases:
        there = command(own, *words, stdin=stdin)
        assert there.returncode == 1 and message in there.stderr, (words, there)
    own.stop()
    for words, stdin, message in cases:
        here = command(own, *words, stdin=stdin)
        assert here.returncode == 1 and message in here.stderr, (words, here)
    for words in (("user",), ("user", "become", "king"), ("user", "add"), ("user", "add", "a", "b"), ("user", "add", "a", "--rule", "x")):
        assert command(own, *words, stdin="a good password\n").returncode == 2, words
    own.start()


def test_the_record_says_who_ran_the_command(own):
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    good(command(own, "user", "add", "jane", stdin="the first password\n"))
    own.stop()
    good(command(own, "user", "disable", "jane"))
    made, disabled = records(own)[-2:]
    assert made["action"] == "user.create" and disabled["action"] == "user.disable"
    for r in (made, disabled):
        assert r["via"] == "command line" and r["peer"] == me and r["user"] is None
    own.start()


def test_a_generated_password_is_printed_and_works(own):
    said = good(command(own, "user", "add", "jane", "--generate")).stdout
    password = said.removeprefix("password: ").strip()
    assert len(password) == 20
    assert own.api(("jane", password)).get("/api/users/current.json").status_code == 200
    refused = command(own, "user", "passwd", "joan", "--generate")
    assert refused.returncode == 1 and "password" not in refused.stdout


def test_nobody_else_is_let_in(own):
    assert stat.S_IMODE(os.stat(path(own)).st_mode) == 0o600
    if os.geteuid() != 0:
        pytest.skip("another user can be had by root alone")
    # Doors that are open by mistake: the kernel's word on who connects counts, not the file's mode.
    request = b'{"command":"user","verb":"disable","words":["admin"],"options":{},"secret":""}'
    top = os.path.dirname(own.data)
    modes = {top: 0o755, os.path.dirname(top): 0o755, os.path.dirname(os.path.dirname(top)): 0o755, own.data: 0o755, path(own): 0o666}
    before = {p: stat.S_IMODE(os.stat(p).st_mode) for p in modes}
    script = ("import os,socket,sys\nos.setgid(65534);os.setuid(65534)\nos.chdir(sys.argv[1])\ns=socket.socket(socket.AF_UNIX)\ns.connect('admin.sock')\n"
              "try: s.sendall(sys.argv[2].encode());s.shutdown(1)\nexcept OSError: pass\nb=b''\ntry:\n while c:=s.recv(65536): b+=c\nexcept OSError: pass\nsys.stdout.buffer.write(b)")
    try:
        for p, mode in modes.items():
            os.chmod(p, mode)
        other = subprocess.run([sys.executable, "-c", script, own.data, request.decode()], capture_output=True, timeout=60)
    finally:
        for p, mode in before.items():
            os.chmod(p, mode)
    assert other.returncode == 0 and b"not of uid 65534" in other.stdout and other.stdout.endswith(b"x\0\0\0\1"), other
    assert own.api().get("/api/users/current.json").status_code == 200, "the administrator was disabled by a stranger"
    outside = subprocess.run([own.binary, "user", "disable", "admin", "--data", own.data], capture_output=True, text=True, timeout=60, user=65534, group=65534, extra_groups=[])
    assert outside.returncode != 0 and outside.stderr.startswith("seltzer: "), outside


def test_what_is_no_command_is_refused_and_harms_nothing(own):
    for text, message in (
        (b"", "JSON"),
        (b"GET / HTTP/1.1\r\n\r\n", "JSON"),
        (b"[]", "a request on this socket is"),
        (b'{"command":"user","verb":"disable"}', "a request on this socket is"),
        (b'{"command":"user","verb":"disable","words":[1],"options":{}}', "a request on this socket is"),
        (b'{"command":"user","verb":"disable","words":["a"],"options":{"x":1}}', "a request on this socket is"),
        (b'{"command":"user","verb":"disable","words":[' + b",".join([b'"a"'] * 9) + b'],"options":{}}', "a request on this socket is"),
        (b'{"command":"user","verb":"crown","words":["a"],"options":{}}', "another version"),
        (b'{"command":"user","verb":"disable","words":[],"options":{}}', "takes NAME"),
    ):
        out, err, status = ask(own, text)
        assert status == 1 and not out and (message in err or (message == "JSON" and err)), (text, err, status)
    try:
        out, err, status = ask(own, b" " * 200000)
        assert status == 1 and "over 65536 bytes" in err
    except ConnectionError:
        pass  # it was cut off in the middle of sending
    good(command(own, "user", "disable", "admin"))


def test_a_connection_that_says_nothing_holds_up_neither_commands_nor_the_end(own):
    silent = []
    here = os.open(own.data, os.O_PATH)
    for _ in range(3):
        s = socket.socket(socket.AF_UNIX)
        s.connect(f"/proc/self/fd/{here}/admin.sock")
        silent.append(s)
    os.close(here)
    good(command(own, "user", "disable", "admin"))
    assert own.stop() == 0
    for s in silent:
        s.close()
    own.start()


def test_a_query_is_explained_by_the_server_and_on_stopped_data(own):
    dataset = own.api().create({"k": "text", "v": "number"}, key="k")
    words = ("soql", "explain", "--dataset", dataset, "SELECT k WHERE v > 3")
    there = good(command(own, *words)).stdout
    assert "SQLite\n" in there and "PostgreSQL\n" in there and "SELECT" in there
    assert command(own, "soql", "explain", "--dataset", "none-none", "SELECT 1").returncode == 1
    assert "explain needs --dataset" in command(own, "soql", "explain", "SELECT 1").stderr
    refused = command(own, "soql", "explain", "--dataset", dataset, "SELECT nothing")
    assert refused.returncode == 1 and "nothing" in refused.stderr
    own.stop()
    assert good(command(own, *words)).stdout == there
    own.start()


def test_many_commands_at_once_are_all_done(own):
    def add(names):
        running = [subprocess.Popen([own.binary, "user", "add", n, "--data", own.data], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for n in names]
        for p in running:
            _, err = p.communicate("a password of many\n", timeout=120)
            assert p.returncode == 0, err

    add([f"there{i}" for i in range(6)])
    own.stop()
    add([f"here{i}" for i in range(6)])  # each takes the directory's lock in its turn
    own.start()
    for name in ("there0", "there5", "here0", "here5"):
        assert own.api((name, "a password of many")).get("/api/users/current.json").status_code == 200
    assert len([r for r in records(own) if r["action"] == "user.create"]) == 13
