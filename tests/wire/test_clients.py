"""The clients that exist do their main job (docs/wire/clients.md): sodapy unmodified, soda-js unmodified where node is
installed; soda-ruby, RSocrata, SODA.NET, soda-java, go-soda, soda-php and exsoda by the exact requests they send."""

import base64
import json
import os
import shutil
import subprocess
import sys

import pytest

from client import ADMIN, FOUR_BY_FOUR, ROW_ID, SIX, counts, six, status_of

HERE = os.path.dirname(os.path.abspath(__file__))
BASIC = "Basic " + base64.b64encode(":".join(ADMIN).encode()).decode()


# sodapy 2.2.0 from PyPI


@pytest.fixture
def sodapy_client(server, monkeypatch):
    sodapy = pytest.importorskip("sodapy", reason="tests/wire/run installs it") if "SELTZER_NO_SODAPY" in os.environ else __import__("sodapy")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ca)
    with sodapy.Socrata(f"127.0.0.1:{server.port}", "anAppToken", username=ADMIN[0], password=ADMIN[1]) as client:
        yield client


def test_sodapy_creates_publishes_writes_reads_and_deletes(sodapy_client, tmp_path, anonymous):
    c = sodapy_client
    columns = [{"fieldName": "delta", "name": "Delta", "dataTypeName": "number"}, {"fieldName": "name", "name": "Name", "dataTypeName": "text"}]
    view = c.create("Delta", description="d", columns=columns, row_identifier="delta", tags=["t"], category="c")
    dataset = view["id"]
    assert FOUR_BY_FOUR.match(dataset)
    assert c.publish(dataset)["id"] == dataset
    c.set_permission(dataset, "public")
    assert anonymous.get(f"/resource/{dataset}.json").status_code == 200
    assert six(c.upsert(dataset, [{"delta": 1, "name": "a"}, {"delta": 2, "name": "b"}])) == counts(created=2)
    assert six(c.upsert(dataset, [{"delta": 1, "name": "A"}])) == counts(updated=1, by_key=1)
    one = c.upsert(dataset, {"delta": 3, "name": "c"})
    assert one["name"] == "c"
    path = tmp_path / "rows.csv"
    path.write_text("delta,name\n4,d\n5,e\n")
    with open(path, "rb") as f:
        assert six(c.upsert(dataset, f)) == counts(created=2)
    assert [r["delta"] for r in c.get(dataset, limit=3)] == ["1", "2", "3"]
    assert c.get(dataset, content_type="csv", select="name", limit=1) == [["name"], ["A"]]
    assert c.get(dataset, name="d") == [{"delta": "4", "name": "d"}]
    assert ":id" in c.get(dataset, exclude_system_fields=False, limit=1)[0]
    assert ":id" not in c.get(dataset, exclude_system_fields=True, limit=1)[0]
    assert [r["delta"] for r in c.get(dataset, order="delta DESC", offset=1, limit=2)] == ["4", "3"]
    assert len(list(c.get_all(dataset))) == 5
    assert c.delete(dataset, row_id=5) == [{"typ": "delete", "id": 5}] or c.get(dataset, delta="5") == []
    assert six(c.replace(dataset, [{"delta": 9, "name": "z"}])) == counts(created=1)
    with open(path, "rb") as f:
        assert six(c.replace(dataset, f)) == counts(created=2)
    assert c.get_metadata(dataset)["name"] == "Delta"
    assert c.update_metadata(dataset, {"category": "new", "attributionLink": "http://x"})["category"] == "new"
    c.set_permission(dataset, "private")
    assert anonymous.get(f"/resource/{dataset}.json").status_code == 403
    c.delete(dataset)
    assert anonymous.get(f"/resource/{dataset}.json").status_code == 404


def test_sodapy_pages_by_a_thousand(sodapy_client, api):
    dataset = api.create({"n": "number"})
    api.upsert_ok(dataset, [{"n": i} for i in range(2100)])
    assert [int(r["n"]) for r in sodapy_client.get_all(dataset)] == list(range(2100))


