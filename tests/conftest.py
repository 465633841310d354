"""What every test of the real binary shares: a running server and its API."""

import secrets

import pytest

from harness.api import Api
from harness.server import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests that do it no harm; each test has its own service name."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running
        assert running.alive(), f"the server ended during the tests:\n{running.log()[-4000:]}"
        assert "panicked at" not in running.log(), running.log()[-4000:]


@pytest.fixture
def own_server(tmp_path):
    """A server for this test alone."""
    with Server(tmp_path / "own") as running:
        yield running
        assert "panicked at" not in running.log(), running.log()[-4000:]


@pytest.fixture(scope="session")
def api(server):
    return Api(server.url("api"))


@pytest.fixture
def service():
    """A service name that no other test uses."""
    return f"svc-{secrets.token_hex(6)}"
