"""Rules, receivers, objectives and maintenance from files: read again while the server runs, and exported so that another reads them."""

import json
import subprocess

import requests

from harness.server import Server, binary

RULES = "groups: [{{name: g, rules: [{{alert: A, expr: 'up > {above}', annotations: {{summary: 'x'}}}}]}}]\n"
SLOS = "slos:\n  web: {{objective: {objective}%, window: 30d, indicator: {{up: up}}}}\n"
SERVER = """
rule_files: [rules.yaml]
slo_files: [slos.yaml]
alerting:
  route: {{receiver: {receiver}, group_by: [alertname], routes: [{{matchers: ['env="test"'], receiver: nobody, mute_time_intervals: [night]}}]}}
  receivers: [{{name: {receiver}, webhook_configs: [{{url: 'http://127.0.0.1:9/hook'}}]}}, {{name: nobody}}]
  inhibit_rules: [{{source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [service]}}]
  time_intervals: [{{name: night, time_intervals: [{{times: [{{start_time: '22:00', end_time: '24:00'}}]}}]}}]
  maintenance_windows:
  - name: {window}
    matchers: ['env="old"']
    times: [{{weekdays: ['sunday'], times: [{{start_time: '02:00', end_time: '04:00'}}]}}]
"""


def write(folder, above, objective, receiver, window):
    folder.mkdir(exist_ok=True)
    (folder / "rules.yaml").write_text(RULES.format(above=above))
    (folder / "slos.yaml").write_text(SLOS.format(objective=objective))
    config = folder / "bellrock.yaml"
    config.write_text(SERVER.format(receiver=receiver, window=window))
    return config


def shown(server):
    """What is used of the four."""
    get = lambda path: requests.get(server.url("api", path), timeout=10).json()  # noqa: E731
    groups = {g["name"]: g for g in get("/api/v1/rules")["data"]["groups"]}
    return (
        groups["g"]["rules"][0]["query"],
        [s["objective"] for s in get("/api/v1/slos")["slos"]],
        [r["name"] for r in get("/api/v1/channels")["receivers"]],
        [(w["name"], w["origin"]) for w in get("/api/v1/maintenance")["windows"]],
    )


def routes(server):
    """The tree, without the lines of its file."""
    text = requests.get(server.url("api", "/api/v1/alertmanager/routes"), timeout=10).text
    return json.loads(text, object_hook=lambda o: {k: v for k, v in o.items() if k != "line"})


def test_all_four_are_read_again_and_exported(tmp_path):
    config = write(tmp_path / "one", 1, 99, "first", "nightly")
    server = Server(tmp_path / "server").start(f"--config={config}")
    other = None
    try:
        assert shown(server) == ("up > 1", [0.99], ["first", "nobody"], [("nightly", "file")])
        write(tmp_path / "one", 2, 99.5, "second", "weekly")
        reloaded = requests.post(server.url("api", "/-/reload"), timeout=30)
        assert reloaded.status_code == 200, reloaded.text
        now = ("up > 2", [0.995], ["second", "nobody"], [("weekly", "file")])
        assert shown(server) == now
        write(tmp_path / "one", "(", 100.5, "th ird}", "weekly")
        refused = requests.post(server.url("api", "/-/reload"), timeout=30)
        assert refused.status_code == 500, refused.text
        assert shown(server) == now, "what is wrong changes nothing"

        # Another server, with nothing but what this one exports.
        export = lambda path: requests.get(server.url("api", path), timeout=10)  # noqa: E731
        copy = tmp_path / "two"
        copy.mkdir()
        (copy / "rules.yaml").write_text(export("/api/v1/rules/export?dialect=bellrock").text)
        (copy / "slos.yaml").write_text(export("/api/v1/slos/export").text)
        normalised = export("/api/v1/alertmanager/config").json()["normalised"]
        section = "".join(f"  {line}\n" for line in normalised.splitlines())
        (copy / "bellrock.yaml").write_text(f"rule_files: [rules.yaml]\nslo_files: [slos.yaml]\nalerting:\n{section}")
        checked = subprocess.run([binary(), "check", copy / "bellrock.yaml"], capture_output=True, text=True, timeout=30)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        other = Server(tmp_path / "other").start(f"--config={copy / 'bellrock.yaml'}")
        assert shown(other) == now
        assert routes(other) == routes(server)
    finally:
        server.terminate()
        if other:
            other.terminate()
