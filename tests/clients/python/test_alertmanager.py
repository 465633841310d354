"""The alert manager as its users have it: amtool and Prometheus of Debian, the file of the design, webhooks, and SIGKILL."""

import json
import pathlib
import random
import shutil
import subprocess
import time
import urllib.parse

import pytest
import requests

from harness import poll
from harness.hook import Hook
from harness.prometheus import MISSING as NO_PROMETHEUS
from harness.prometheus import Prometheus
from harness.prometheus import installed as has_prometheus
from harness.server import Server, binary

needs_amtool = pytest.mark.skipif(
    shutil.which("amtool") is None, reason="amtool is not installed; `apt-get install prometheus-alertmanager` brings it"
)
needs_prometheus = pytest.mark.skipif(not has_prometheus(), reason=NO_PROMETHEUS)

DESIGN = pathlib.Path(__file__).parents[1] / "data" / "alertmanager-config.yml"

PLAIN = """
route: {{receiver: team, group_by: [alertname], group_wait: {wait}, group_interval: 1s, repeat_interval: 1h,
  routes: [{{matchers: ['severity="critical"'], receiver: pager}}]}}
receivers:
- {{name: team, webhook_configs: [{{url: '{url}'}}]}}
- {{name: pager, webhook_configs: [{{url: '{url}'}}]}}
"""


def write(folder, hook, wait="0s"):
    path = folder / "alertmanager.yml"
    path.write_text(PLAIN.format(url=hook.url, wait=wait))
    return path


class Alertmanager:
    def __init__(self, server):
        self.url = server.url("alertmanager")
        self.native = server.url("api")

    def fire(self, name, ends_at=None, **labels):
        alert = {"labels": {"alertname": name, **labels}}
        if ends_at is not None:
            alert["endsAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends_at))
        answer = requests.post(self.url + "/api/v2/alerts", json=[alert], timeout=10)
        assert answer.status_code == 200, answer.text

    def get(self, path, **params):
        answer = requests.get(self.url + path, params=params, timeout=10)
        assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text}"
        return answer.json()

    def why(self, name):
        alerts = self.get("/api/v2/alerts", filter=f'alertname="{name}"')
        assert len(alerts) == 1, alerts
        return requests.get(f"{self.native}/api/v1/alerts/{alerts[0]['fingerprint']}/why", timeout=10).json()


@pytest.fixture(scope="module")
def hook():
    with Hook() as running:
        yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory, hook):
    folder = tmp_path_factory.mktemp("alertmanager")
    server = Server(folder).start(f"--alertmanager-config={write(folder, hook)}")
    yield server
    server.terminate()
    assert "panicked at" not in server.log(), server.log()[-4000:]


@pytest.fixture(scope="module")
def am(running):
    return Alertmanager(running)


@pytest.fixture(scope="module")
def amtool(am):
    def run(*command, status=0):
        done = subprocess.run(["amtool", f"--alertmanager.url={am.url}", *command], capture_output=True, text=True, timeout=30)
        assert done.returncode == status, f"amtool {' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if status == 0 else done.stderr

    return run


@needs_amtool
def test_amtool_adds_and_asks_for_alerts(amtool):
    amtool("alert", "add", "alertname=Added", "job=a b", 'msg=é, ü', "--annotation=summary=from amtool")
    (alert,) = json.loads(amtool("alert", "query", "-o", "json", "alertname=Added"))
    assert alert["labels"] == {"alertname": "Added", "job": "a b", "msg": "é, ü"}
    assert alert["annotations"] == {"summary": "from amtool"}
    assert alert["status"] == {"state": "active", "inhibitedBy": [], "silencedBy": []} or alert["status"]["state"] == "active"
    assert alert["receivers"] == [{"name": "team"}]
    assert "from amtool" in amtool("alert", "query", "alertname=~Add.*")
    assert "Added" not in amtool("alert", "query", "alertname!=Added")
    assert "Added" in amtool("alert", "query", "--receiver=team")
    assert "Added" not in amtool("alert", "query", "--receiver=pager")


