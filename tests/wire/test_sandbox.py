"""Who the server runs as and what it can reach (docs/decisions/sandbox.md). The walls one by one: tests/unit/test_sandbox.c."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile

import pytest
from client import ADMIN, Server
from test_tls import Authority, OwnServer, until

NO_LANDLOCK = "not, this kernel"
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("extra", [[], ["--no-sandbox"]])
def test_a_file_outside_is_out_of_reach(tmp_path, authority, extra):
    """The link to the certificate is made to lead to a file that the server's user may read and the server may not."""
    first, second = authority.pair("first"), authority.pair("second")
    s = OwnServer(tmp_path, authority, extra)
    s.install(*first[:2])
    s.start()
    if NO_LANDLOCK in s.said():
        s.stop()
        pytest.skip("this kernel has no Landlock that will do")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name, file in zip(("tls.crt", "tls.key"), second):
        shutil.copy(file, elsewhere / name)
    os.symlink(elsewhere, os.path.join(s.live, "..new"))
    os.rename(os.path.join(s.live, "..new"), os.path.join(s.live, "..data"))
    if extra:
        assert until(lambda: s.serial() == second[2]), s.said()
    else:
        assert until(lambda: s.events("error"))
        assert "Permission denied" in s.events("error")[0] and s.serial() == first[2]
    assert s.stop() == 0
    s.check_clean()


def test_what_is_in_force_is_said(tmp_path):
    s = Server(tmp_path / "data").start()
    assert re.search(r"runs as .*, closed in: files by Landlock.*system calls .*seccomp.*no new privileges", s.said()), s.said()
    with open(f"/proc/{s.process.pid}/status") as f:
        status = f.read()
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M)
    assert re.search(r"^Seccomp:\t2$", status, re.M) or "not: this kernel has no seccomp" in s.said()
    assert s.stop() == 0
    s = Server(tmp_path / "data", extra=["--no-sandbox"]).start()
    assert "not in a sandbox (--no-sandbox)" in s.said()
    assert s.stop() == 0


def test_every_thread_is_closed_in(tmp_path):
    """What was put up before the first thread holds for all of them."""
    s = Server(tmp_path / "data").start()
    tasks = os.listdir(f"/proc/{s.process.pid}/task")
    assert len(tasks) > 4
    for task in tasks:
        with open(f"/proc/{s.process.pid}/task/{task}/status") as f:
            assert "NoNewPrivs:\t1\n" in f.read(), task
    assert s.stop() == 0


# ── root ──


@pytest.fixture
def place():
    """A folder that another user can get to; pytest's own are closed."""
    folder = tempfile.mkdtemp(prefix="seltzer-place-", dir="/tmp")
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder)


def a_free_low_port():
    for port in range(1023, 900, -1):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port below 1024 is free")


class AsNobody(Server):
    """Started as root, on a port that only root may bind."""

    def __init__(self, folder):
        self.low = a_free_low_port()
        super().__init__(os.path.join(folder, "data"), extra=["--user", "nobody", "--listen", f"127.0.0.1:{self.low}"])


@root
def test_root_binds_its_ports_and_becomes_another(place):
    nobody = pwd.getpwnam("nobody")
    s = AsNobody(place).start()
    with socket.create_connection(("127.0.0.1", s.low), 20):
        pass
    for task in os.listdir(f"/proc/{s.process.pid}/task"):
        with open(f"/proc/{s.process.pid}/task/{task}/status") as f:
            status = f.read()
        assert re.search(rf"^Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}\t{nobody.pw_uid}\t", status, re.M), status
        assert re.search(rf"^Gid:\t{nobody.pw_gid}\t{nobody.pw_gid}\t{nobody.pw_gid}\t", status, re.M), status
        assert re.search(r"^CapEff:\t0+$", status, re.M) and re.search(r"^CapPrm:\t0+$", status, re.M), status
    api = s.api()
    dataset = api.create({"k": "text"}, key="k")
    api.upsert_ok(dataset, [{"k": "a"}])
    # what root does beside it stays readable to it
    other = s.add_user("beside@example.org", "a password of somebody")
    assert other.get("/api/users/current.json").status_code == 200
    api.upsert_ok(dataset, [{"k": "b"}])
    for folder, _, files in os.walk(s.data):
        for name in [folder, *(os.path.join(folder, f) for f in files)]:
            assert os.stat(name).st_uid == nobody.pw_uid, name
    assert s.stop() == 0
    s.check_clean()
    s.start()  # and again, on what is there now
    assert len(s.api().rows(dataset)) == 2
    assert s.stop() == 0


def serve(data, *extra, **environment):
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    clean = {k: v for k, v in os.environ.items() if k != "SELTZER_RUN_AS"}
    return subprocess.run([binary, "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--http-listen", "none", *extra],
                          env=dict(clean, SELTZER_ADMIN_PASSWORD=ADMIN[1], **environment), capture_output=True, text=True, timeout=30)


@root
def test_root_is_refused_with_what_to_do(place):
    if any(user.pw_name == "seltzer" for user in pwd.getpwall()):
        pytest.skip("there is a user seltzer, who it becomes")
    done = serve(os.path.join(place, "data"))
    assert done.returncode == 2 and "--user NAME" in done.stderr and "useradd" in done.stderr and "--user root" in done.stderr, done
    assert not os.path.exists(os.path.join(place, "data"))


@root
def test_the_data_of_another_are_refused_with_the_command_that_mends_it(place):
    os.mkdir(os.path.join(place, "data"), 0o700)
    done = serve(os.path.join(place, "data"), SELTZER_RUN_AS="nobody")
    assert done.returncode == 2 and f"chown -R nobody {place}/data" in done.stderr, done
    assert os.listdir(os.path.join(place, "data")) == []


@root
def test_a_key_that_the_user_cannot_read_is_named(place, authority):
    certificate, key, _ = authority.pair("locked")
    done = serve(os.path.join(place, "data"), "--user", "nobody", "--tls-cert", certificate, "--tls-key", key)
    assert done.returncode == 1 and certificate in done.stderr and "Permission denied" in done.stderr, done


def test_a_user_who_is_not_there_is_named(tmp_path):
    done = serve(tmp_path / "data", "--user", "nobody-of-that-name")
    assert done.returncode == 2 and 'no user "nobody-of-that-name"' in done.stderr, done


@pytest.mark.skipif(os.geteuid() == 0, reason="root can become anybody")
def test_only_root_becomes_another(tmp_path):
    done = serve(tmp_path / "data", "--user", "root")
    assert done.returncode == 2 and "only root" in done.stderr, done


# ── the unit of systemd ──


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here to say what it thinks of its unit")
def test_the_unit_is_one_that_systemd_takes_and_finds_closed(tmp_path):
    with open("contrib/seltzer.service") as f:
        text = f.read()
    assert "/usr/local/bin/seltzer" in text
    unit = tmp_path / "seltzer.service"
    unit.write_text(text.replace("/usr/local/bin/seltzer", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and str(unit) not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_options_of_the_unit_and_of_the_proxies_are_there():
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    told = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True, timeout=30).stdout
    for name in ("seltzer.service", "nginx.conf", "haproxy.cfg"):
        with open(os.path.join("contrib", name)) as f:
            text = f.read()
        lines = "\n".join(line for line in text.splitlines() if "seltzer serve" in line or "Seltzer:" in line or "--trusted-proxy" in line or "SELTZER_OPTIONS=" in line)
        for option in re.findall(r"--([a-z-]+)", lines):
            assert f"--{option} " in told, (name, option)
