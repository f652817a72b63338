"""A 2xx is on disk, all or nothing: kill -9 at any moment leaves the old or the new rows; a second server refuses; SIGTERM
finishes what runs. Each test has a server of its own. Random moments come from SELTZER_SEED, which is printed."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest
import requests

from client import ADMIN, Server, refused, six


@pytest.fixture
def own(tmp_path):
    s = Server(tmp_path / "data").start()
    yield s
    if s.alive():
        assert s.stop() == 0
    s.check_clean()


@pytest.fixture
def random_numbers():
    seed = int(os.environ.get("SELTZER_SEED", random.randrange(2 ** 32)))
    print("SELTZER_SEED=%d" % seed)
    return random.Random(seed)


def test_what_was_acknowledged_survives_kill_9(own, random_numbers):
    api = own.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k", public=True)
    acknowledged, sent = 0, 0
    for _ in range(4):
        timer = threading.Timer(random_numbers.uniform(0.05, 0.5), own.process.kill)
        timer.start()
        try:
            while True:
                sent += 1
                assert six(api.upsert(dataset, [{"k": sent, "a": "x" * 100}]))["Rows Created"] == 1
                acknowledged = sent
        except (requests.ConnectionError, requests.JSONDecodeError):
            pass  # killed before the reply, or between its head and its body, which requests hands on cut
        timer.join()
        own.process.wait()
        own.close()
        own.start()
        api = own.api()
        rows = [int(r["k"]) for r in api.rows(dataset, **{"$limit": "100000"})]
        assert rows[:acknowledged] == list(range(1, acknowledged + 1)) and len(rows) in (acknowledged, acknowledged + 1)
        sent = acknowledged = len(rows)
    assert acknowledged > 0


def test_kill_9_during_a_replace_leaves_the_old_or_the_new_rows(own, random_numbers):
    api = own.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    generation = 0
    body = {g: json.dumps([{"k": i, "a": f"generation {g}"} for i in range(3000)]) for g in range(12)}
    assert api.replace(dataset, body[0]).status_code == 200
    for _ in range(5):
        timer = threading.Timer(random_numbers.uniform(0.0, 0.6), own.process.kill)
        timer.start()
        try:
            while generation < 11:
                assert api.replace(dataset, body[generation + 1]).status_code == 200
                generation += 1
        except requests.ConnectionError:
            pass
        timer.join()
        own.process.wait()
        own.close()
        own.start()
        api = own.api()
        rows = api.rows(dataset, **{"$limit": "100000"})
        kinds = {r["a"] for r in rows}
        assert len(rows) == 3000 and len(kinds) == 1, (len(rows), kinds)
        found = int(kinds.pop().split()[1])
        assert found in (generation, generation + 1)
        generation = found


def test_views_users_and_permissions_survive_a_restart(own):
    api = own.api()
    dataset = api.create({"k": "text", "n": "number", "p": "point"}, key="k", public=True, description="kept", resourceName="kept-by-name")
    api.upsert_ok(dataset, [{"k": "1", "n": "1.50", "p": "POINT (1 2)"}])
    before = (api.get(f"/api/views/{dataset}.json").json(), api.full(dataset), api.version(dataset))
    assert own.stop() == 0
    own.start()
    api = own.api()
    assert (api.get(f"/api/views/{dataset}.json").json(), api.full(dataset), api.version(dataset)) == before
    assert own.api(auth=None).get("/resource/kept-by-name.json").status_code == 200
    assert six(api.upsert(dataset, [{"k": "1"}]))["Rows Updated"] == 1


def test_sigterm_finishes_what_runs_and_exits_0(own):
    api = own.api()
    dataset = api.create({"k": "number", "a": "text"}, key="k")
    result = {}

    def write():
        def slowly():
            yield b"["
            for i in range(20):
                yield (b"," if i else b"") + b'{"k":%d}' % i
                time.sleep(0.05)
            yield b"]"
        reply = api.post(f"/resource/{dataset}.json", data=slowly(), headers={"Content-Type": "application/json"})
        result["status"], result["text"] = reply.status_code, reply.text

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.3)
    assert own.stop() == 0
    thread.join()
    assert result["status"] == 200, result
    own.start()
    assert len(own.api().rows(dataset)) == 20


def test_a_second_server_on_the_same_data_refuses_with_the_pid(own):
    done = subprocess.run([own.binary, "serve", "--data", own.data, "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"],
                          capture_output=True, text=True, timeout=30, env=dict(os.environ, SELTZER_ADMIN_PASSWORD=ADMIN[1]))
    assert done.returncode == 2 and str(own.process.pid) in done.stderr + done.stdout, (done.returncode, done.stderr)
    assert own.api().get("/api/version").status_code == 200


def test_a_taken_port_is_named(own, tmp_path):
    done = subprocess.run([own.binary, "serve", "--data", str(tmp_path / "other"), "--listen", f"127.0.0.1:{own.port}", "--http-listen", "127.0.0.1:0"],
                          capture_output=True, text=True, timeout=30, env=dict(os.environ, SELTZER_ADMIN_PASSWORD=ADMIN[1]))
    assert done.returncode not in (0, -6, -11) and str(own.port) in done.stderr, (done.returncode, done.stderr)


@pytest.mark.parametrize("sign", [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGUSR1])
def test_stray_signals_do_not_end_it(own, sign):
    for _ in range(5):
        own.process.send_signal(sign)
        time.sleep(0.02)
    assert own.api().get("/api/version").status_code == 200


def test_concurrent_writers_of_the_same_keys_end_in_some_serial_order(own):
    api = own.api()
    dataset = api.create({"k": "number", "who": "text", "again": "text"}, key="k")
    totals, failures = [], []

    def write(who):
        mine = own.api()
        for _ in range(5):
            reply = mine.upsert(dataset, [{"k": k, "who": str(who), "again": str(who)} for k in range(100)])
            (totals if reply.status_code == 200 else failures).append(reply.json())

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:2]
    assert sum(t["Rows Created"] for t in totals) == 100
    assert sum(t["Rows Created"] + t["Rows Updated"] for t in totals) == 8 * 5 * 100
    rows = api.rows(dataset)
    assert len(rows) == 100 and len({r["who"] for r in rows}) == 1 and all(r["who"] == r["again"] for r in rows)


def test_only_one_of_two_writers_with_the_same_expected_version_wins(own):
    api = own.api()
    dataset = api.create({"k": "text"}, key="k")
    for _ in range(5):
        version, statuses = api.version(dataset), []

        def write():
            statuses.append(own.api().upsert(dataset, [{"k": "1"}], expectedDataVersion=str(version)).status_code)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sorted(statuses) == [200, 409, 409, 409]


def test_deleting_a_dataset_while_it_is_written(own):
    api = own.api()
    for _ in range(3):
        dataset = api.create({"k": "number"}, key="k")
        statuses = []

        def write():
            mine = own.api()
            for i in range(20):
                statuses.append(mine.upsert(dataset, [{"k": i}]).status_code)

        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.05)
        assert api.delete(f"/api/views/{dataset}.json").status_code == 200
        thread.join()
        assert set(statuses) <= {200, 404, 409}, statuses
        refused(api.get(f"/resource/{dataset}.json"), 404)


def test_dev_mode_starts_by_itself_with_the_known_password():
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    process = subprocess.Popen([binary, "serve", "--dev", "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        url = None
        while url is None:
            line = process.stdout.readline()
            assert line, "it ended"
            if line.startswith("ready https://"):
                url = line.split()[1]
        reply = requests.get(url + "/api/users/current.json", auth=ADMIN, verify=False, timeout=10)
        assert reply.status_code == 200, reply.text
        held = (os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd"))
        folder = next(path for path in held if path.startswith("/tmp/seltzer-dev-"))[:len("/tmp/seltzer-dev-XXXXXX")]
        assert os.path.isdir(folder)
    finally:
        process.terminate()
        assert process.wait(40) == 0
        process.stdout.close()
    assert not os.path.exists(folder), "its temporary data are left behind"
