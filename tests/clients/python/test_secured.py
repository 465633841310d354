"""TLS, client certificates, credentials and sizes: of the otlp receiver over both protocols, and of what an agent sends with."""

import gzip
import ssl
import time

import grpc
import pytest
import requests
import trustme
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

from harness import otlp, poll
from harness.api import Api
from harness.backend import BackEnd, numbered
from harness.collector import Collector
from harness.server import free_port

GATEWAY = """
receivers:
  otlp/tls:
    protocols:
      http: {endpoint: '127.0.0.1:HTTP_TLS', tls: {cert_file: server.pem, key_file: server.key}}
      grpc: {endpoint: '127.0.0.1:GRPC_TLS', tls: {cert_file: server.pem, key_file: server.key}}
  otlp/mtls:
    protocols:
      http: {endpoint: '127.0.0.1:HTTP_MTLS', tls: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem}}
      grpc: {endpoint: '127.0.0.1:GRPC_MTLS', tls: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem}}
  otlp/basic:
    protocols:
      http: {endpoint: '127.0.0.1:HTTP_BASIC', auth: {authenticator: basicauth}}
      grpc: {endpoint: '127.0.0.1:GRPC_BASIC', auth: {authenticator: basicauth}}
  otlp/bearer:
    protocols:
      http: {endpoint: '127.0.0.1:HTTP_BEARER', auth: {authenticator: bearertokenauth}, max_request_body_size: 64KiB}
      grpc: {endpoint: '127.0.0.1:GRPC_BEARER', auth: {authenticator: bearertokenauth}, max_recv_msg_size_mib: 1,
             keepalive: {server_parameters: {max_connection_age: 1s}}}
  otlp: {protocols: {http: {endpoint: '{http}'}}}
exporters:
  otlphttp: {endpoint: BACKEND}
extensions:
  basicauth: {htpasswd: {inline: "alice:one two\\nbob:three"}}
  bearertokenauth: {tokens: [first, second]}
  zpages: {endpoint: '{health}'}
service:
  extensions: [basicauth, bearertokenauth, zpages]
  pipelines:
    logs: {receivers: [otlp, otlp/tls, otlp/mtls, otlp/basic, otlp/bearer], exporters: [otlphttp]}
"""
PORTS = [f"{protocol}_{what}" for protocol in ("HTTP", "GRPC") for what in ("MTLS", "TLS", "BASIC", "BEARER")]


class Secured:
    """A gateway with a port for each way, and the certificates."""

    def __init__(self, folder):
        self.folder = folder
        self.ca, self.other_ca = trustme.CA(), trustme.CA()
        cert = self.ca.issue_cert("localhost", "127.0.0.1")
        cert.private_key_pem.write_to_path(folder / "server.key")
        for n, blob in enumerate(cert.cert_chain_pems):
            blob.write_to_path(folder / "server.pem", append=n > 0)
        self.ca.cert_pem.write_to_path(folder / "ca.pem")
        self.client, self.stranger = self.issue(self.ca, "client"), self.issue(self.other_ca, "stranger")
        self.backend = BackEnd().start()
        yaml = GATEWAY.replace("BACKEND", self.backend.url())
        self.port = {}
        for name in PORTS:
            self.port[name] = free_port()
            yaml = yaml.replace(f":{name}'", f":{self.port[name]}'")
        self.gateway = Collector(folder, yaml).start()

    def issue(self, ca, name):
        cert = ca.issue_cert(f"{name}.example")
        cert.private_key_pem.write_to_path(self.folder / f"{name}.key")
        cert.cert_chain_pems[0].write_to_path(self.folder / f"{name}.pem")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def post(self, which, body, scheme="http", **more):
        url = f"{scheme}://127.0.0.1:{self.port['HTTP_' + which]}/v1/logs"
        headers = {"Content-Type": otlp.PROTOBUF, **more.pop("headers", {})}
        return requests.post(url, data=body, headers=headers, timeout=20, **more)

    def channel(self, which, client=None, plain=False):
        target = f"127.0.0.1:{self.port['GRPC_' + which]}"
        if plain:
            return grpc.insecure_channel(target)
        key, chain = (client[1].read_bytes(), client[0].read_bytes()) if client else (None, None)
        return grpc.secure_channel(target, grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes(), key, chain))

    def refusals(self):
        url = self.gateway.url("health", "/debug/refusalz?format=json")
        return " ".join(entry["message"] for entry in requests.get(url, timeout=5).json())

    def arrived(self, *texts):
        poll.until(f"{texts}", lambda: set(texts) <= set(self.backend.bodies()))


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    secured = Secured(tmp_path_factory.mktemp("secured"))
    yield secured
    assert "panicked at" not in secured.gateway.log(), secured.gateway.log()[-4000:]
    secured.gateway.terminate()
    secured.backend.stop()


