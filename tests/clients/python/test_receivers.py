"""Receivers that are slow or fail, on real sockets: nobody else waits for them, all of it can be seen, and what they missed they
hear once. And secrets: whatever is asked and however it fails, no answer and no line of the log has one."""

import json
import shutil
import subprocess
import time

import pytest
import requests

from harness import poll, sinks
from harness.server import Server, binary

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed; `apt-get install openssl` brings it")

GROUP = "route: {{receiver: team, group_by: [alertname], group_wait: 0s, group_interval: {interval}, repeat_interval: 4h}}\n"


def configuration(folder, urls, interval="2s"):
    path = folder / "alertmanager.yml"
    hooks = "".join(f"  - {{url: '{url}'}}\n" for url in urls)
    path.write_text(GROUP.format(interval=interval) + f"receivers:\n- name: team\n  webhook_configs:\n{hooks}")
    return path


class Team:
    """The receiver `team`, seen from outside."""

    def __init__(self, server):
        self.am, self.api = server.url("alertmanager"), server.url("api")

    def post(self, name, i, ended=False):
        alert = {"labels": {"alertname": name, "i": i}}
        if ended:
            alert["endsAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        answer = requests.post(self.am + "/api/v2/alerts", json=[alert], timeout=10)
        assert answer.status_code == 200, answer.text

    def notifications(self, **params):
        return requests.get(self.api + "/api/v1/notifications", params={"limit": 1000, **params}, timeout=10).json()

    def condition(self, channel):
        (team,) = requests.get(self.api + "/api/v1/channels", timeout=10).json()["receivers"]
        name = channel if isinstance(channel, str) else f"webhook[{channel}]"
        return next(c["condition"] for c in team["channels"] if c["name"] == name)

    def fails(self, channel, *words):
        """The channel is shown as failing, with all the words."""

        def check():
            shown = self.condition(channel)
            assert shown["state"] == "failing" and shown["failing_since_ms"], shown
            assert all(word in shown["last_failure"]["reason"] for word in words), shown
            return shown

        return poll.until(f"{channel} is shown as failing: {words}", check, deadline_s=40)


@needs_openssl
def test_who_is_slow_or_fails_delays_nobody_and_hears_what_it_missed_once(tmp_path):
    well, silent, storm, limits, tls = (
        sinks.healthy(), sinks.silent(), sinks.storming(), sinks.limiting(3), sinks.self_signed(tmp_path)
    )  # fmt: skip
    mail = sinks.Mute()
    refused = f"http://127.0.0.1:{sinks.nobody_listens()}/hook"
    urls = [well.url, silent.url, storm.url, limits.url, "http://no-such-host.invalid/hook", tls.url, refused]
    path = configuration(tmp_path, urls)
    with path.open("a") as file:
        file.write(f"  email_configs:\n  - {{to: b@example.org, from: a@example.org, smarthost: '127.0.0.1:{mail.port}', require_tls: false}}\n")
    server = Server(tmp_path / "server").start(f"--alertmanager-config={path}")
    with sinks.closing(well, silent, storm, limits, tls, mail):
        team = Team(server)
        begun = time.monotonic()
        team.post("Down", "1")
        poll.until("the healthy one was told", lambda: well.told() == [("firing", ["1"])], deadline_s=5)
        poll.until("the silent one was asked", lambda: silent.asked_at)
        team.post("Down", "2")
        poll.until("it hears what is new", lambda: well.told()[1:] == [("firing", ["1", "2"])], deadline_s=7)
        assert time.monotonic() - begun < 9, "attempts at the others go on for ten seconds"
        assert silent.received == storm.received == []

        # While a message is on its way: where it is, how often it was tried and why it did not work.
        moving = {m["channel"]: m for m in team.notifications()["on_the_way"]}
        assert "webhook[1]" in moving and "webhook[0]" not in moving, moving
        assert moving["webhook[2]"]["attempt_count"] >= 1
        assert moving["webhook[2]"]["last_failure"]["code"] == 500, moving["webhook[2]"]

        # 429 with Retry-After: asked once, left alone for three seconds, then told.
        poll.until("the limited one was told", lambda: limits.received)
        assert limits.asked_at[1] - limits.asked_at[0] >= 3
        assert team.condition(3)["state"] == "delivering" and "429" in team.condition(3)["last_failure"]["reason"]

        # Each failure has its reason.
        team.fails(1, "no answer")
        team.fails(2, "500")
        team.fails(4, "no-such-host.invalid")
        team.fails(5, "certificate")
        team.fails(6, "refused")
        team.fails("email[0]")
        assert mail.held, "the mail server was asked"
        failed = poll.until(
            "all of them were given up once",
            lambda: (f := team.notifications(outcome="failed")["notifications"])
            and {n["channel"] for n in f} >= {f"webhook[{n}]" for n in (1, 2, 4, 5, 6)}
            and f,
            deadline_s=40,
        )
        storms = next(n for n in failed if n["channel"] == "webhook[2]")
        assert storms["attempt_count"] > 2, "attempts with growing pauses, not one per flush"
        assert storms["attempts"][0]["steps"][-1]["body"] == "out of order"
        steps = {n["channel"]: n["attempts"][-1]["steps"][-1]["step"] for n in failed if n["attempts"]}
        assert (steps["webhook[4]"], steps["webhook[5]"], steps["webhook[6]"]) == ("resolve", "tls", "connect"), steps

        # Well again: what was missed comes as one message, with what holds now.
        silent.heal()
        storm.heal()
        for sink in (silent, storm):
            poll.until("it hears what it missed", lambda: sink.received, deadline_s=40)
            assert sink.told() == [("firing", ["1", "2"])]
        for n in (1, 2):
            poll.until("it is shown as well", lambda: team.condition(n)["state"] == "delivering")
        team.post("Down", "1", ended=True)
        team.post("Down", "2", ended=True)
        for sink in (well, silent, storm, limits):
            poll.until("the end is told", lambda: sink.told()[-1:] == [("resolved", [])], deadline_s=20)
        told = {sink.port: len(sink.received) for sink in (well, silent, storm, limits)}
        team.post("Later", "1")
        poll.until("groups went on", lambda: well.told()[-1] == ("firing", ["1"]), deadline_s=10)
        ends = [sum(status == "resolved" for status, _ in sink.told()) for sink in (well, silent, storm, limits)]
        assert ends == [1, 1, 1, 1], (ends, told)
        (alert,) = requests.get(team.am + "/api/v2/alerts", params={"filter": "alertname=Later"}, timeout=10).json()
        why = requests.get(f"{team.api}/api/v1/alerts/{alert['fingerprint']}/why", timeout=10).json()
        assert why["notified"], why["answer"]
    server.terminate()
    assert "panicked at" not in server.log(), server.log()[-4000:]


def test_many_groups_to_a_silent_receiver_take_few_connections(tmp_path):
    """Three hundred groups, and a channel that never answers: the other channel has all of them at once, and the silent one
    holds 32 connections."""
    well, silent = sinks.healthy(), sinks.silent()
    path = configuration(tmp_path, [well.url, silent.url], interval="20s")
    path.write_text(path.read_text().replace("group_by: [alertname]", "group_by: [i]"))
    server = Server(tmp_path / "server").start(f"--alertmanager-config={path}")
    with sinks.closing(well, silent):
        alerts = [{"labels": {"alertname": "Many", "i": str(n)}} for n in range(300)]
        assert requests.post(server.url("alertmanager", "/api/v2/alerts"), json=alerts, timeout=10).status_code == 200
        poll.until("all groups were told", lambda: len(well.received) == 300, deadline_s=15)
        # The sink counts in threads of its own, which may come to it later.
        poll.until("the silent one is asked", lambda: len(silent.asked_at) >= 32, deadline_s=15)
        assert len(Team(server).notifications()["on_the_way"]) == 300
        assert len(silent.asked_at) == 32
    server.kill()


SECRETS = {
    "smtp": "s3cr3t-smtp-password",
    "slack_hook": "s3cr3tSlackHook",
    "slack_token": "xoxb-s3cr3t-slack-token",
    "telegram": "424242:s3cr3t-telegram-token",
    "userinfo": "s3cr3t-userinfo",
    "path": "s3cr3t-path-of-a-hook",
    "query": "s3cr3t-query-of-a-hook",
    "basic": "s3cr3t-basic-password",
    "bearer": "s3cr3t-bearer-token",
    "pagerduty": "s3cr3t0pagerduty0routing0key0000",
    "opsgenie": "s3cr3t-opsgenie-key",
    "teams": "s3cr3t-teams-hook",
    "teams2": "s3cr3t-teams-workflow",
    "discord": "s3cr3t-discord-hook",
    "mattermost": "s3cr3t-mattermost-hook",
    "googlechat": "s3cr3t-googlechat-key",
    "oauth": "s3cr3t-oauth-client",
}


def secret_channels(host):
    s = SECRETS
    return f"""
global:
  smtp_smarthost: '{host}'
  smtp_from: a@example.org
  smtp_auth_username: someone
  smtp_auth_password: {s["smtp"]}
  smtp_require_tls: false
  opsgenie_api_key: {s["opsgenie"]}
  opsgenie_api_url: http://{host}/
  telegram_api_url: http://{host}
route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
- name: all
  webhook_configs:
  - url: http://user:{s["userinfo"]}@{host}/{s["path"]}?key={s["query"]}
  - url: http://{host}/basic
    http_config: {{basic_auth: {{username: me, password: {s["basic"]}}}}}
  - url: http://{host}/bearer
    http_config: {{authorization: {{credentials: {s["bearer"]}}}}}
  - url: http://{host}/oauth
    http_config: {{oauth2: {{client_id: me, client_secret: {s["oauth"]}, token_url: 'http://{host}/token'}}}}
  slack_configs:
  - api_url: http://{host}/services/{s["slack_hook"]}
    channel: '#a'
  - app_token: {s["slack_token"]}
    app_url: http://{host}/api/chat.postMessage
    channel: '#b'
  telegram_configs:
  - bot_token: {s["telegram"]}
    chat_id: 1
  pagerduty_configs:
  - routing_key: {s["pagerduty"]}
    url: http://{host}/v2/enqueue
  opsgenie_configs:
  - responders: [{{name: x, type: team}}]
  msteams_configs:
  - webhook_url: http://{host}/{s["teams"]}
  msteamsv2_configs:
  - webhook_url: http://{host}/{s["teams2"]}
  discord_configs:
  - webhook_url: http://{host}/{s["discord"]}
  mattermost_configs:
  - webhook_url: http://{host}/{s["mattermost"]}
  googlechat_configs:
  - url: http://{host}/v1/spaces/x?key={s["googlechat"]}
  email_configs:
  - to: b@example.org
"""


def leaks(text):
    return {name for name, secret in SECRETS.items() if secret in text}


def every_answer(server, fingerprint):
    """The answers to a GET of everything that the description of the API names, and of the page around them."""
    description = requests.get(server.url("api", "/api/openapi.json"), timeout=10).json()
    values = {"id": fingerprint, "name": "all", "fingerprint": fingerprint}
    for path, methods in description["paths"].items():
        if "get" not in methods or "tail" in path:
            continue
        for part in [p for p in path.split("/") if p.startswith("{")]:
            path = path.replace(part, values.get(part.strip("{}"), "x"))
        for face in ("api", "alertmanager", "ui"):
            yield path, requests.get(server.url(face, path), timeout=30).text
    for face, path in (("metrics", "/metrics"), ("alertmanager", "/metrics"), ("health", "/status"), ("api", "/nothing")):
        yield path, requests.get(server.url(face, path), timeout=10).text


@pytest.mark.parametrize("failure", ["refuses", "echoes"])
def test_no_answer_no_error_and_no_line_of_the_log_has_a_secret(tmp_path, failure):
    """The other side refuses connections, or refuses the request and sends all of it back, as some do."""
    echo = sinks.Sink(None)
    echo.answer = lambda n: (400, {"body": repr(echo.requests[n - 1]).encode()})
    port = echo.port if failure == "echoes" else sinks.nobody_listens()
    path = tmp_path / "alertmanager.yml"
    path.write_text(secret_channels(f"127.0.0.1:{port}"))
    server = Server(tmp_path / "server").start(f"--alertmanager-config={path}", "--log=debug")
    with sinks.closing(echo):
        am = server.url("alertmanager")
        requests.post(am + "/api/v2/alerts", json=[{"labels": {"alertname": "Secret"}}], timeout=10)
        channels = requests.get(server.url("api", "/api/v1/channels"), timeout=10).json()["receivers"][0]["channels"]
        assert len(channels) == 15 and all(c["enabled"] for c in channels), channels
        failed = lambda: requests.get(  # noqa: E731
            server.url("api", "/api/v1/notifications"), params={"outcome": "failed", "limit": 1000}, timeout=10
        ).json()["notifications"]
        poll.until(
            "every channel failed", lambda: {n["channel"] for n in failed()} >= {c["name"] for c in channels}, deadline_s=60
        )
        if failure == "echoes":
            assert echo.requests, "the secrets are sent"
            sent = " ".join(repr(r) for r in echo.requests)
            assert len(leaks(sent)) > 9, leaks(sent)
        fingerprint = requests.get(am + "/api/v2/alerts", timeout=10).json()[0]["fingerprint"]
        found = {}
        for what, text in every_answer(server, fingerprint):
            if leaks(text):
                found[what] = leaks(text)
        tested = requests.post(server.url("api", "/api/v1/channels/all/test"), timeout=60).text
        assert tested.count('"outcome"') == 15, tested
        found |= {"test of the channels": leaks(tested)} if leaks(tested) else {}
        broken = path.read_text().replace("group_wait: 0s", "group_wait: soon").replace("chat_id: 1", "chat_id: x")
        for what, answer in (
            ("check", requests.post(server.url("api", "/api/v1/alertmanager/config/check"), data=broken, timeout=10)),
            ("set", requests.post(server.url("api", "/api/v1/alertmanager/config"), data=broken, timeout=10)),
        ):
            if leaks(answer.text):
                found[what] = leaks(answer.text)
        path.write_text(broken)
        reloaded = requests.post(am + "/-/reload", timeout=10)
        assert reloaded.status_code == 500
        for command in (["check-config", path], ["check", path]):
            done = subprocess.run([binary(), *map(str, command)], capture_output=True, text=True, timeout=30)
            if leaks(done.stdout + done.stderr):
                found[command[0]] = leaks(done.stdout + done.stderr)
        found |= {"reload": leaks(reloaded.text)} if leaks(reloaded.text) else {}
        server.terminate()
        found |= {"log": leaks(server.log())} if leaks(server.log()) else {}
        assert found == {}, json.dumps({k: sorted(v) for k, v in found.items()}, indent=1)