@needs_amtool
def test_amtool_silences(amtool, tmp_path):
    amtool("alert", "add", "alertname=Hushed", "env=test")
    silence = amtool("silence", "add", "alertname=Hushed", "env=~t.*", "-c", "for a test", "-a", "me", "-d", "1h").strip()
    (found,) = json.loads(amtool("silence", "query", "-o", "json", "alertname=Hushed"))
    assert found["id"] == silence and found["comment"] == "for a test" and found["createdBy"] == "me"
    assert found["matchers"][1] == {"name": "env", "value": "t.*", "isRegex": True, "isEqual": True}
    assert "Hushed" not in amtool("alert", "query")
    assert "suppressed" in amtool("alert", "query", "--silenced", "alertname=Hushed")
    assert silence in amtool("silence", "query", "--within", "2h")
    amtool("silence", "update", "--duration=2h", "--comment=longer", silence)
    (changed,) = json.loads(amtool("silence", "query", "-o", "json", "alertname=Hushed"))
    assert changed["id"] == silence and changed["comment"] == "longer" and changed["endsAt"] > found["endsAt"]
    exported = tmp_path / "silences.json"
    exported.write_text(amtool("silence", "query", "-o", "json", "alertname=Hushed"))
    amtool("silence", "expire", silence)
    assert amtool("silence", "query", "-q", "alertname=Hushed").strip() == ""
    assert silence in amtool("silence", "query", "--expired", "-q")
    amtool("silence", "import", "--force", str(exported))
    (imported,) = json.loads(amtool("silence", "query", "-o", "json", "alertname=Hushed"))
    assert imported["id"] != silence and imported["matchers"] == found["matchers"]
    assert "already expired" in amtool("silence", "expire", silence, status=1)


@needs_amtool
def test_amtool_looks_at_the_configuration(amtool, tmp_path, hook):
    assert f"http://127.0.0.1:{hook.port}/<secret>" in amtool("config", "show")
    tree = amtool("config", "routes", "show")
    assert "default-route  receiver: team" in tree and '{severity="critical"}  receiver: pager' in tree
    assert amtool("config", "routes", "test", "severity=critical").strip() == "pager"
    assert amtool("config", "routes", "test", "--verify.receivers=team", "severity=none").strip() == "team"
    assert "Cluster Status:  disabled" in amtool("cluster", "show")
    assert "SUCCESS" in amtool("check-config", str(write(tmp_path, hook)))
    template = tmp_path / "x.tmpl"
    template.write_text('{{ define "x" }}<{{ .Receiver }}>{{ end }}')
    rendered = amtool("template", "render", f"--template.glob={template}", '--template.text={{ template "x" . }}')
    assert rendered.strip().startswith("<")


def test_a_message_has_the_shape_of_version_4(am, hook):
    am.fire("Shape", job="x", severity="critical")
    message = poll.until(
        "the message", lambda: next((m for m in hook.received if m["groupLabels"] == {"alertname": "Shape"}), None)
    )
    assert message["version"] == "4" and message["receiver"] == "pager" and message["status"] == "firing"
    assert message["groupKey"] == '{}/{severity="critical"}:{alertname="Shape"}'
    assert message["commonLabels"] == {"alertname": "Shape", "job": "x", "severity": "critical"}
    (alert,) = message["alerts"]
    assert alert["endsAt"] == "0001-01-01T00:00:00Z" and len(alert["fingerprint"]) == 16
    why = am.why("Shape")
    assert why["notified"] and why["answer"].startswith("Somebody was notified: `pager` by webhook[0]"), why["answer"]
    log = requests.get(am.native + "/api/v1/notifications", params={"receiver": "pager"}, timeout=10).json()
    attempt = log["notifications"][0]["attempts"][0]
    assert attempt["outcome"] == "delivered" and attempt["steps"][-1]["code"] == 200
    assert f":{hook.port}/hook" not in json.dumps(log), "the path of a hook is a secret"