def request_of(number):
    return otlp.REQUESTS["logs"].FromString(numbered("secured", number))


def export(channel, number, metadata=(), padding=0):
    request = otlp.REQUESTS["logs"].FromString(numbered("secured", number, padding))
    return LogsServiceStub(channel).Export(request, timeout=10, metadata=metadata)


def code_of(channel, number=0, metadata=(), padding=0):
    with pytest.raises(grpc.RpcError) as error:
        export(channel, number, metadata, padding)
    return error.value.code(), error.value.details()


def test_tls(secured):
    assert secured.post("TLS", numbered("secured", 1), "https", verify=secured.folder / "ca.pem").status_code == 200
    with secured.channel("TLS") as channel:
        export(channel, 2)
    with pytest.raises(requests.exceptions.SSLError):
        secured.post("TLS", numbered("secured", 0), "https")
    with pytest.raises(requests.RequestException):
        secured.post("TLS", numbered("secured", 0))
    with secured.channel("TLS", plain=True) as channel:
        assert code_of(channel)[0] == grpc.StatusCode.UNAVAILABLE
    # TLS on a port without it, and the reverse, are named with the remedy.
    with pytest.raises(requests.RequestException):
        secured.post("BASIC", numbered("secured", 0), "https", verify=False)
    refusals = secured.refusals()
    assert "spoke plain text on a port that has `tls`; use https://" in refusals
    assert "began a TLS handshake on a port that speaks plain text" in refusals
    # TLS 1.2 is spoken too.
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(secured.folder / "ca.pem")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
    with requests.Session() as session:
        session.mount("https://", adapter(old))
        url = f"https://127.0.0.1:{secured.port['HTTP_TLS']}/v1/logs"
        assert session.post(url, data=numbered("secured", 3), headers={"Content-Type": otlp.PROTOBUF}, timeout=10).status_code == 200
    secured.arrived("record 1", "record 2", "record 3")


def adapter(context):
    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments, **named):
            return super().init_poolmanager(*arguments, **named, ssl_context=context)

    return Adapter()


def test_client_certificates(secured):
    verify = secured.folder / "ca.pem"
    assert secured.post("MTLS", numbered("secured", 11), "https", verify=verify, cert=secured.client).status_code == 200
    with secured.channel("MTLS", secured.client) as channel:
        export(channel, 12)
    for cert in (None, secured.stranger):
        with pytest.raises(requests.RequestException):
            secured.post("MTLS", numbered("secured", 0), "https", verify=verify, cert=cert)
        with secured.channel("MTLS", cert) as channel:
            assert code_of(channel)[0] == grpc.StatusCode.UNAVAILABLE
    poll.until("it is named", lambda: "the TLS handshake failed" in secured.refusals() and "certificate" in secured.refusals())
    secured.arrived("record 11", "record 12")
    assert "record 0" not in secured.backend.bodies()


def test_a_certificate_is_replaced_while_it_runs(secured, tmp_path):
    """Files that are written anew are taken for new connections; broken ones leave the old one in use."""
    import shutil

    ca = trustme.CA()
    for name in ("server.pem", "server.key"):
        shutil.copy(secured.folder / name, tmp_path / name)
    yaml = f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: '{{http}}', tls: {{cert_file: server.pem, key_file: server.key, reload_interval: 100ms}}}}}}}}}}
