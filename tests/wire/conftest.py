"""One server for the whole run, on a data directory of its own. At the end it must be alive, stop on SIGTERM with status 0, and
must not have printed a sanitizer's report. Tests create their own datasets, so that they do not see each other."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from client import Server  # noqa: E402


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("seltzer") / "data").start()
    yield s
    assert s.alive(), s.said()[-6000:]
    status = s.stop()
    s.check_clean()
    assert status == 0, s.said()[-3000:]


@pytest.fixture(scope="session")
def api(server):
    return server.api()


@pytest.fixture(scope="session")
def stranger(server):
    """Signed in, owns nothing, may only read."""
    return server.add_user("stranger@example.org", "a password of a stranger", "viewer")


@pytest.fixture(scope="session")
def anonymous(server):
    return server.api(auth=None)


@pytest.fixture(autouse=True)
def the_server_is_still_up(request):
    """A test that kills the server is the one that fails, not the next."""
    yield
    if "server" in request.fixturenames or "api" in request.fixturenames:
        s = request.getfixturevalue("server")
        assert s.alive(), "the server died: " + s.said()[-6000:]


def pytest_terminal_summary(terminalreporter):
    """The plain closing line that ./test adds up; errors in fixtures count as failures."""
    stats = terminalreporter.stats
    passed = len(stats.get("passed", []))
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    terminalreporter.write_line(f"wire: {passed} passed, {failed} failed")