def test_sodapy_shows_our_messages(sodapy_client, api):
    import requests
    dataset = api.create({"k": "text", "n": "number"}, key="k")
    with pytest.raises(requests.HTTPError) as caught:
        sodapy_client.upsert(dataset, [{"k": "1", "n": "abc"}])
    assert "400 Client Error" in str(caught.value) and "abc" in str(caught.value)


# soda-js 0.2.3 from npm


@pytest.fixture(scope="session")
def soda_js():
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed; its exact requests are tested below")
    root = os.path.join("build", "node")
    if not os.path.isdir(os.path.join(root, "node_modules", "soda-js")):
        os.makedirs(root, exist_ok=True)
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix", root, "soda-js@0.2.3"],
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip("npm could not install soda-js: " + done.stderr[-300:])
    return os.path.abspath(root)


def test_soda_js_adds_updates_replaces_deletes_and_truncates(server, api, soda_js):
    dataset = api.create({"mynum": "number", "mytext": "text", "mymoney": "money"}, public=True)
    done = subprocess.run(["node", os.path.join(HERE, "soda_js.js"), f"127.0.0.1:{server.port}", dataset, *ADMIN], capture_output=True, text=True,
                          timeout=60, env=dict(os.environ, NODE_EXTRA_CA_CERTS=server.ca, NODE_PATH=os.path.join(soda_js, "node_modules")))
    assert done.returncode == 0, done.stdout + done.stderr
    steps = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    added = json.loads(steps["add"])
    assert ROW_ID.match(added[":id"]) and added["mytext"] == "hello"
    assert json.loads(steps["addmany"])["Rows Created"] == 2
    assert json.loads(steps["update"])[":id"] == added[":id"]
    replaced = json.loads(steps["replace"])
    assert replaced[":id"] == added[":id"] and "mynum" not in replaced
    assert [r["mytext"] for r in json.loads(steps["read"])] == ["two", "three"]
    assert json.loads(steps["delete"])["Rows Deleted"] == 1
    assert "truncate" in steps and api.rows(dataset) == []


@pytest.fixture
def dataset(api):
    d = api.create([{"name": "ID", "fieldName": "id", "dataTypeName": "text"}, {"name": "Name", "fieldName": "name", "dataTypeName": "text"},
                    {"name": "When", "fieldName": "when", "dataTypeName": "calendar_date"}], key="id", public=True)
    api.upsert_ok(d, [{"id": "1", "name": "one", "when": "2012-09-14T22:38:01"}, {"id": "2", "name": "two"}])
    return d


