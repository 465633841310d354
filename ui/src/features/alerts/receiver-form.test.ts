import { expect, test } from "vitest";
import { draftOfReceiver, missing, type ReceiverDraft, receiverObject, withReceiver } from "./receiver-form.ts";

const slack: ReceiverDraft = {
  name: "chat",
  channels: [
    {
      integration: "slack",
      values: { api_url: "<secret>", channel: "#a", title: "" },
      sendResolved: true,
      rest: { icon_emoji: ":x:" },
    },
  ],
  route: 'severity="critical"',
};

test("a receiver as it stands in the file, and back", () => {
  const made = receiverObject(slack);
  expect(made).toEqual({
    name: "chat",
    slack_configs: [{ icon_emoji: ":x:", api_url: "<secret>", channel: "#a", send_resolved: true }],
  });
  const back = draftOfReceiver(made);
  expect(back.channels[0]?.rest).toEqual({ icon_emoji: ":x:" });
  expect(back.channels[0]?.values.api_url).toBe("<secret>");
  expect(missing(back)).toBeNull();
});

test("what is missing", () => {
  expect(missing({ ...slack, name: " " })).toContain("name");
  expect(missing({ ...slack, channels: [] })).toContain("channel");
  const empty = { integration: "webhook", values: {}, sendResolved: false, rest: {} };
  expect(missing({ ...slack, channels: [empty] })).toBe("Webhook: Address is missing.");
});

test("put into the configuration, with its route, and renamed everywhere", () => {
  const document = { route: { receiver: "old", routes: [{ receiver: "old" }] }, receivers: [{ name: "old" }] };
  expect(withReceiver(document, slack, "old")).toEqual({
    route: {
      receiver: "chat",
      routes: [{ receiver: "chat" }, { receiver: "chat", matchers: ['severity="critical"'] }],
    },
    receivers: [receiverObject(slack)],
  });
  expect((withReceiver(document, { ...slack, route: "" }, null).receivers as unknown[]).length).toBe(2);
});
