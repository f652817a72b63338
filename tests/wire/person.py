"""Somebody with a browser, for the pages: keeps cookies, reads forms, fills them in and sends them, follows redirects on this site only."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import requests

SETTINGS = "/profile/edit/developer_settings"


class Forms(HTMLParser):
    """The page's forms: action, fields with their values, buttons as (name, value)."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.area, self.words = [], None, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self.forms.append({"action": a["action"], "method": a["method"], "fields": {}, "buttons": []})
        elif tag == "input" and a.get("type") != "checkbox":
            self.forms[-1]["fields"][a["name"]] = a.get("value", "")
        elif tag == "textarea":
            self.area = a["name"]
            self.forms[-1]["fields"][self.area] = ""
        elif tag == "button":
            self.forms[-1]["buttons"].append((a.get("name"), a.get("value")))

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.area = None

    def handle_data(self, data):
        self.words.append(data)
        if self.area:
            self.forms[-1]["fields"][self.area] += data


class Person:
    def __init__(self, server):
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = server.ca

    def request(self, method, path, **options):
        return self.session.request(method, self.server.url + path, allow_redirects=False, timeout=60, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def follow(self, reply):
        """Redirects as long as they lead to this site."""
        while reply.status_code in (302, 303) and reply.headers["Location"].startswith("/"):
            reply = self.get(reply.headers["Location"])
        return reply

    def form(self, reply, action, **wanted):
        """The form with that action whose fields have those values."""
        for form in Forms(reply.text).forms:
            if form["action"] == action and all(form["fields"].get(k) == v for k, v in wanted.items()):
                return form
        raise AssertionError(f"no form {action} {wanted} in {reply.text}")

    def send(self, form, button=None, headers=None, **values):
        fields = dict(form["fields"], **values)
        if button:
            assert button in form["buttons"], form["buttons"]
            fields[button[0]] = button[1]
        return self.request("POST", form["action"], data=fields, headers=headers)

    def log_in(self, name, password, path="/login"):
        page = self.follow(self.get(path))
        return self.follow(self.send(self.form(page, "/login"), username=name, password=password))

    def register(self, name, **values):
        """An application; its app token and its secret, None for a public one."""
        page = self.get(SETTINGS)
        reply = self.send(self.form(page, SETTINGS, do="register"), name=name, **values)
        assert reply.status_code == 200, reply.text
        return self.shown(reply)

    @staticmethod
    def shown(reply):
        words = [w.strip() for w in Forms(reply.text).words]
        secret = next((w for w in words if w.startswith("slza_")), None)
        return words[words.index("App token (client_id)") + 2], secret

    def consent(self, path, decision="allow"):
        """From the address that an application sends its user to, to the address that the user is sent back to."""
        page = self.follow(self.get(path))
        assert page.status_code == 200, page.text
        reply = self.send(self.form(page, "/oauth/authorize"), button=("decision", decision))
        assert reply.status_code == 303, reply.text
        return reply.headers["Location"]


def answer(location):
    """The parameters of an address, once each."""
    found = parse_qs(urlsplit(location).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(v) == 1 for v in found.values()), location
    return {k: v[0] for k, v in found.items()}