def raw(server, method, target, headers=(), body=b"", version="HTTP/1.1", close=True):
    if isinstance(body, str):
        body = body.encode()
    lines = [f"{method} {target} {version}", f"Host: 127.0.0.1:{server.port}", *headers]
    if body and not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
        lines.append(f"Content-Length: {len(body)}")
    if close:
        lines.append("Connection: close")
    got = server.exchange("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    head, _, content = got.partition(b"\r\n\r\n")
    fields = {}
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(": ")
        fields[name.lower()] = value
    if fields.get("transfer-encoding") == "chunked":
        out, rest = b"", content
        while True:
            size, _, rest = rest.partition(b"\r\n")
            n = int(size.split(b";")[0], 16)
            if n == 0:
                break
            out, rest = out + rest[:n], rest[n + 2:]
        content = out
    return status_of(got), fields, content


# soda-ruby

RUBY = ["X-App-Token:", "User-Agent: soda-ruby/0.2.25 (Linux/5.10; Ruby/3.1)", "Accept: */*", "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3"]


def test_soda_ruby_get_sends_null_and_a_trailing_question_mark(server, dataset):
    for target in (f"/resource/{dataset}.json?", f"/resource/{dataset}.json?$limit=2&$where=" if False else f"/resource/{dataset}.json?$limit=2"):
        status, fields, body = raw(server, "GET", target, RUBY + ["Content-Type: application/json"], b"null")
        assert status == 200 and len(json.loads(body)) == 2 and "content-encoding" not in fields
        assert "x-soda2-fields" in fields and "etag" in fields and "last-modified" in fields


def test_soda_ruby_writes(server, dataset, api):
    ruby = RUBY + [f"Authorization: {BASIC}"]
    status, _, body = raw(server, "POST", f"/resource/{dataset}.json?", ruby + ["Content-Type: application/json"], '[{"id":"3","name":"three"}]')
    assert status == 200 and json.loads(body)["Rows Created"] == 1
    status, _, body = raw(server, "POST", f"/resource/{dataset}.json?", ruby + ["Content-Type: application/x-www-form-urlencoded"], "id=4&name=four+4")
    assert status == 200 and json.loads(body)["Rows Created"] == 1
    assert api.rows(dataset, id="4") == [{"id": "4", "name": "four 4"}]
    status, _, body = raw(server, "PUT", f"/resource/{dataset}.json?", ruby + ["Content-Type: application/json"], '[{"id":"5"}]')
    assert status == 200 and json.loads(body)["Rows Created"] == 1
    status, _, body = raw(server, "DELETE", f"/resource/{dataset}/5.json?", ruby)
    assert status == 200 and json.loads(body)[0]["typ"] == "delete"
    status, _, body = raw(server, "GET", "/resource/idon-texs.json?", RUBY + ["Content-Type: application/json"], "null")
    assert status == 404 and json.loads(body)["message"] == "Not found" and json.loads(body)["code"] == "dataset.missing"
    status, _, body = raw(server, "GET", "/api/users/current.json?", ruby + ["Content-Type: application/json"], "null")
    assert status == 200 and json.loads(body)["id"]


# RSocrata

RSOCRATA = ["User-Agent: RSocrata/1.7.15.1 (Linux; R/4.2.2)", "Accept: application/json, text/xml, application/xml, */*",
            "Accept-Encoding: deflate, gzip, br, zstd"]


def test_rsocrata_reads_until_an_empty_page(server, api):
    dataset = api.create({"name": "text", "when": "calendar_date", "n": "number"}, public=True)
    api.upsert_ok(dataset, [{"name": f"row {i}", "when": "2012-09-14T22:38:01", "n": i} for i in range(1007)])
    status, fields, body = raw(server, "GET", f"/resource/{dataset}.csv?$order=:id", RSOCRATA)
    assert status == 200 and fields["content-type"].split(";")[0] == "text/csv" and body.count(b"\n") == 1001
    names, types = json.loads(fields["x-soda2-fields"]), json.loads(fields["x-soda2-types"])
    assert len(names) == len(types) == 3 and types[1] in ("floating_timestamp", "calendar_date")
    assert body.startswith(b'"name","when","n"\n"row 0","2012-09-14T22:38:01.000","0"\n')
    page = raw(server, "GET", f"/resource/{dataset}.csv?$order=:id&$limit=50000&$offset=1000", RSOCRATA)[2]
    assert page.count(b"\n") == 8 and b"row 1000" in page
    assert raw(server, "GET", f"/resource/{dataset}.csv?$order=:id&$limit=50000&$offset=1007", RSOCRATA)[2] == b'"name","when","n"\n'
    status, fields, body = raw(server, "GET", f"/resource/{dataset}.json?$order=:id&$limit=50000&$offset=1007&%24%24app_token=TOKEN", RSOCRATA)
    assert status == 200 and json.loads(body) == [] and "x-soda2-fields" in fields
    assert len(json.loads(raw(server, "GET", f"/resource/{dataset}.json?$LIMIT=1001", RSOCRATA)[2])) == 1001
    assert raw(server, "GET", f"/resource/{dataset}.json?$app_token=TOKEN", RSOCRATA)[0] == 400


def test_rsocrata_writes(server, dataset, api):
    headers = RSOCRATA + ["Content-Type: application/json", f"Authorization: {BASIC}"]
    for method in ("POST", "PUT"):
        status, _, body = raw(server, method, f"/resource/{dataset}.json", headers, '[{"id":"1","name":"x"},{"id":"7","name":"y"}]')
        assert status == 200 and set(SIX) <= set(json.loads(body))
    assert len(api.rows(dataset)) == 2


# SODA.NET


def test_soda_net(server, dataset, api):
    auth = [f"Authorization: {BASIC}", "X-App-Token: TOKEN"]
    status, fields, body = raw(server, "GET", f"/resource/{dataset}?&$limit=50000", auth + ["Accept: application/json"])
    assert status == 200 and len(json.loads(body)) == 2 and fields["content-type"].startswith("application/json")
    assert json.loads(raw(server, "GET", f"/resource/{dataset}?&$offset=50000&$limit=50000", auth + ["Accept: application/json"])[2]) == []
    status, _, body = raw(server, "GET", f"/resource/{dataset}/1", auth + ["Accept: application/json"])
    assert status == 200 and json.loads(body)["name"] == "one"
    status, fields, body = raw(server, "POST", f"/resource/{dataset}", auth + ["Accept: text/csv", "Content-Type: text/csv; charset=utf-8"], "id,name\n3,three\n")
    assert status == 200 and fields["content-type"].startswith("application/json") and six(json.loads(body)) == counts(created=1)
    status, _, body = raw(server, "PUT", f"/resource/{dataset}", auth + ["Accept: application/json", "Content-Type: application/json; charset=utf-8"], '[{"id":"9"}]')
    assert status == 200 and six(json.loads(body)) == counts(created=1)
    status, _, body = raw(server, "DELETE", f"/resource/{dataset}/9", auth + ["Accept: application/json"])
    assert status == 200 and isinstance(json.loads(body), dict) and json.loads(body)["Rows Deleted"] == 1
    status, _, body = raw(server, "GET", f"/views/{dataset}", auth + ["Accept: application/json"])
    view = json.loads(body)
    assert status == 200 and view["id"] == dataset and None not in view.values()
    status, _, body = raw(server, "PUT", f"/views/{dataset}", auth + ["Accept: application/json", "Content-Type: application/json; charset=utf-8"],
                          json.dumps(dict(view, createdAt=1.0, description=None, category="c")))
    assert status == 200 and json.loads(body)["category"] == "c"
    status, _, body = raw(server, "GET", "/views?page=1", auth + ["Accept: application/json"])
    assert status == 200 and isinstance(json.loads(body), list)
    status, _, body = raw(server, "POST", f"/resource/{dataset}", ["Accept: application/json", "Content-Type: application/json; charset=utf-8"], "[]")
    assert status == 403 and json.loads(body)["error"] is True


# soda-js by its requests


def test_soda_js_requests(server, dataset, api):
    auth = [f"Authorization: {BASIC}", "X-App-Token: TOKEN", "Accept: application/json", "Content-type: application/json"]
    status, _, body = raw(server, "GET", f"/resource/{dataset}.json?%24order=id%20asc&%24limit=2", ["X-App-Token: TOKEN"])
    assert status == 200 and [r["id"] for r in json.loads(body)] == ["1", "2"]
    status, _, body = raw(server, "POST", f"/resource/{dataset}", auth, '{"id":"3","name":"three"}')
    assert status == 200 and ROW_ID.match(json.loads(body)[":id"])
    status, _, body = raw(server, "POST", f"/resource/{dataset}/3", auth, '{"name":"drei"}')
    assert status == 200 and json.loads(body)["name"] == "drei" and ":id" in json.loads(body)
    status, _, body = raw(server, "PUT", f"/resource/{dataset}/3", auth, '{"id":"3"}')
    assert status == 200 and "name" not in json.loads(body)
    assert raw(server, "DELETE", f"/resource/{dataset}/3", auth[:2])[0] == 200
    assert raw(server, "DELETE", f"/resource/{dataset}", auth[:2])[0] == 200
    assert api.rows(dataset) == []


# soda-java: chunked bodies, $$version=2.0, no extension, sticky nbe


def chunked(text, size=100):
    text = text.encode()
    return b"".join(b"%x\r\n%s\r\n" % (len(text[i:i + size]), text[i:i + size]) for i in range(0, len(text), size)) + b"0\r\n\r\n"


def test_soda_java(server, dataset, api):
    auth = [f"Authorization: {BASIC}", "X-App-Token: TOKEN", "User-Agent: soda-java/0.10.10", "Accept: application/json", "X-Socrata-RequestId: abc"]
    body_headers = auth + ["Content-Type: application/json", "Transfer-Encoding: chunked"]
    status, fields, body = raw(server, "POST", f"/resource/{dataset}?$$version=2.0&nbe=true", body_headers, chunked('[{"ID":"3","Name":"three"},{"ID":"1"}]'))
    result = json.loads(body)
    assert status == 200 and (result["rows_created"], result["rows_updated"], result["rows_deleted"], result["errors"]) == (1, 1, 0, [])
    assert int(fields["x-soda2-truth-shape-version"]) >= 0 and int(fields["x-soda2-truth-version"]) > 0
    status, _, body = raw(server, "POST", f"/resource/{dataset}?$$version=2.0", body_headers, chunked('{"id":"4","name":"four"}'))
    row = json.loads(body)
    assert status == 200 and row["name"] == "four" and row[":id"] and row[":created_at"] and row[":updated_at"]
    status, _, body = raw(server, "POST", f"/resource/{dataset}/4?$$version=2.0", body_headers, chunked('{"name":"vier"}'))
    assert status == 200 and json.loads(body)["name"] == "vier"
    status, _, body = raw(server, "GET", f"/resource/{dataset}/4?$$version=2.0", auth)
    assert status == 200 and json.loads(body)["name"] == "vier"
    assert raw(server, "DELETE", f"/resource/{dataset}/4?$$version=2.0", auth)[0] == 200
    assert raw(server, "GET", f"/resource/{dataset}/4?$$version=2.0", auth)[0] == 404
    csv_headers = [h for h in body_headers if "Content-Type" not in h] + ["Content-Type: text/csv"]
    status, _, body = raw(server, "PUT", f"/resource/{dataset}?$$version=2.0", csv_headers, chunked("ID,Name\n1,a\n2,b\n"))
    assert status == 200 and json.loads(body)["rows_created"] == 2
    status, _, body = raw(server, "POST", f"/resource/{dataset}?$$version=2.0", csv_headers, chunked("ID,:deleted\n1,true\n"))
    assert status == 200 and json.loads(body)["rows_deleted"] == 1
    status, _, body = raw(server, "PUT", f"/resource/{dataset}?$$version=2.0", body_headers, chunked("[]"))
    assert status == 200 and api.rows(dataset) == []
    status, _, body = raw(server, "GET", f"/api/geocoding/{dataset}?method=pending&$$version=2.0", auth)
    assert json.loads(body) == {"total": 0, "view": 0}
    status, _, body = raw(server, "POST", f"/api/views/{dataset}/publication?$$version=2.0", auth + ["Content-Type: application/json"],
                          f"viewId={dataset}&async=false")
    assert status == 200 and json.loads(body)["viewType"] == "tabular"


# exsoda, go-soda, soda-php, soda-scala in short


def test_the_others(server, dataset, api):
    status, _, body = raw(server, "POST", f"/api/id/{dataset}.json", ["User-Agent: exsoda", f"X-Socrata-Host: 127.0.0.1:{server.port}", f"Authorization: {BASIC}",
                          "Content-Type: application/json"], '[{"id":"5"}]')
    assert status == 200 and json.loads(body)["Rows Created"] == 1
    status, fields, body = raw(server, "GET", f"/api/id/{dataset}.csv", ["User-Agent: exsoda"])
    assert status == 200 and body.startswith(b'"id","name","when"\n')
    status, _, body = raw(server, "GET", f"/views/{dataset}", ["User-Agent: Go-http-client/1.1"])
    assert status == 200 and type(json.loads(body)["createdAt"]) is int
    status, fields, body = raw(server, "GET", f"/id/{dataset}?name=one", ["Accept: application/json"])
    assert status == 200 and len(json.loads(body)) == 1 and "charset" in fields["content-type"] and "x-soda2-types" in fields
    status, _, body = raw(server, "GET", f"/resource/{dataset}?$paramthatdoesntexist=1", ["Accept: application/json", "Content-type: application/json"])
    assert status == 400