def test_mistakes_are_answered_as_alertmanager_answers(am):
    post = lambda body: requests.post(am.url + "/api/v2/alerts", json=body, timeout=10)  # noqa: E731
    answer = post([{"labels": {"alertname": "Kept"}}, {"labels": {}}])
    assert (answer.status_code, answer.json()) == (400, "at least one label pair required")
    assert len(am.get("/api/v2/alerts", filter="alertname=Kept")) == 1, "the good one was taken"
    assert post({}).status_code == 400
    for path, status in (
        ("/api/v2/alerts?filter=foo", 400),
        ("/api/v2/alerts?receiver=(", 400),
        ("/api/v2/alerts?active=perhaps", 400),
        ("/api/v2/silence/abc", 422),
        ("/api/v2/silence/7d9d4b2e-0000-4000-8000-000000000000", 404),
        ("/api/v1/nothing", 404),
        ("/-/healthy", 200),
        ("/-/ready", 200),
    ):
        assert requests.get(am.url + path, timeout=10).status_code == status, path
    nothing = {"matchers": [{"name": "a", "value": "", "isRegex": False}], "createdBy": "x", "comment": "y"}
    times = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"}
    answer = requests.post(am.url + "/api/v2/silences", json=nothing | times, timeout=10)
    assert answer.json() == "silence invalid: at least one matcher must not match the empty string"


def test_silences_are_previewed_alerts_acknowledged_and_channels_tested(am):
    am.fire("Seen", shard="1")
    am.fire("Seen", shard="2")
    preview = requests.post(am.native + "/api/v1/silences/preview", json={"matchers": ["alertname=Seen"]}, timeout=10).json()
    assert preview["count"] == 2 and preview["warnings"] == []
    fingerprint = preview["alerts"][0]["fingerprint"]
    url = f"{am.native}/api/v1/alerts/{fingerprint}/acknowledge"
    shown = requests.post(url, json={"by": "ann", "comment": "on it", "until": "now+4h"}, timeout=10).json()
    assert shown["acknowledged"]["by"] == "ann"
    assert requests.delete(url, timeout=10).json()["acknowledged"] is None
    answer = requests.post(am.native + "/api/v1/channels/team/test", timeout=30)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["step"] == "begin" and lines[-1]["outcome"] == "delivered", lines
    assert "render" in [line.get("step") for line in lines]
    match = requests.post(am.native + "/api/v1/alertmanager/routes/match", json={"labels": {"severity": "critical"}}, timeout=10)
    assert [r["receiver"] for r in match.json()["routes"]] == ["pager"]
    assert requests.get(am.native + "/api/v2/status", timeout=10).json()["cluster"]["status"] == "disabled"


def test_what_the_pages_of_alerts_ask(am, hook):
    """Alerts with who was told and why; messages by alert and by text; a channel tested with an alert of one's own."""
    get = lambda path, **params: requests.get(am.native + path, params=params, timeout=10)  # noqa: E731
    am.fire("Paged", severity="critical", host="h1")

    def mine():
        answer = get("/api/v1/alert-instances", limit=2000).json()
        assert answer["total"] >= len(answer["alerts"]) > 0
        (one,) = [a for a in answer["alerts"] if a["labels"]["alertname"] == "Paged"]
        assert one["notified"], one
        return one

    alert = poll.until("it was told", mine)
    assert (alert["notified"]["outcome"], alert["notified"]["receiver"]) == ("delivered", "pager")
    assert alert["answer"].startswith("Somebody was notified: `pager`"), alert
    by_alert = get("/api/v1/notifications", alert=alert["fingerprint"]).json()["notifications"]
    assert [n["group_key"] for n in by_alert] == ['{}/{severity="critical"}:{alertname="Paged"}']
    assert get("/api/v1/notifications", q="PAGED").json()["notifications"] == by_alert
    assert get("/api/v1/notifications", q="no such words").json()["notifications"] == []
    assert get("/api/v1/notifications", to="now-1h").json()["notifications"] == []
    assert get("/api/v1/notifications", alert="xyz").status_code == 400
    before = len(hook.received)
    mine = {"labels": {"alertname": "Mine", "team": "db"}, "annotations": {"summary": "as it would look"}}
    answer = requests.post(am.native + "/api/v1/channels/team/test?channel=webhook[0]", json=mine, timeout=30)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["alert"] == {"labels": {"alertname": "Mine", "team": "db"}} and lines[-1]["outcome"] == "delivered"
    (message,) = hook.received[before:]
    assert message["groupLabels"] == {"alertname": "Mine"} and message["alerts"][0]["annotations"] == mine["annotations"]
    wrong = requests.post(am.native + "/api/v1/channels/team/test", json={"label": {}}, timeout=10)
    assert wrong.status_code == 400 and "label" in wrong.text


