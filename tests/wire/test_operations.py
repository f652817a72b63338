"""What an operator watches: /healthz, /readyz and /metrics (docs/operations.md). The page of metrics is read with the parser of the
people who made its form."""

import os
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from client import Server, counts, refused, six
from test_tls import Authority, OwnServer


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Every loopback address may look at its metrics; the forwarded ones are strangers."""
    s = Server(tmp_path_factory.mktemp("watched") / "data", extra=["--metrics-from", "127.0.0.0/8", "--trusted-proxy", "127.0.0.1"]).start()
    yield s
    assert s.stop() == 0
    s.check_clean()


def page(server, **options):
    reply = server.api(None).get("/metrics", **options)
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Access-Control-Allow-Origin" not in reply.headers and reply.headers["Cache-Control"] == "no-store"
    return reply.text


def samples(server):
    """{(name, labels): value}; the parser refuses what Prometheus would."""
    found = {}
    for family in text_string_to_metric_families(page(server)):
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(found, name, **labels):
    return found.get((name, tuple(sorted(labels.items()))), 0)


def test_the_process_is_up_for_anybody_even_over_plain_http(server):
    for address in (server.url, server.http_url):
        for path, status in (("/healthz", "up"), ("/readyz", "ready")):
            reply = requests.get(address + path, verify=server.ca, timeout=20, allow_redirects=False)
            assert reply.status_code == 200 and reply.json()["status"] == status
            assert reply.headers["Cache-Control"] == "no-store"
            head = requests.head(address + path, verify=server.ca, timeout=20, allow_redirects=False)
            assert head.status_code == 200 and head.headers["Content-Length"] == reply.headers["Content-Length"]
    assert requests.get(server.http_url + "/metrics", timeout=20, allow_redirects=False).status_code == 301


def test_readiness_names_what_was_looked_at(api):
    assert api.get("/readyz").json() == {"status": "ready", "checks": {"catalog": "ok", "store": "ok", "disk": "ok", "certificate": "ok"}}


def test_a_disk_below_its_reserve_is_not_ready_and_says_so(tmp_path):
    s = Server(tmp_path / "data", extra=["--disk-reserve", "99%"]).start()
    reply = s.api(None).get("/readyz")
    assert reply.status_code == 503 and int(reply.headers["Retry-After"]) > 0
    body = refused(reply, 503, says=["not ready", "reserve"])
    assert "reserve" in body["data"]["disk"] and body["data"]["catalog"] == "ok"
    assert s.api(None).get("/healthz").status_code == 200  # nobody need start it anew
    assert s.said().count("not ready: disk: ") == 1
    assert s.stop() == 0


def ready_when(server, passes):
    """The answer of /readyz, over plain HTTP, once it is as wanted; half a minute at most."""
    deadline = time.monotonic() + 30
    while True:
        reply = requests.get(server.http_url + "/readyz", timeout=20, allow_redirects=False)
        if passes(reply) or time.monotonic() > deadline:
            assert passes(reply), reply.text
            return reply
        time.sleep(0.1)


def test_a_certificate_that_has_expired_is_not_ready_until_there_is_another(tmp_path):
    os.mkdir(tmp_path / "authority")
    authority = Authority(tmp_path / "authority")
    s = OwnServer(tmp_path, authority, extra=["--metrics-from", "127.0.0.1"])
    s.install(*authority.pair("old", begins="-30", ends="-1")[:2])
    s.start()
    body = refused(ready_when(s, lambda reply: reply.status_code == 503), 503, says=["not ready", "certificate"])
    assert {name for name, said in body["data"].items() if said != "ok"} == {"certificate"}
    s.install(*authority.pair("new")[:2])
    ready_when(s, lambda reply: reply.status_code == 200)
    assert 'seltzer_ready{check="certificate"} 1\n' in s.api(None).get("/metrics").text
    s.install(*authority.pair("older", begins="-30", ends="-2")[:2])
    reply = ready_when(s, lambda reply: "refused" in reply.text)
    assert reply.status_code == 200 and reply.json()["checks"]["certificate"].startswith("ok; ")
    assert "seltzer_certificate_refused 1\n" in s.api(None).get("/metrics").text
    assert s.said().count("not ready: certificate: ") == s.said().count("ready again: certificate") == 1
    assert s.stop() == 0


def test_a_data_directory_that_is_gone_is_not_ready_until_it_is_back(tmp_path):
    s = Server(tmp_path / "data").start()
    ready_when(s, lambda reply: reply.status_code == 200)
    os.rename(tmp_path / "data", tmp_path / "elsewhere")
    body = refused(ready_when(s, lambda reply: reply.status_code == 503), 503, says="not ready")
    assert "takes no files" in body["data"]["store"] and body["data"]["certificate"] == "ok"
    assert str(tmp_path) not in str(body)
    os.rename(tmp_path / "elsewhere", tmp_path / "data")
    ready_when(s, lambda reply: reply.status_code == 200)
    assert s.stop() == 0


def test_metrics_are_for_administrators_and_the_networks_that_may(server, api, anonymous, stranger, watched):
    refused(anonymous.get("/metrics"), 403, code="authentication_required")
    refused(stranger.get("/metrics"), 403, code="permission_denied")
    assert api.get("/metrics").status_code == 200
    refused(server.api(("admin", "wrong password")).get("/metrics"), 401)
    # a proxy's word counts: who came from elsewhere is not of the network
    assert watched.api(None).get("/metrics").status_code == 200
    for client in ("192.0.2.1", "127.0.0.1, 192.0.2.1", "unknown", "127.0.0.1, unknown", ""):  # nor who came from somewhere that it does not say
        refused(watched.api(None).get("/metrics", headers={"X-Forwarded-For": client}), 403)
    refused(watched.api(None).post("/metrics"), 405)


def test_every_line_is_as_prometheus_reads_it_and_names_no_dataset(watched):
    api = watched.api()
    dataset = api.create({"secret_column": "text"}, name="a name that nobody is to see")
    api.upsert_ok(dataset, [{"secret_column": "x"}])
    assert api.get(f"/resource/{dataset}.json").status_code == 200
    api.get("/no/such/path-that-somebody-made-up")
    text = page(watched)
    found = samples(watched)
    assert len(found) > 50
    for secret in (dataset, "secret_column", "nobody is to see", "admin", "made-up"):
        assert secret not in text
    assert value(found, "seltzer_build_info", version="0.1.0") == 1
    assert value(found, "process_start_time_seconds") <= time.time()
    assert value(found, "process_resident_memory_bytes") > 1 << 20
    assert value(found, "seltzer_certificate_end_timestamp_seconds") > time.time()
    assert value(found, "seltzer_ready", check="store") == 1
    assert value(found, "seltzer_disk_free_bytes") > 0


def test_counts_move_by_what_was_done(watched):
    api = watched.api()
    dataset = api.create({"k": "text", "n": "number"}, key="k")
    before = samples(watched)
    assert six(api.upsert(dataset, [{"k": "a", "n": 1}, {"k": "b", "n": 2}])) == counts(created=2)
    assert six(api.upsert(dataset, [{"k": "a", "n": 3}, {"k": "b", ":deleted": True}])) == counts(updated=1, deleted=1, by_key=2)
    refused(api.upsert(dataset, [{"k": "c", "n": "many"}]), 400)
    refused(watched.api(None).get(f"/resource/{dataset}.json"), 403)
    refused(watched.api(("nobody", "a wrong password")).get(f"/resource/{dataset}.json"), 401)
    assert watched.exchange(b"GET / HTTP/9.9\r\n\r\n").startswith(b"HTTP/1.1 505 ")
    after = samples(watched)

    def moved(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    write = {"route": "/resource/:id", "method": "POST"}
    read = {"route": "/resource/:id", "method": "GET"}
    assert moved("seltzer_requests_total", status="200", **write) == 2
    assert moved("seltzer_requests_total", status="400", **write) == 1
    assert moved("seltzer_requests_total", status="403", **read) == 1
    assert moved("seltzer_requests_total", status="401", **read) == 1
    assert moved("seltzer_requests_total", route="", method="", status="505") == 1
    assert moved("seltzer_request_seconds_count", **write) == 3
    assert moved("seltzer_request_seconds_bucket", le="+Inf", **write) == 3
    assert moved("seltzer_rows_written_total", change="created") == 2
    assert moved("seltzer_rows_written_total", change="updated") == 1
    assert moved("seltzer_rows_written_total", change="deleted") == 1
    assert moved("seltzer_writes_total", result="done") == 2
    assert moved("seltzer_group_commits_total") == 2
    assert moved("seltzer_write_wait_seconds_count") == 2
    assert moved("seltzer_log_ins_total", result="wrong") == 1
    assert moved("seltzer_log_ins_total", result="remembered") >= 3
    assert moved("seltzer_connections_accepted_total") >= 3
    assert moved("seltzer_sent_bytes_total") > 1000 and moved("seltzer_received_bytes_total") > 1000


def test_a_network_that_is_none_is_said_at_the_start(tmp_path):
    s = Server(tmp_path / "data", extra=["--metrics-from", "10.0.0.0/64"])
    with pytest.raises(AssertionError, match="10.0.0.0/64"):
        s.start()
