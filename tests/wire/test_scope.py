"""Who may read a dataset: public, site, private (docs/wire/views.md, "Permission")."""

import pytest

from client import refused

READS = ["/resource/{d}.json", "/resource/{d}.csv", "/resource/{d}/1.json", "/id/{d}", "/api/views/{d}.json", "/views/{d}", "/api/views/{d}/columns",
         "/api/views?method=getDefaultView&id={d}", "/api/geocoding/{d}?method=pending"]


def scoped(api, value):
    d = api.create({"k": "text"}, key="k")
    api.upsert_ok(d, [{"k": "1"}])
    reply = api.put(f"/api/views/{d}?method=setPermission&value={value}")
    assert reply.status_code == 200, reply.text
    return d, reply.json()


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("value,who", [("public.read", "yyy"), ("site", "nyy"), ("private", "nny")])
def test_a_scope_shows_a_dataset_to_those_it_names(api, anonymous, stranger, path, value, who):
    d, _ = scoped(api, value)
    for caller, may in zip((anonymous, stranger, api), who):
        assert caller.get(path.format(d=d)).status_code == (200 if may == "y" else 403)


def test_site_is_told_in_the_view_and_survives_a_change(api, stranger):
    d, view = scoped(api, "site")
    assert view["permissions"] == {"scope": "site"} and "grants" not in view
    view = api.put(f"/api/views/{d}", json={"description": "x"}).json()
    assert view["permissions"] == {"scope": "site"}
    view = stranger.get(f"/api/views/{d}").json()
    assert view["rights"] == ["read"] and "privateMetadata" not in view
    assert api.put(f"/api/views/{d}?method=setPermission&value=public.read").json()["grants"]
    assert "grants" not in api.put(f"/api/views/{d}?method=setPermission&value=site").json()


def test_site_by_the_body_as_exsoda_sends_it(api):
    d = api.create({"k": "text"})
    assert api.put(f"/api/views/{d}?method=setPermission", json="site").json()["permissions"] == {"scope": "site"}


def test_a_list_shows_what_the_caller_may_read(api, anonymous, stranger):
    site, private = scoped(api, "site")[0], scoped(api, "private")[0]
    for path in ("/api/views?limit=1000", f"/api/views?method=getByIds&ids={site},{private}"):
        ids = [{v["id"] for v in caller.get(path).json()} & {site, private} for caller in (anonymous, stranger, api)]
        assert ids == [set(), {site}, {site, private}]


@pytest.mark.parametrize("method,path", [("POST", "/resource/{d}"), ("PUT", "/resource/{d}"), ("DELETE", "/resource/{d}"), ("POST", "/resource/{d}/1"),
                                         ("DELETE", "/resource/{d}/1"), ("PUT", "/api/views/{d}"), ("DELETE", "/api/views/{d}"),
                                         ("PUT", "/api/views/{d}?method=setPermission&value=public.read"), ("POST", "/api/views/{d}/columns"),
                                         ("POST", "/api/views/{d}/publication")])
def test_a_scope_gives_nobody_the_right_to_write(api, stranger, method, path):
    d, _ = scoped(api, "site")
    refused(stranger.request(method, path.format(d=d), json={}), 403, "permission_denied")
    assert api.rows(d) == [{"k": "1"}] and api.get(f"/api/views/{d}").json()["permissions"] == {"scope": "site"}


def test_a_stranger_may_not_read_what_a_site_dataset_became(api, stranger):
    d, _ = scoped(api, "site")
    tag = stranger.get(f"/resource/{d}.json").headers["ETag"]
    api.put(f"/api/views/{d}?method=setPermission&value=private")
    refused(stranger.get(f"/resource/{d}.json", headers={"If-None-Match": tag}), 403, "permission_denied")