# It finds the alert manager some seconds after its start, and repeats what it sent before only after a minute: hence the `for`.
@needs_prometheus
def test_a_real_prometheus_sends_its_alerts(running, am, hook, tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups: [{name: g, interval: 1s, rules: [{alert: Always, expr: 'vector(1) > 0', for: 8s, labels: {severity: critical},"
        " annotations: {summary: 'value {{ $value }}'}}]}]\n"
    )
    target = urllib.parse.urlparse(am.url).netloc
    config = f"global: {{evaluation_interval: 1s}}\nrule_files: ['{rules}']\n"
    config += f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n"
    with Prometheus(tmp_path / "prometheus", config) as prometheus:
        poll.until("the alert was delivered", lambda: ("Always", "firing") in hook.told(), deadline_s=60)
        (alert,) = am.get("/api/v2/alerts", filter="alertname=Always")
        assert alert["annotations"] == {"summary": "value 1"}
        assert f":{prometheus.port}/graph" in alert["generatorURL"]


def test_a_file_is_read_again_and_a_bad_one_is_not_taken(tmp_path, hook):
    path = write(tmp_path, hook, wait="5s")
    server = Server(tmp_path / "server").start(f"--alertmanager-config={path}")
    try:
        am = Alertmanager(server)
        am.fire("Waiting")
        good = path.read_text()
        path.write_text(good.replace("receiver: team,", "receiver: taem,"))
        answer = requests.post(am.url + "/-/reload", timeout=10)
        assert answer.status_code == 500
        assert 'undefined receiver "taem" used in route; did you mean `team`?' in answer.text
        path.write_text(good.replace("name: team,", "name: crew,").replace("receiver: team,", "receiver: crew,"))
        assert requests.post(am.url + "/-/reload", timeout=10).status_code == 200
        assert am.get("/api/v2/receivers") == [{"name": "crew"}, {"name": "pager"}]
        poll.until("the group went on", lambda: ("Waiting", "firing") in hook.told())
        assert hook.told().count(("Waiting", "firing")) == 1
        shown = requests.get(am.native + "/api/v1/alertmanager/config", timeout=10).json()
        assert shown["origin"] == "file" and shown["valid_in_alertmanager"] is True
    finally:
        server.terminate()


def test_a_section_of_the_servers_own_file_and_maintenance(tmp_path, hook):
    config = tmp_path / "bellrock.yaml"
    section = PLAIN.format(url=hook.url, wait="0s").replace("\n", "\n  ")
    window = "maintenance_windows: [{name: always, matchers: ['env=old'], starts_at: '2020-01-01T00:00:00Z'}]"
    config.write_text(f"alerting:\n  {section}\n  {window}\n")
    server = Server(tmp_path / "server").start(f"--config={config}")
    try:
        am = Alertmanager(server)
        am.fire("Old", env="old")
        am.fire("New", env="new")
        poll.until("the other alert was told", lambda: ("New", "firing") in hook.told())
        assert am.why("Old")["answer"] == "Nobody was notified: the maintenance window always is open."
        assert ("Old", "firing") not in hook.told()
        windows = requests.get(am.native + "/api/v1/maintenance", timeout=10).json()["windows"]
        assert [(w["name"], w["origin"], w["open"]) for w in windows] == [("always", "file", True)]
    finally:
        server.terminate()


def test_the_file_of_the_design_is_taken_verbatim(tmp_path):
    """Its default receiver is a webhook on port 5001; the critical route has a Slack URL that is not filled in."""
    checked = subprocess.run([binary(), "check-config", str(DESIGN)], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stdout
    for expected in (
        "3 receivers with 4 channels, 1 of them disabled",
        "29:9: warning: receivers[1].email_configs[0]: `subject` is not a field of Alertmanager",
        "38:18: warning: receivers[1].slack_configs[0]: api_url is not filled in yet; this channel is disabled",
        "60:5: warning: inhibit_rules[0]: acts only between alerts of one and the same name",
        "valid in Alertmanager: no",
    ):
        assert expected in checked.stdout, f"{expected}\n{checked.stdout}"
    with Hook(5001) as web_hook:
        server = Server(tmp_path / "server").start(f"--alertmanager-config={DESIGN}")
        try:
            am = Alertmanager(server)
            am.fire("HighErrorRate", service="api", severity="page")
            am.fire("HighErrorRate", service="bot", severity="critical")
            server.kill()
            server.start(f"--alertmanager-config={DESIGN}")
            poll.until("the webhook", lambda: web_hook.told(), deadline_s=30)
            assert web_hook.told() == [("HighErrorRate", "firing")]
            assert web_hook.received[0]["groupLabels"] == {"alertname": "HighErrorRate", "service": "api"}
            assert "your-email-password" not in requests.get(am.url + "/api/v2/status", timeout=10).text
            assert "your-email-password" not in server.log()
        finally:
            server.terminate()


def test_killed_at_any_moment_nothing_is_lost_and_the_log_holds(tmp_path, hook):
    """What was acknowledged is told, whenever the process is killed. A message is repeated only when the kill fell between its
    delivery and the log, which is milliseconds; so at most once per kill."""
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    config = write(tmp_path, hook, wait="1s")
    server = Server(tmp_path / "server")
    kills, names = 0, [f"Kill{n}" for n in range(12)]
    try:
        for name in names:
            server.start(f"--alertmanager-config={config}")
            Alertmanager(server).fire(name)
            time_left = time.monotonic() + chance.uniform(0, 1.5)
            poll.until("the moment to kill", lambda: time.monotonic() >= time_left, every_s=0.01)
            server.kill()
            kills += 1
        server.start(f"--alertmanager-config={config}")
        poll.until("all were told", lambda: {n for n, _ in hook.told()} >= set(names), deadline_s=30)
        told = [name for name, _ in hook.told() if name in names]
        assert len(told) <= len(names) + kills, f"seed {seed}: {told}"
        log = requests.get(server.url("api", "/api/v1/notifications"), params={"limit": 1000}, timeout=10).json()
        logged = {n["group_key"] for n in log["notifications"] if n["outcome"] == "delivered"}
        assert logged >= {f'{{}}:{{alertname="{name}"}}' for name in names}, f"seed {seed}"
    finally:
        server.terminate()


def test_from_a_rule_of_the_server_to_a_message_and_why(tmp_path, hook):
    """The whole way: a rule fires, its alert is grouped, silenced by nobody, delivered; every step is on record."""
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups: [{name: g, interval: 1s, rules: [{alert: FromRule, expr: 'vector(7) > 5', for: 1s,"
        " labels: {severity: critical}, annotations: {summary: 'it is {{ $value }}'}}]}]\n"
    )
    config = tmp_path / "bellrock.yaml"
    config.write_text(f"rule_files: ['{rules}']\nalerting_file: {write(tmp_path, hook)}\n")
    server = Server(tmp_path / "server").start(f"--config={config}")
    try:
        am = Alertmanager(server)
        poll.until("the message", lambda: ("FromRule", "firing") in hook.told(), deadline_s=30)
        (message,) = [m for m in hook.received if m["groupLabels"] == {"alertname": "FromRule"}]
        assert message["commonAnnotations"] == {"summary": "it is 7"}

        def recorded():
            kinds = [event["kind"] for event in am.why("FromRule")["timeline"]]
            assert kinds == ["pending", "firing", "received", "grouped", "delivered"], kinds
            return True

        poll.until("every step is recorded", recorded)
        rules.write_text("groups: []\n")
        assert requests.post(server.url("api", "/-/reload"), timeout=10).status_code == 200
    finally:
        server.terminate()


ROUTE = "route: {receiver: a}\n"
RECEIVER = "receivers: [{name: a, webhook_configs: [{url: 'http://x/'}]}]\n"


@needs_amtool
@pytest.mark.parametrize(
    "text",
    [
        ROUTE + RECEIVER,
        RECEIVER,
        "route: {}\n" + RECEIVER,
        "route: {receiver: b}\n" + RECEIVER,
        ROUTE + "receivers: [{name: a}, {name: a}]\n",
        ROUTE + "receivers: [{name: a, webhook_config: []}]\n",
        ROUTE + RECEIVER + "inhibit_rules: [{source_match: {a: b}, target_match_re: {c: 'd|e'}, equal: [f]}]\n",
        ROUTE + RECEIVER + "inhibit_rules: [{source_matchers: ['a=~('], target_matchers: ['c=d']}]\n",
        "route: {receiver: a, group_by: ['...']}\n" + RECEIVER,
        "route: {receiver: a, group_by: ['...', x]}\n" + RECEIVER,
        "route: {receiver: a, group_by: [x, x]}\n" + RECEIVER,
        "route: {receiver: a, group_interval: 0s}\n" + RECEIVER,
        "route: {receiver: a, group_wait: 0s}\n" + RECEIVER,
        "route: {receiver: a, group_wait: 1.5s}\n" + RECEIVER,
        "route: {receiver: a, continue: true}\n" + RECEIVER,
        "route: {receiver: a, matchers: ['a=b']}\n" + RECEIVER,
        "route: {receiver: a, routes: [{matchers: ['a=b', 'c!~\"d.*\"'], continue: true}]}\n" + RECEIVER,
        "route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\n" + RECEIVER,
        "route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\n"
        + RECEIVER
        + "time_intervals: [{name: x, time_intervals: [{weekdays: ['monday:friday'], location: Europe/Berlin}]}]\n",
        ROUTE + RECEIVER + "time_intervals: [{name: x, time_intervals: [{weekdays: [funday]}]}]\n",
        ROUTE + RECEIVER + "time_intervals: [{name: x, time_intervals: [{days_of_month: ['-1:3']}]}]\n",
        ROUTE + RECEIVER + "time_intervals: [{name: x, time_intervals: [{times: [{start_time: '9:00', end_time: '10:00'}]}]}]\n",
        ROUTE + "receivers: [{name: a, slack_configs: [{channel: x}]}]\n",
        ROUTE + "receivers: [{name: a, slack_configs: [{api_url: 'YOUR_URL', channel: x}]}]\n",
        ROUTE + "receivers: [{name: a, email_configs: [{to: x@y, subject: s}]}]\n",
        "global: {smtp_smarthost: 'h:25', smtp_from: a@b}\n" + ROUTE + "receivers: [{name: a, email_configs: [{to: x@y}]}]\n",
        "global: {resolve_timeout: 5x}\n" + ROUTE + RECEIVER,
        "global: {smtp_host: x}\n" + ROUTE + RECEIVER,
        ROUTE + "receivers: [{name: a, wechat_configs: [{to_user: x, api_secret: s, corp_id: c}]}]\n",
        ROUTE + "receivers: [{name: a, pagerduty_configs: [{service_key: x}]}]\n",
        ROUTE + "receivers: [{name: a, pagerduty_configs: [{}]}]\n",
        ROUTE + "receivers: [{name: a, telegram_configs: [{bot_token: x}]}]\n",
        ROUTE + RECEIVER + "unknown: 1\n",
    ],
)
def test_the_verdict_is_that_of_a_real_alertmanager(tmp_path, text):
    path = tmp_path / "alertmanager.yml"
    path.write_text(text)
    theirs = subprocess.run(["amtool", "check-config", str(path)], capture_output=True, text=True, timeout=30)
    ours = subprocess.run([binary(), "check-config", str(path)], capture_output=True, text=True, timeout=30)
    verdict = "yes" if theirs.returncode == 0 else "no"
    assert f"valid in Alertmanager: {verdict}" in ours.stdout, f"{text}\n{theirs.stdout}{theirs.stderr}\n{ours.stdout}"
