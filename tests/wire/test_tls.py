"""Certificates that are renewed under load, bad ones, and what a scanner says of the TLS that is spoken (docs/wire/http.md, "TLS")."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
import requests
from client import ADMIN, Server, status_of
from rude import soak


class Authority:
    """A certificate authority and the pairs that it makes, by the openssl command."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.ca = self.path("ca.pem")
        self.serial = 4096
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.path("ca.key"), "-out", self.ca,
                 "-days", "30", "-subj", "/CN=an authority of the tests")

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def pair(self, name, begins="-1", ends="+90"):
        """(certificate, key, serial); begins and ends: days from now."""
        self.serial += 1
        day = lambda n: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + float(n) * 86400))  # noqa: E731
        key, request, certificate = (self.path(f"{name}.{end}") for end in ("key", "csr", "pem"))
        settings = self.path(f"{name}.cnf")
        with open(settings, "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial.txt\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n"
                    "unique_subject=no\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
                    "crlDistributionPoints=URI:http://crl.example.org/tests.crl\n")
        open(self.path("index.txt"), "w").close()
        with open(self.path("serial.txt"), "w") as f:
            f.write(f"{self.serial:04X}\n")
        self.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", "/CN=localhost")
        self.run("ca", "-batch", "-notext", "-config", settings, "-in", request, "-out", certificate, "-cert", self.ca, "-keyfile", self.path("ca.key"),
                 "-startdate", day(begins), "-enddate", day(ends))
        return certificate, key, self.serial


class OwnServer(Server):
    """With a certificate of the authority's, in the file that a link of two steps leads to, as Kubernetes has it."""

    def __init__(self, folder, authority, extra=()):
        self.authority, self.live = authority, os.path.join(str(folder), "live")
        os.mkdir(self.live)
        self.generation = 0
        os.symlink("..data/tls.crt", os.path.join(self.live, "tls.crt"))
        os.symlink("..data/tls.key", os.path.join(self.live, "tls.key"))
        super().__init__(os.path.join(str(folder), "data"),
                         extra=["--tls-cert", os.path.join(self.live, "tls.crt"), "--tls-key", os.path.join(self.live, "tls.key"), *extra])

    @property
    def ca(self):
        return self.authority.ca

    def install(self, certificate, key):
        """The new pair comes into view at once, by the renaming of one link."""
        self.generation += 1
        fresh = os.path.join(self.live, f"..{self.generation}")
        os.mkdir(fresh)
        shutil.copy(certificate, os.path.join(fresh, "tls.crt"))
        shutil.copy(key, os.path.join(fresh, "tls.key"))
        os.symlink(f"..{self.generation}", os.path.join(self.live, "..new"))
        os.rename(os.path.join(self.live, "..new"), os.path.join(self.live, "..data"))

    def serial(self):
        with self.connect() as tls:
            return int(tls.getpeercert()["serialNumber"], 16)

    def events(self, level):
        """The messages of the log at this level."""
        lines = [json.loads(line) for line in self.said().splitlines() if line.startswith('{"time"')]
        return [line["message"] for line in lines if line["level"] == level]


