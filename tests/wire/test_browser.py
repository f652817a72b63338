"""The pages in a real browser (Debian's Chromium, led by PyPI's playwright): what it makes of the cookies, of Sec-Fetch-Site and
Origin, and of the policy on the pages' content."""

import http.server
import threading

import pytest
from playwright.sync_api import sync_playwright

from application import Application, pkce
from client import ADMIN
from person import SETTINGS, Person, answer

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(ignore_https_errors=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def callback():
    """Where an application on the user's machine waits: (port, addresses seen)."""
    seen = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.startswith("/favicon"):
                seen.append((self.path, self.headers.get("Referer")))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<p>back")

        def log_message(self, *_):
            pass
    waiting = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=waiting.serve_forever, daemon=True).start()
    yield waiting.server_port, seen
    waiting.shutdown()
    waiting.server_close()


def log_in(page):
    page.get_by_label("User name or e-mail address").fill(ADMIN[0])
    page.get_by_label("Password").fill(ADMIN[1])
    page.get_by_role("button", name="Log in").click()


def test_a_user_logs_in_decides_and_is_sent_back(server, page, callback):
    someone = Person(server)
    someone.log_in(*ADMIN)
    port, seen = callback
    native = Application(server, someone.register("In a browser", redirect_uris="http://127.0.0.1/cb", public="yes")[0], None, f"http://127.0.0.1:{port}/cb")
    verifier, challenge = pkce()
    refused = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
    page.goto(server.url + native.address(state="s", code_challenge=challenge, code_challenge_method="S256"))
    page.get_by_label("User name or e-mail address").fill(ADMIN[0])
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    assert page.get_by_role("alert").inner_text() == "The user name or the password is wrong."
    log_in(page)
    assert page.title().startswith("Allow access?") and page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "544px"  # the style sheet is taken
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"http://127.0.0.1:{port}/**")
    (path, referer), = seen
    assert referer is None and native.redeem(answer(path)["code"], code_verifier=verifier).status_code == 200 and refused == []


def test_a_user_registers_an_application_and_logs_out(server, page):
    page.goto(server.url + SETTINGS)
    log_in(page)
    page.get_by_label("Name", exact=True).fill("Registered in a browser")
    page.get_by_label("Redirect URIs").fill("https://site.example/cb")
    page.get_by_role("button", name="Register").click()
    assert [c for c in page.locator("code").all_inner_texts() if c.startswith("slza_")]
    page.get_by_role("button", name="Disable of Registered in a browser").click()
    assert page.get_by_text("It is disabled").count() == 1
    page.get_by_role("button", name="Log out").click()
    page.goto(server.url + SETTINGS)
    assert page.title().startswith("Log in")


def test_a_script_of_this_site_repeats_the_cookie_and_others_get_nothing(server, page, callback):
    page.goto(server.url + SETTINGS)
    log_in(page)
    page.goto(server.url + "/api/version.json")
    made = page.evaluate("""async () => {
        const send = (headers) => fetch('/api/views.json', {method: 'POST', body: JSON.stringify({name: 'x', columns: []}), headers: {'Content-Type': 'application/json', ...headers}});
        const token = document.cookie.match(/socrata-csrf-token=([^;]+)/)[1];
        return [(await send({})).status, (await send({'X-CSRF-Token': token})).status, document.cookie.includes('__Host-session')];
    }""")
    assert made == [403, 200, False]
    page.goto(f"http://127.0.0.1:{callback[0]}/other-site")
    seen = page.evaluate("""async (url) => {
        try { return (await fetch(url, {credentials: 'include'})).status; } catch (error) { return 'blocked'; }
    }""", server.url + "/api/users/current.json")
    assert seen == "blocked"
