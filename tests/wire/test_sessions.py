"""Log-in on a page, and what a browser may and may not do with it (docs/wire/authentication.md, "Sessions")."""

import re
import subprocess

import pytest
import requests

from client import ADMIN, refused
from person import SETTINGS, Forms, Person

NAME, PASSWORD = "someone@example.org", "a password of someone"
SELF = "/api/users/current.json"


@pytest.fixture(scope="module", autouse=True)
def someone(server):
    return server.add_user(NAME, PASSWORD)


@pytest.fixture
def person(server):
    p = Person(server)
    assert p.log_in(NAME, PASSWORD).status_code == 200
    return p


def csrf(person):
    return {"X-CSRF-Token": person.session.cookies["socrata-csrf-token"]}


def alone(server, cookie, method="GET", path=SELF, **options):
    """A request with the session's cookie and nothing else that a browser would add."""
    headers = dict(options.pop("headers", {}), Cookie=f"__Host-session={cookie}")
    return requests.request(method, server.url + path, headers=headers, verify=server.ca, timeout=60, allow_redirects=False, **options)


def test_a_session_is_its_user(person):
    assert person.get(SELF).json()["login"] == NAME


def test_the_cookies_are_for_this_site_and_the_secret_one_not_for_scripts(server):
    p = Person(server)
    page = p.get("/login")
    reply = p.send(p.form(page, "/login"), username=NAME, password=PASSWORD)
    session, pair = sorted(reply.raw.headers.getlist("Set-Cookie"))
    assert re.fullmatch(r"__Host-session=slzs_\w{43}; Path=/; Secure; SameSite=Lax; HttpOnly", session)
    assert re.fullmatch(r"socrata-csrf-token=[\w-]{43}; Path=/; Secure; SameSite=Lax", pair)
    assert reply.status_code == 303 and reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", SETTINGS, "/profile/app_tokens"])
def test_pages_are_not_framed_kept_or_scripted(person, path):
    reply = person.get(path)
    policy = reply.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    assert reply.headers["X-Frame-Options"] == "DENY" and reply.headers["Referrer-Policy"] == "no-referrer" and reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff" and "Access-Control-Allow-Origin" not in reply.headers
    assert "<script" not in reply.text and "<html lang='en'>" in reply.text
    for form in Forms(reply.text).forms:
        assert form["fields"]["csrf"]


@pytest.mark.parametrize("name,password", [(NAME, "what I typed"), ("nobody", PASSWORD), (NAME, ""), ("", PASSWORD), ("", ""), (NAME + "\x01", PASSWORD), ("é" * 300, "ü" * 2000)])
def test_a_wrong_password_says_no_more_than_that(server, name, password):
    p = Person(server)
    reply = p.send(p.form(p.get("/login"), "/login"), username=name, password=password)
    assert reply.status_code == 403 and "The user name or the password is wrong." in reply.text and "WWW-Authenticate" not in reply.headers
    assert "__Host-session" not in p.session.cookies and (len(password) < 5 or password not in reply.text)


def test_what_was_typed_cannot_become_markup(server):
    p = Person(server)
    evil = "'><script>alert(1)</script>&\""
    reply = p.send(p.form(p.get("/login"), "/login"), username=evil, password="x")
    assert "<script" not in reply.text and p.form(reply, "/login")["fields"]["username"] == evil
    assert "<script" not in p.get("/login", params={"return_to": evil}).text


@pytest.mark.parametrize("where", ["//evil.example/", "https://evil.example/", "/\\evil.example/", "\\\\evil.example", "javascript:alert(1)", "evil.example", "/a\r\nSet-Cookie: b=c", "/ü", "", "/" + "x" * 9000])
def test_a_log_in_leads_nowhere_else(server, where):
    p = Person(server)
    reply = p.send(p.form(p.get("/login"), "/login"), username=NAME, password=PASSWORD, return_to=where)
    assert reply.status_code == 303 and reply.headers["Location"] == SETTINGS


def test_a_log_in_leads_back(server):
    p = Person(server)
    assert p.get(SETTINGS + "?a=b%20c").headers["Location"] == "/login?return_to=%2Fprofile%2Fedit%2Fdeveloper_settings%3Fa%3Db%2520c"
    page = p.follow(p.get(SETTINGS + "?a=b%20c"))
    assert p.send(p.form(page, "/login"), username=NAME, password=PASSWORD).headers["Location"] == SETTINGS + "?a=b%20c"


