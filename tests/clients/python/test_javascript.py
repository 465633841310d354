"""The OpenTelemetry JavaScript SDK, in Node (JSON and protobuf) and in a browser page of another origin."""

import pytest

import story


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_a_story_from_node_reads_back(server, api, service, form):
    story.check(api, service, story.run("node-sdk.mjs", form, server.url("otlp_http"), service))


def test_a_story_from_a_page_of_another_origin_reads_back(server, api, service):
    story.needs_chromium()
    sent = story.run("browser.mjs", server.url("otlp_http"), service)
    assert sent["preflights"], "the browser asked for permission first"
    story.check(api, service, sent)
