"""Disks that are too small: file systems of many sizes, from too little to start to enough for the load; a limit on files' sizes; a
scratch area that is full by itself; and the reserve that writes leave free. Replies are 507 (or 503) beside success, reads go on,
writes work again without a restart once there is room, and nothing acknowledged is lost (small_disk.py asserts it).

SELTZER_SOAK=1: 200 sizes instead of a sample."""

import concurrent.futures
import functools
import json
import os
import random
import re
import subprocess
import sys

import pytest

from client import Server, refused
from rude import own_server

SEED = int(os.environ.get("SELTZER_SEED", random.randrange(2 ** 32)))
SOAK = os.environ.get("SELTZER_SOAK") == "1"
# Where one may mount: as any user; as root in a chroot, where there are no user namespaces.
NAMESPACES = [["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"]]
LEAST, MOST = 48 << 10, 5 << 20


def sizes(n):
    """The first and the last, and between them more small ones than large ones, a page apart at least."""
    chosen = []
    for i in range(n):
        size = int(LEAST * (MOST / LEAST) ** (i / (n - 1))) // 4096 * 4096
        chosen.append(max([size, *[s + 4096 for s in chosen[-1:]]]))
    return chosen


@functools.cache
def namespace():
    """The command before another by which it may mount, None where nobody may (a container, say)."""
    for command in NAMESPACES:
        if subprocess.run([*command, "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"], capture_output=True).returncode == 0:
            return command
    return None


def run_program(program, *arguments, before=()):
    return subprocess.run([*before, sys.executable, program, *map(str, arguments)], capture_output=True, text=True, timeout=600)


def sweep(tmp_path, kind, all_sizes):
    print(f"SELTZER_SEED={SEED}")
    program = os.path.join(os.path.dirname(__file__), "small_disk.py")

    def one(size):
        folder = tmp_path / f"{kind}-{size}"
        folder.mkdir()
        return size, run_program(program, kind, size, SEED, folder, before=namespace() if kind == "tmpfs" else ())

    counts = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for size, done in pool.map(one, all_sizes):
            assert done.returncode == 0, f"{kind} of {size} bytes: {done.stderr[-6000:]}"
            counts.append(json.loads(done.stdout.splitlines()[-1]))
    said = sum((sorted(c["statuses"].items()) for c in counts), [])
    by_status = {s: sum(n for t, n in said if t == s) for s in sorted({t for t, _ in said})}
    print(f"{len(counts)} sizes of {kind}: {sum(not c['started'] for c in counts)} too small to start, {sum(c['refused'] > 0 for c in counts)} full during the load, "
          f"{sum(c['refused'] == 0 for c in counts)} large enough; replies {by_status}")
    assert not counts[0]["started"] and counts[-1]["started"] and counts[-1]["refused"] == 0, counts
    assert any(c["started"] and c["refused"] for c in counts)


def test_B1_a_file_system_of_any_size_loses_nothing_and_recovers(tmp_path):
    if not namespace():
        assert not SOAK, "no file system can be mounted here (unshare --mount): nothing was tried"
        print("no file system can be mounted here: limits on files' sizes instead")
    sweep(tmp_path, "tmpfs" if namespace() else "limit", sizes(200 if SOAK else 7))


def test_B10_a_limit_on_files_sizes_is_a_full_disk(tmp_path):
    sweep(tmp_path, "limit", [16 << 10, 200 << 10, 500 << 10, 10 << 20])


# ── the reserve ──

@pytest.fixture
def reserved(tmp_path):
    with own_server(tmp_path) as s:
        s.dataset = s.api().create({"k": "number", "a": "text"}, key="k")
        s.api().upsert_ok(s.dataset, [{"k": 1, "a": "before"}])
        assert s.stop() == 0
        s.extra = ["--disk-reserve", "900000T"]
        s.start()
        yield s