exporters: {{otlphttp: {{endpoint: '{secured.backend.url()}'}}}}
extensions: {{zpages: {{endpoint: '{{health}}'}}}}
service: {{extensions: [zpages], pipelines: {{logs: {{receivers: [otlp], exporters: [otlphttp]}}}}}}
"""
    agent = Collector(tmp_path, yaml)
    agent.answers = lambda: agent.process.poll() is None and "ready in" in agent.log()
    agent.start()
    ca.cert_pem.write_to_path(tmp_path / "new-ca.pem")
    url = agent.url("otlp_http", "/v1/logs").replace("http:", "https:")

    def post(verify):
        headers = {"Content-Type": otlp.PROTOBUF}
        return requests.post(url, data=numbered("secured", 21), headers=headers, timeout=10, verify=str(verify)).status_code

    try:
        assert post(secured.folder / "ca.pem") == 200
        cert = ca.issue_cert("127.0.0.1")
        cert.private_key_pem.write_to_path(tmp_path / "server.key")
        cert.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")

        def taken():
            try:
                return post(tmp_path / "new-ca.pem") == 200
            except requests.exceptions.SSLError:
                return False

        poll.until("the new certificate", taken, deadline_s=20, every_s=0.1)
        (tmp_path / "server.pem").write_text("broken")

        def said():
            assert post(tmp_path / "new-ca.pem") == 200, "the one before stays in use"
            refusals = requests.get(agent.url("health", "/debug/refusalz?format=json"), timeout=5).json()
            return any("the one before stays in use" in entry["message"] for entry in refusals)

        poll.until("it is said", said)
    finally:
        agent.terminate()


def test_user_and_password(secured):
    assert secured.post("BASIC", numbered("secured", 31), auth=("alice", "one two")).status_code == 200
    with secured.channel("BASIC", plain=True) as channel:
        export(channel, 32, [("authorization", requests.auth._basic_auth_str("bob", "three"))])
        assert code_of(channel)[0] == grpc.StatusCode.UNAUTHENTICATED
        wrong = [("authorization", requests.auth._basic_auth_str("bob", "four"))]
        assert code_of(channel, metadata=wrong) == (grpc.StatusCode.UNAUTHENTICATED, "user or password is wrong")
    answer = secured.post("BASIC", numbered("secured", 0))
    assert answer.status_code == 401 and "Basic" in answer.headers["WWW-Authenticate"]
    assert secured.post("BASIC", numbered("secured", 0), auth=("alice", "three")).status_code == 401
    assert "user or password is wrong" in secured.refusals()
    secured.arrived("record 31", "record 32")
    assert "record 0" not in secured.backend.bodies()


def test_tokens(secured):
    for number, token in ((41, "first"), (42, "second")):
        headers = {"Authorization": f"Bearer {token}"}
        assert secured.post("BEARER", numbered("secured", number), headers=headers).status_code == 200
    with secured.channel("BEARER", plain=True) as channel:
        export(channel, 43, [("authorization", "Bearer second")])
        assert code_of(channel, metadata=[("authorization", "Bearer third")])[0] == grpc.StatusCode.UNAUTHENTICATED
    assert secured.post("BEARER", numbered("secured", 0), headers={"Authorization": "first"}).status_code == 401
    secured.arrived("record 41", "record 42", "record 43")


def test_sizes(secured):
    """Compressed and not; what is too large is said to be so, and is not to be sent again."""
    headers = {"Authorization": "Bearer first"}
    large = numbered("secured", 0, 70_000)
    assert secured.post("BEARER", numbered("secured", 51, 60_000), headers=headers).status_code == 200
    answer = secured.post("BEARER", large, headers=headers)
    assert answer.status_code == 413 and b"max_request_body_size" in answer.content
    bomb = secured.post("BEARER", gzip.compress(large), headers={**headers, "Content-Encoding": "gzip"})
    assert bomb.status_code == 413
    with secured.channel("BEARER", plain=True) as channel:
        token = [("authorization", "Bearer first")]
        export(channel, 52, token, padding=1_000_000)
        code, details = code_of(channel, metadata=token, padding=1_100_000)
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED and "max_recv_msg_size_mib" in details
    secured.arrived("record 51", "record 52")


def test_an_old_connection_is_closed_between_requests(secured):
    """`max_connection_age`: the client is told to go, nothing is cut off, and it comes back."""
    states, token = [], [("authorization", "Bearer first")]
    with secured.channel("BEARER", plain=True) as channel:
        channel.subscribe(states.append)
        number, began = 60, time.monotonic()
        while grpc.ChannelConnectivity.IDLE not in states[1:] and time.monotonic() - began < 10:
            export(channel, number, token)
            number += 1
            time.sleep(0.01)
        assert grpc.ChannelConnectivity.IDLE in states[1:], states
        export(channel, number, token)
    secured.arrived(*(f"record {n}" for n in range(60, number + 1)))


AGENT = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}}}
exporters:
EXPORTERS
extensions:
  basicauth/client: {client_auth: {username: alice, password: one two}}
  bearertokenauth: {token: second}
service:
  extensions: [basicauth/client, bearertokenauth]
  pipelines:
    logs: {receivers: [otlp], exporters: [NAMES]}
"""