def test_a_form_that_another_site_sends_logs_nobody_in(server):
    p = Person(server)
    form = p.form(p.get("/login"), "/login")
    stranger = Person(server)  # has no cookie of ours
    assert stranger.send(form, username=NAME, password=PASSWORD).status_code == 403
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        assert p.send(form, username=NAME, password=PASSWORD, headers=headers).status_code == 403
    assert p.send(form, username=NAME, password=PASSWORD, csrf="x" * 43).status_code == 403
    assert p.send(form, username=NAME, password=PASSWORD, csrf="").status_code == 403
    assert p.send(form, username=NAME, password=PASSWORD, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_each_log_in_makes_a_new_session_and_ends_the_old(server, person):
    old = person.session.cookies["__Host-session"]
    person.log_in(NAME, PASSWORD)
    assert person.session.cookies["__Host-session"] != old
    assert alone(server, old).status_code == 403 and person.get(SELF).status_code == 200
    planted = "slzs_" + "A" * 43  # fixation: a session id that somebody else chose
    p = Person(server)
    form = p.form(p.get("/login"), "/login")
    p.session.cookies.set("__Host-session", planted, path="/", secure=True)
    p.session.cookies.pop("__Host-form")
    assert p.send(form, username=NAME, password=PASSWORD).status_code == 403
    assert p.follow(p.send(p.form(p.get("/login"), "/login"), username=NAME, password=PASSWORD)).status_code == 200
    assert alone(server, planted).status_code == 403


def test_logging_out_ends_the_session(server, person):
    old = person.session.cookies["__Host-session"]
    page = person.get(SETTINGS)
    assert "You are logged out" in person.send(person.form(page, "/logout")).text
    assert alone(server, old).status_code == 403 and person.get(SETTINGS).status_code == 302


def test_logging_out_takes_a_form_of_ours(server, person):
    assert person.request("POST", "/logout").status_code == 403
    assert person.request("GET", "/logout").status_code == 405
    assert person.get(SELF).status_code == 200


def test_a_new_password_ends_sessions(server):
    name = "changes-password"
    server.add_user(name, PASSWORD)
    p = Person(server)
    p.log_in(name, PASSWORD)
    assert p.get(SELF).status_code == 200
    subprocess.run([server.binary, "user", "passwd", name, "--data", server.data], input=b"another password\n", check=True)
    refused(p.get(SELF), 403, "authentication_required")


def test_a_user_who_is_shut_out_has_no_session(server):
    name = "is-shut-out"
    server.add_user(name, PASSWORD)
    p = Person(server)
    p.log_in(name, PASSWORD)
    subprocess.run([server.binary, "user", "disable", name, "--data", server.data], check=True)
    assert p.get(SELF).status_code == 403
    subprocess.run([server.binary, "user", "enable", name, "--data", server.data], check=True)
    assert p.get(SELF).status_code == 403  # a session that ended does not come back


@pytest.mark.parametrize("cookie", ["", "x", "slzs_", "slzs_" + "x" * 43, "slzs_" + "x" * 5000, "../../etc/passwd"])
def test_a_cookie_that_is_no_session_is_as_none(server, api, cookie):
    dataset = api.create({"k": "text"}, public=True)
    assert alone(server, cookie, path=f"/resource/{dataset}.json").status_code == 200
    refused(alone(server, cookie), 403, "authentication_required")


def test_two_session_cookies_are_none(server, person):
    mine = person.session.cookies["__Host-session"]
    reply = requests.get(server.url + SELF, headers={"Cookie": f"__Host-session=x; __Host-session={mine}"}, verify=server.ca, timeout=60)
    assert reply.status_code == 403
    reply = requests.get(server.url + SELF, headers={"Cookie": f"a=b; __Host-session={mine} ; c"}, verify=server.ca, timeout=60)
    assert reply.status_code == 200


# writes under a session


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "x" * 43}, "other", "cross", "same-site", "origin", "null"])
def test_a_write_under_a_session_must_come_from_a_page_of_ours(server, person, someone, headers):
    dataset = someone.create({"k": "text"}, key="k")
    other = Person(server)
    other.log_in(NAME, PASSWORD)
    mine = csrf(person)
    chosen = {"other": csrf(other), "cross": dict(mine, **{"Sec-Fetch-Site": "cross-site"}), "same-site": dict(mine, **{"Sec-Fetch-Site": "same-site"}),
              "origin": dict(mine, Origin="https://evil.example"), "null": dict(mine, Origin="null")}.get(headers if isinstance(headers, str) else "", headers)
    for method, path in (("POST", f"/resource/{dataset}.json"), ("PUT", f"/resource/{dataset}.json"), ("DELETE", f"/resource/{dataset}"), ("PUT", f"/api/views/{dataset}")):
        refused(person.request(method, path, json=[{"k": "1"}], headers=chosen), 403)
    assert someone.rows(dataset) == []


def test_a_write_with_the_cookie_repeated_is_done(server, person, someone):
    dataset = someone.create({"k": "text"}, key="k")
    for extra in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": server.url}):
        assert person.request("POST", f"/resource/{dataset}.json", json=[{"k": "1"}], headers=dict(csrf(person), **extra)).status_code == 200
    assert someone.rows(dataset) == [{"k": "1"}]


def test_basic_and_tokens_need_no_such_header(someone):
    dataset = someone.create({"k": "text"}, key="k")
    assert someone.upsert(dataset, [{"k": "1"}]).status_code == 200


