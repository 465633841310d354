// Receivers as they are written in alertmanager.yml: the settings that a form shows, and how a changed receiver and its
// route are put into the configuration.

export interface FormField {
  name: string;
  title: string;
  placeholder?: string;
  /** Never shown; left alone when it is not typed anew. */
  secret?: boolean;
  required?: boolean;
}

export interface Integration {
  /** As the server names it. */
  id: string;
  /** As in the file: `slack_configs`. */
  key: string;
  title: string;
  fields: readonly FormField[];
}

export const INTEGRATIONS: readonly Integration[] = [
  {
    id: "email",
    key: "email_configs",
    title: "Email",
    fields: [
      { name: "to", title: "To", placeholder: "team@example.org", required: true },
      { name: "from", title: "From", placeholder: "alerts@example.org" },
      { name: "smarthost", title: "SMTP server", placeholder: "smtp.example.org:587" },
      { name: "auth_username", title: "User" },
      { name: "auth_password", title: "Password", secret: true },
    ],
  },
  {
    id: "slack",
    key: "slack_configs",
    title: "Slack",
    fields: [
      {
        name: "api_url",
        title: "Webhook address",
        placeholder: "https://hooks.slack.com/services/..",
        secret: true,
        required: true,
      },
      { name: "channel", title: "Channel", placeholder: "#alerts" },
      { name: "title", title: "Title" },
      { name: "text", title: "Text" },
    ],
  },
  {
    id: "webhook",
    key: "webhook_configs",
    title: "Webhook",
    fields: [
      { name: "url", title: "Address", placeholder: "https://example.org/alerts", secret: true, required: true },
    ],
  },
  {
    id: "telegram",
    key: "telegram_configs",
    title: "Telegram",
    fields: [
      { name: "bot_token", title: "Token of the bot", secret: true, required: true },
      { name: "chat_id", title: "Chat", placeholder: "-1001234567890", required: true },
    ],
  },
  {
    id: "pagerduty",
    key: "pagerduty_configs",
    title: "PagerDuty",
    fields: [{ name: "routing_key", title: "Integration key", secret: true, required: true }],
  },
  {
    id: "opsgenie",
    key: "opsgenie_configs",
    title: "Opsgenie",
    fields: [{ name: "api_key", title: "API key", secret: true, required: true }],
  },
  {
    id: "msteams",
    key: "msteams_configs",
    title: "Microsoft Teams",
    fields: [{ name: "webhook_url", title: "Webhook address", secret: true, required: true }],
  },
  {
    id: "discord",
    key: "discord_configs",
    title: "Discord",
    fields: [{ name: "webhook_url", title: "Webhook address", secret: true, required: true }],
  },
  {
    id: "mattermost",
    key: "mattermost_configs",
    title: "Mattermost",
    fields: [{ name: "webhook_url", title: "Webhook address", secret: true, required: true }],
  },
  {
    id: "googlechat",
    key: "googlechat_configs",
    title: "Google Chat",
    fields: [{ name: "webhook_url", title: "Webhook address", secret: true, required: true }],
  },
];

export const SECRET = "<secret>";

export interface ChannelDraft {
  integration: string;
  values: Record<string, string>;
  sendResolved: boolean;
  /** Settings that the form does not show; they stay. */
  rest: Record<string, unknown>;
}

export interface ReceiverDraft {
  name: string;
  channels: ChannelDraft[];
  /** Matchers of a route that is added for it; none is added when empty. */
  route: string;
}

/** What is missing, in words; null when the form can be saved. */
export function missing(draft: ReceiverDraft): string | null {
  if (draft.name.trim() === "") return "Give it a name.";
  if (draft.channels.length === 0) return "Add a channel.";
  for (const channel of draft.channels) {
    const integration = INTEGRATIONS.find((each) => each.id === channel.integration);
    const field = integration?.fields.find((each) => each.required && !channel.values[each.name]?.trim());
    if (integration && field) return `${integration.title}: ${field.title} is missing.`;
  }
  return null;
}

/** The receiver as it stands in the file. */
export function receiverObject(draft: ReceiverDraft): Record<string, unknown> {
  const out: Record<string, unknown> = { name: draft.name.trim() };
  for (const channel of draft.channels) {
    const integration = INTEGRATIONS.find((each) => each.id === channel.integration);
    if (!integration) continue;
    const values = Object.fromEntries(
      Object.entries(channel.values)
        .filter(([, value]) => value.trim() !== "")
        .map(([name, value]) => [name, name === "chat_id" && /^-?\d+$/.test(value) ? Number(value) : value.trim()]),
    );
    const list = (out[integration.key] as unknown[] | undefined) ?? [];
    out[integration.key] = [...list, { ...channel.rest, ...values, send_resolved: channel.sendResolved }];
  }
  return out;
}

/** The receiver of the configuration as a form; secrets are `<secret>`. */
export function draftOfReceiver(object: Record<string, unknown>): ReceiverDraft {
  const channels = INTEGRATIONS.flatMap((integration) => {
    const list = object[integration.key];
    if (!Array.isArray(list)) return [];
    return list.map((entry: Record<string, unknown>): ChannelDraft => {
      const names = integration.fields.map((field) => field.name);
      const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
      return {
        integration: integration.id,
        values: Object.fromEntries(names.map((name) => [name, text(entry[name])])),
        sendResolved: entry.send_resolved === true,
        rest: Object.fromEntries(
          Object.entries(entry).filter(
            ([name, value]) => !names.includes(name) && name !== "send_resolved" && value !== null,
          ),
        ),
      };
    });
  });
  return { name: String(object.name ?? ""), channels, route: "" };
}

/** The configuration with the receiver in its place, and a route to it when one is wanted. */
export function withReceiver(
  document: Record<string, unknown>,
  draft: ReceiverDraft,
  replaced: string | null,
): Record<string, unknown> {
  const receivers = Array.isArray(document.receivers) ? (document.receivers as Record<string, unknown>[]) : [];
  const made = receiverObject(draft);
  const at = replaced === null ? -1 : receivers.findIndex((each) => each.name === replaced);
  const next = at < 0 ? [...receivers, made] : receivers.with(at, made);
  const route = (document.route ?? { receiver: draft.name.trim() }) as Record<string, unknown>;
  const routes = Array.isArray(route.routes) ? (route.routes as unknown[]) : [];
  const matchers = draft.route
    .split(",")
    .map((text) => text.trim())
    .filter(Boolean);
  const added = matchers.length > 0 ? [...routes, { receiver: draft.name.trim(), matchers }] : routes;
  const whole = { ...route, ...(added.length > 0 ? { routes: added } : {}) };
  const renamed =
    replaced !== null && replaced !== draft.name.trim() ? renameIn(whole, replaced, draft.name.trim()) : whole;
  return { ...document, receivers: next, route: renamed };
}

function renameIn(route: Record<string, unknown>, from: string, to: string): Record<string, unknown> {
  const below = Array.isArray(route.routes)
    ? (route.routes as Record<string, unknown>[]).map((each) => renameIn(each, from, to))
    : null;
  return { ...route, ...(route.receiver === from ? { receiver: to } : {}), ...(below ? { routes: below } : {}) };
}