def test_an_agent_sends_with_certificates_and_credentials(secured, tmp_path):
    """Every way into the gateway, taken by our own exporters; each with a name of its own."""
    port, folder = secured.port, secured.folder
    tls = f"ca_file: {folder}/ca.pem"
    own = f"{tls}, cert_file: {secured.client[0]}, key_file: {secured.client[1]}"
    fast = "retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}"
    exporters = {
        "otlp/tls": f"endpoint: 'https://127.0.0.1:{port['GRPC_TLS']}', tls: {{{tls}}}",
        "otlphttp/tls": f"endpoint: 'https://127.0.0.1:{port['HTTP_TLS']}', tls: {{{tls}}}",
        "otlp/mtls": f"endpoint: 'https://127.0.0.1:{port['GRPC_MTLS']}', tls: {{{own}}}, compression: zstd",
        "otlphttp/mtls": f"endpoint: 'https://127.0.0.1:{port['HTTP_MTLS']}', tls: {{{own}}}, compression: none",
        "otlp/basic": f"endpoint: '127.0.0.1:{port['GRPC_BASIC']}', tls: {{insecure: true}}, auth: {{authenticator: basicauth/client}}",
        "otlphttp/basic": f"endpoint: 'http://127.0.0.1:{port['HTTP_BASIC']}', auth: {{authenticator: basicauth/client}}",
        "otlp/bearer": f"endpoint: '127.0.0.1:{port['GRPC_BEARER']}', tls: {{insecure: true}}, auth: {{authenticator: bearertokenauth}}",
        "otlphttp/bearer": f"endpoint: 'http://127.0.0.1:{port['HTTP_BEARER']}', headers: {{Authorization: Bearer first}}",
        # These two may not: a certificate that nobody vouches for, and none.
        "otlphttp/unknown": f"endpoint: 'https://127.0.0.1:{port['HTTP_TLS']}'",
        "otlp/anonymous": f"endpoint: 'https://127.0.0.1:{port['GRPC_MTLS']}', tls: {{{tls}}}",
    }
    lines = "\n".join(f"  {name}: {{{text}, {fast}}}" for name, text in exporters.items())
    agent = Collector(tmp_path, AGENT.replace("EXPORTERS", lines).replace("NAMES", ", ".join(exporters))).start()
    try:
        before = secured.backend.bodies().count("record 70")
        assert otlp.post(agent, "logs", numbered("secured", 70)).status_code == 200
        wanted = len(exporters) - 2
        poll.until("eight ways", lambda: secured.backend.bodies().count("record 70") - before >= wanted, deadline_s=20)
        poll.until("two do not", lambda: "otlphttp/unknown" in agent.log() and "otlp/anonymous" in agent.log(), deadline_s=20)
        for name in exporters:
            failed = f"component=\"exporters.{name}\"" in agent.log() or f"exporters.{name}" in agent.log()
            assert failed == (name in ("otlphttp/unknown", "otlp/anonymous")), (name, agent.log()[-3000:])
        assert secured.backend.bodies().count("record 70") - before == wanted
    finally:
        agent.kill()