# requests of other sites


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://HOST"}, {"Origin": "https://HOST.evil.example"}, {"Origin": ""},
                                     {"Origin": "null", "Sec-Fetch-Site": "cross-site"}])
def test_another_sites_script_is_nobody(server, person, someone, api, headers):
    headers = {k: v.replace("HOST", server.url[len("https://"):]) for k, v in headers.items()}
    private, public = someone.create({"k": "text"}), someone.create({"k": "text"}, public=True)
    for who in (person, someone, server.api(("nobody", "wrong"))):
        refused(who.get(f"/resource/{private}.json", headers=headers), 403, "authentication_required")
        reply = who.get(f"/resource/{public}.json", headers=headers)
        assert reply.status_code == 200 and reply.headers["Access-Control-Allow-Origin"] == "*" and "Access-Control-Allow-Credentials" not in reply.headers
    refused(someone.post(f"/resource/{public}.json", json=[], headers=headers), 403, "authentication_required")


def test_our_own_origin_is_no_other_site(server, person, someone):
    for origin in (server.url, server.url.upper().replace("HTTPS", "https")):
        assert person.get(SELF, headers={"Origin": origin}).status_code == 200
        assert someone.get(SELF, headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("name", ["$jsonp", "jsonp", "%24jsonp"])
def test_a_request_for_a_script_is_nobodys(person, someone, name):
    for who in (person, someone):
        refused(who.get(f"{SELF}?{name}=f"), 403, "authentication_required")


def test_what_another_site_loads_by_itself_comes_without_the_session(person):
    for site in ("cross-site", "same-site"):
        assert person.get(SELF, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
        assert person.get(SELF, headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_a_session_over_plain_http_ends(server, person):
    mine = person.session.cookies["__Host-session"]
    refused(requests.get(server.http_url + SELF, headers={"Cookie": f"__Host-session={mine}"}, allow_redirects=False, timeout=60), 403, "https_required")
    assert person.get(SELF).status_code == 403


# POST /api/authenticate


def test_a_program_logs_in_with_a_form(server):
    p = Person(server)
    reply = p.request("POST", "/api/authenticate", data={"username": NAME, "password": PASSWORD})
    assert reply.status_code == 200 and reply.json()["displayName"] == "someone" and p.get(SELF).status_code == 200
    refused(p.request("POST", "/api/authenticate", data={"username": NAME, "password": "wrong"}), 401, "authentication_required")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused(Person(server).request("POST", "/api/authenticate", data={"username": NAME, "password": PASSWORD}, headers=headers), 403, "permission_denied")


# the page of a user's applications


@pytest.mark.parametrize("values,says", [({"name": ""}, "name"), ({"name": "x", "redirect_uris": "http://evil.example/"}, "https://"), ({"name": "x", "callback_prefix": "https://a.example#"}, "fragment"),
                                         ({"name": "x", "website": "javascript:alert(1)"}, "website"), ({"name": "x", "redirect_uris": "\n".join(f"https://a.example/{i}" for i in range(21))}, "20"),
                                         ({"name": "x", "description": "d" * 2001}, "2000"), ({"do": "nothing", "name": "x"}, "what is to be done"),
                                         ({"name": "a\u202eb"}, "control characters"), ({"name": "a\u009b2Jb"}, "control characters"), ({"name": "x", "description": "a\u2066b"}, "control characters"),
                                         ({"name": "x", "website": "https://a.example/\u202e"}, "control characters"), ({"do": "disable", "app": "x" * 25}, "no such application")])
def test_a_form_that_is_refused_says_why_and_keeps_what_was_typed(person, values, says):
    reply = person.send(person.form(person.get(SETTINGS), SETTINGS, do="register"), **values)
    assert reply.status_code in (400, 404) and says in reply.text, reply.text
    kept = person.form(reply, SETTINGS, do="register")["fields"]
    for name in ("name", "website", "callback_prefix"):
        assert kept[name] == values.get(name, "")


def test_a_description_has_lines_and_letters_of_every_script(person):
    values = {"description": "one\r\ntwo\tthree", "website": "https://b\u00fccher.example/"}
    person.register("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f469\u200d\U0001f4bb", **values)  # with joiners, which are no controls


def test_an_application_of_another_user_is_not_there(server, person):
    admin = Person(server)
    admin.log_in(*ADMIN)
    id, _ = admin.register("The administrator's")
    form = person.form(person.get(SETTINGS), SETTINGS, do="register")
    for what in ("renew", "disable", "enable"):
        assert person.send(form, **{"do": what, "app": id}).status_code == 404
    assert id not in person.get(SETTINGS).text


def test_names_cannot_become_markup(person):
    evil = "'\"><img src=x onerror=alert(1)>&amp;"
    person.register(evil, description=evil, redirect_uris="https://site.example/cb?a='%22&b")
    page = person.get(SETTINGS)
    assert "<img" not in page.text and evil in "".join(Forms(page.text).words)