def until(what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def first(authority):
    return authority.pair("first")


@pytest.fixture
def own(tmp_path, authority, first):
    s = OwnServer(tmp_path, authority)
    s.install(*first[:2])
    s.start()
    yield s
    assert s.stop() == 0
    s.check_clean()


def test_twenty_renewals_under_load_fail_no_request(own, authority):
    """robustness: each new certificate is seen; not one request on new or kept connections fails."""
    failures, asked, stop = [], [0], threading.Event()

    def load(keep):
        session = requests.Session()
        session.trust_env, session.verify = False, own.ca
        while not stop.is_set():
            try:
                reply = session.get(own.url + "/api/version", timeout=30)
                if reply.status_code != 200:
                    failures.append(reply.status_code)
            except requests.RequestException as e:
                failures.append(repr(e))
            asked[0] += 1
            if not keep:
                session.close()

    threads = [threading.Thread(target=load, args=(i % 2 == 0,)) for i in range(4)]
    for thread in threads:
        thread.start()
    try:
        for i in range(20):
            certificate, key, serial = authority.pair("renewed")
            own.install(certificate, key)
            if i % 2:
                own.process.send_signal(1)  # SIGHUP; else the files alone are what it sees
            assert until(lambda: own.serial() == serial), f"renewal {i} was not seen: {own.said()[-2000:]}"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == [] and asked[0] > 100
    assert own.events("error") == []


def test_a_bad_certificate_is_refused_in_one_line_and_the_old_one_goes_on(own, authority, first, tmp_path):
    good, other = authority.pair("good"), authority.pair("other")
    old, future = authority.pair("old", begins="-20", ends="-1"), authority.pair("future", begins="+2")
    nonsense, nothing = tmp_path / "nonsense", tmp_path / "nothing"
    nonsense.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    nothing.write_text("")
    cases = [(good[0], other[1], "key values mismatch"), (old[0], old[1], "has expired"), (future[0], future[1], "not valid yet"),
             (nonsense, good[1], "cannot read the certificate"), (good[0], nonsense, "cannot read the key"), (nothing, nothing, "cannot read the certificate")]
    for i, (certificate, key, words) in enumerate(cases):
        own.install(certificate, key)
        assert until(lambda: len(own.events("error")) == i + 1), own.said()[-2000:]
        assert words in own.events("error")[i] and "the one before goes on" in own.events("error")[i]
        assert own.serial() == first[2]
    time.sleep(2.5)  # it is said once, not each time that it looks
    assert len(own.events("error")) == len(cases)
    own.install(*good[:2])
    assert until(lambda: own.serial() == good[2])


def test_a_missing_file_is_refused_and_taken_when_it_is_back(own, authority, first):
    fresh = authority.pair("back")
    os.unlink(os.path.join(own.live, "..data"))
    assert until(lambda: own.events("error"))
    assert "No such file" in own.events("error")[0] and own.serial() == first[2]
    own.install(*fresh[:2])
    assert until(lambda: own.serial() == fresh[2])


@pytest.mark.parametrize("ends,words", [("+20.5", "ends in 20 days"), ("+10.5", "ends in 10 days"), ("+2.5", "ends in 2 days"), ("-0.5", "has expired")])
def test_the_end_of_the_certificate_is_announced(tmp_path, authority, ends, words):
    pair = authority.pair("ending", begins="-30", ends=ends)
    s = OwnServer(tmp_path, authority)
    s.install(*pair[:2])
    s.start()
    assert until(lambda: any(words in line for line in s.events("warn") + s.events("error"))), s.said()
    assert s.stop() == 0
    assert len([line for line in s.events("warn") + s.events("error") if "certificate" in line]) == 1


def test_the_session_goes_on_over_a_renewal(own, authority):
    """The keys of the tickets outlive the certificate that they were given with, so a renewal costs no full handshakes."""
    context = ssl.create_default_context(cafile=own.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def talk(session=None):
        with socket.create_connection(("127.0.0.1", own.port), 20) as raw, context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET /api/version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while tls.recv(65536):
                pass
            return tls.session, tls.session_reused

    session, reused = talk()
    assert not reused
    fresh = authority.pair("next")
    own.install(*fresh[:2])
    assert until(lambda: own.serial() == fresh[2])
    assert talk(session)[1]


def test_hsts_goes_with_a_certificate_of_ones_own_only(own, api, tmp_path, authority, first):
    """docs/decisions/hsts.md"""
    assert own.api().get("/api/version").headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in api.get("/api/version").headers
    assert "Strict-Transport-Security" not in requests.get(own.http_url + "/api/version", allow_redirects=False, timeout=20).headers
    (tmp_path / "dev").mkdir()
    s = OwnServer(tmp_path / "dev", authority, ["--dev"])
    s.install(*first[:2])
    s.start()
    assert "Strict-Transport-Security" not in s.api().get("/api/version").headers
    assert s.stop() == 0


def ask(server, host, name):
    context = ssl.create_default_context(cafile=server.ca)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", server.port), 20) as raw, context.wrap_socket(raw, server_hostname=name) as tls:
        tls.sendall(f"GET /api/version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        tls.settimeout(10)
        got = b""
        while chunk := tls.recv(65536):
            got += chunk
    return got


@pytest.fixture(scope="module")
def strict(tmp_path_factory, authority, first):
    s = OwnServer(tmp_path_factory.mktemp("strict"), authority, ["--strict-host"])
    s.install(*first[:2])
    s.start()
    yield s
    assert s.stop() == 0
    s.check_clean()


@pytest.mark.parametrize("host,name,status", [("localhost", "localhost", 200), ("127.0.0.1:8443", None, 200), ("LOCALHOST:1", "localhost", 200),
                                              ("evil.example.org", "localhost", 421), ("localhost", "evil.example.org", 421), ("127.0.0.2", None, 421)])
def test_with_strict_host_another_host_is_421(strict, host, name, status):
    reply = ask(strict, host, name)
    assert status_of(reply) == status, reply
    assert status == 200 or b'"errorCode"' in reply


def test_without_strict_host_any_host_is_served(own):
    assert status_of(ask(own, "evil.example.org", "other.example.org")) == 200


def test_a_pair_can_be_checked_before_it_is_installed(authority, own):
    good, other = authority.pair("checked"), authority.pair("another")

    def check(*arguments):
        return subprocess.run([own.binary, "certificate", "check", *arguments], capture_output=True, text=True, timeout=30)
    done = check(*good[:2])
    assert done.returncode == 0 and f"{good[2]:04x}" in done.stdout and "ends" in done.stdout, done
    done = check(good[0], other[1])
    assert done.returncode == 1 and "key values mismatch" in done.stderr, done
    assert check(good[0]).returncode == 2 and check("--nonsense").returncode == 2


def test_a_scanner_finds_only_what_is_modern(own):
    """sslscan: no protocol below 1.2, suites with forward secrecy and AEAD only, groups of RFC 9325 4.2, nothing compressed or renegotiated."""
    done = subprocess.run(["sslscan", "--no-colour", "--xml=-", "--show-sigs", f"127.0.0.1:{own.port}"], capture_output=True, text=True, timeout=120)
    said = done.stdout
    enabled = set(re.findall(r'<protocol type="(\w+)" version="([\d.]+)" enabled="1"', said))
    assert enabled == {("tls", "1.2"), ("tls", "1.3")}, said
    suites = re.findall(r'<cipher status="(?:preferred|accepted)" sslversion="TLSv1\.(\d)" bits="(\d+)" cipher="([^"]+)"', said)
    assert suites and {v for v, _, _ in suites} == {"2", "3"}
    for version, bits, name in suites:
        assert int(bits) >= 128 and ("GCM" in name or "CHACHA20" in name), name
        assert version == "3" or name.startswith("ECDHE-"), name
    groups = set(re.findall(r'<group [^>]*name="([^"]+)"', said))
    assert groups and groups <= {"x25519", "secp256r1 (NIST P-256)", "secp384r1 (NIST P-384)"}, groups
    assert '<renegotiation supported="0"' in said
    assert 'vulnerable="0"' in said and 'vulnerable="1"' not in said


def hook(lineage, place, binary):
    environment = dict(os.environ, RENEWED_LINEAGE=str(lineage), SELTZER_TLS=str(place), SELTZER_GROUP=str(os.getgid()), SELTZER=binary)
    return subprocess.run(["contrib/certbot-deploy-hook"], env=environment, capture_output=True, text=True, timeout=30)


def test_certbots_hook_brings_a_checked_copy(tmp_path, authority):
    """contrib/certbot-deploy-hook, as certbot runs it, on a folder of links as certbot has them."""
    lineage, place = tmp_path / "lineage", tmp_path / "tls"
    lineage.mkdir()

    def renew(certificate, key, _):
        for name, file in (("fullchain.pem", certificate), ("privkey.pem", key)):
            (lineage / name).unlink(missing_ok=True)
            (lineage / name).symlink_to(file)
    first, second, other = authority.pair("hook1"), authority.pair("hook2"), authority.pair("hook3")
    binary = os.environ.get("SELTZER", "build/asan/seltzer")
    renew(*first)
    done = hook(lineage, place, binary)
    assert done.returncode == 0, done
    s = OwnServer(tmp_path, authority)
    s.extra = ["--tls-cert", str(place / "fullchain.pem"), "--tls-key", str(place / "privkey.pem")]
    s.start()
    assert s.serial() == first[2]
    renew(*second)
    assert hook(lineage, place, binary).returncode == 0
    assert until(lambda: s.serial() == second[2])
    renew(first[0], other[1], 0)
    done = hook(lineage, place, binary)
    assert done.returncode != 0 and "key values mismatch" in done.stderr
    assert s.serial() == second[2] and s.events("error") == []
    assert oct((place / "privkey.pem").stat().st_mode & 0o777) == "0o640"
    assert s.stop() == 0


@soak
def test_testssl_finds_nothing_above_low(own, tmp_path):
    """Two minutes. What it says of its own tools (WARN) and of the certificate's names in DNS is not about the server."""
    found = tmp_path / "found.json"
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--add-ca", own.ca, "--jsonfile", str(found), f"127.0.0.1:{own.port}"],
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=900)
    findings = json.loads(found.read_text())
    assert len(findings) > 100 and any(f["id"] == "TLS1_3" and f["severity"] == "OK" for f in findings)
    grave = [f for f in findings if f["severity"] not in ("OK", "INFO", "LOW", "WARN")]
    print(f"testssl: {len(findings)} findings, {len(grave)} above LOW")
    assert grave == []


def test_credentials_survive_a_renewal(own, authority):
    """A publisher that keeps its connection goes on writing over a change of the certificate."""
    api = own.api(ADMIN)
    dataset = api.create({"k": "text"}, key="k")
    for i in range(3):
        fresh = authority.pair("while")
        own.install(*fresh[:2])
        assert until(lambda: own.serial() == fresh[2])
        api.upsert_ok(dataset, [{"k": str(i)}])
    assert len(api.rows(dataset)) == 3