def test_under_the_reserve_writes_are_507_and_the_rest_goes_on(reserved):
    api, dataset = reserved.api(), reserved.dataset
    rows = [{"k": 2, "a": "after"}]
    tries = {
        "POST": api.upsert(dataset, rows), "PUT": api.replace(dataset, rows), "CSV": api.send_csv("POST", dataset, "k,a\n2,after\n"),
        "truncate": api.delete(f"/resource/{dataset}.json"), "row": api.send_json("POST", dataset, {"a": "x"}, path="/1.json"),
        "delete": api.delete(f"/resource/{dataset}/1.json"), "empty": api.upsert(dataset, []),
        "dataset": api.post("/api/views.json", json={"name": "another", "columns": []}),
        "column": api.post(f"/api/views/{dataset}/columns.json", json={"name": "b", "fieldName": "b", "dataTypeName": "text"}),
        "key": api.request("POST", f"/resource/{dataset}.json", json=rows, headers={"Idempotency-Key": "k"}),
    }
    for what, reply in tries.items():
        body = refused(reply, 507, "disk-full", says=["are free", "are kept in reserve", "nothing was written", "--disk-reserve"])
        assert body["data"]["free_bytes"] < body["data"]["reserve_bytes"] == 900000 << 40, (what, body)
    assert api.rows(dataset) == [{"k": "1", "a": "before"}]
    assert api.get(f"/resource/{dataset}.csv").status_code == 200
    assert len(api.get("/api/views.json").json()) == 1  # no half dataset
    reserved.add_user("somebody@example.org", "a password of somebody")
    assert api.put(f"/api/views/{dataset}.json?method=setPermission&value=public.read").status_code == 200
    assert api.put(f"/api/views/{dataset}.json", json={"name": "another name"}).status_code == 200
    assert api.delete(f"/api/views/{dataset}.json").status_code == 200
    assert api.get(f"/resource/{dataset}.json").status_code == 404


def test_a_refused_body_is_not_asked_for(reserved):
    with reserved.connect() as tls:
        tls.sendall(f"POST /resource/{reserved.dataset}.json HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 1000000000\r\n"
                    "Authorization: Basic YWRtaW46c2VsdHplci1kZXYtcGFzc3dvcmQ=\r\nExpect: 100-continue\r\n\r\n".encode())
        assert tls.recv(4096).startswith(b"HTTP/1.1 507 ")


@pytest.mark.parametrize("value", ["", "5", "1.5G", "100%", "-1", "lots"])
def test_a_reserve_is_a_size_or_it_is_refused(tmp_path, value):
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    done = subprocess.run([binary, "serve", "--data", str(tmp_path / "data"), "--listen", "nowhere", "--disk-reserve", value], capture_output=True, text=True, timeout=30)
    assert done.returncode == (1 if value == "5" else 2)
    assert ("--disk-reserve" in done.stderr and "is no reserve" in done.stderr) == (value != "5"), done.stderr
    assert not (tmp_path / "data").exists() or value == "5"


# ── the scratch area ──

def test_B4_a_full_scratch_area_is_named_and_small_writes_go_on(tmp_path):
    """A file system of its own for DIR/scratch, as an operator may have it."""
    if not namespace():
        assert not SOAK, "no file system can be mounted here (unshare --mount): nothing was tried"
        pytest.skip("no file system can be mounted here (unshare --mount)")
    done = run_program(__file__, tmp_path, before=namespace())
    assert done.returncode == 0, done.stderr[-6000:]


def small_scratch(folder):
    scratch = os.path.join(folder, "data", "scratch")
    os.makedirs(scratch)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", scratch], check=True)
    server = Server(os.path.join(folder, "data")).start()
    api = server.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    large = "k,a\n" + "".join(f"{i},{'x' * 1000}\n" for i in range(12000))  # little enough for the rest to be read on after the answer
    for method in ("POST", "PUT"):
        reply = api.send_csv(method, dataset, large)
        refused(reply, 507, "disk-full", says=["scratch area", "full", "nothing was changed"])
    assert re.match(r"^\{.*\}$", api.get("/api/views.json").text.strip()[1:-1], re.S)
    assert api.upsert_ok(dataset, [{"k": 1, "a": "small"}])["Rows Created"] == 1
    assert api.rows(dataset) == [{"k": "1", "a": "small"}]
    subprocess.run(["mount", "-o", "remount,size=100m", scratch], check=True)
    assert api.send_csv("PUT", dataset, large).status_code == 200
    assert len(os.listdir(scratch)) == 0
    assert server.stop() == 0
    server.check_clean()


if __name__ == "__main__":
    small_scratch(sys.argv[1])
