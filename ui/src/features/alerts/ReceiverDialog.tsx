// Makes or changes a receiver. Secrets are written and never read back. When the configuration comes from a file, or the
// server does not take parts of it, the same form gives the lines for the file.

import { useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { type AlertmanagerConfig, findingsOf, type Receiver, saveConfig } from "../../api/channels.ts";
import { isObject } from "../../api/decode.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Dialog } from "../../components/Dialog.tsx";
import { Pre } from "../../components/Pre.tsx";
import { ErrorBox } from "../../components/States.tsx";
import styles from "./Alerts.module.css";
import { FindingList } from "./FindingList.tsx";
import {
  type ChannelDraft,
  draftOfReceiver,
  INTEGRATIONS,
  missing,
  type ReceiverDraft,
  receiverObject,
  SECRET,
  withReceiver,
} from "./receiver-form.ts";
import { yamlOf } from "./yaml.ts";

export interface ReceiverDialogProps {
  config: AlertmanagerConfig | null;
  /** The one that is changed. */
  receiver: Receiver | null;
  onClose: () => void;
}

const EMPTY: ChannelDraft = { integration: "webhook", values: {}, sendResolved: true, rest: {} };

function draftFrom(config: AlertmanagerConfig | null, receiver: Receiver | null): ReceiverDraft {
  if (!receiver) return { name: "", channels: [EMPTY], route: "" };
  const all = config?.document?.receivers;
  const found = Array.isArray(all) ? all.find((each) => isObject(each) && each.name === receiver.name) : null;
  if (isObject(found)) return draftOfReceiver(found);
  // Without the document the settings that are shown serve: they name no secret.
  return draftOfReceiver({
    name: receiver.name,
    ...Object.fromEntries(
      INTEGRATIONS.map((integration) => [
        integration.key,
        receiver.channels
          .filter((channel) => channel.integration === integration.id)
          .map((channel) => channel.settings),
      ]),
    ),
  });
}

/** What a changed receiver is put into; null when the configuration cannot be changed here. */
function writableDocument(config: AlertmanagerConfig, draft: ReceiverDraft): Record<string, unknown> | null {
  if (config.origin === "file") return null;
  if (config.document) return config.document;
  if (config.origin !== "default") return null;
  // Nothing is configured yet, so there is no secret that could be lost.
  return draft.route.trim() === "" ? {} : { route: { receiver: "nobody" }, receivers: [{ name: "nobody" }] };
}

export function ReceiverDialog({ config, receiver, onClose }: ReceiverDialogProps) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftFrom(config, receiver));
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const document = config ? writableDocument(config, draft) : null;
  const writable = document !== null;
  const problem = missing(draft);
  const setChannel = (at: number, change: Partial<ChannelDraft>) =>
    setDraft({
      ...draft,
      channels: draft.channels.map((each, index) => (index === at ? { ...each, ...change } : each)),
    });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (document === null || problem !== null) return;
    setBusy(true);
    setError(null);
    try {
      await saveConfig(JSON.stringify(withReceiver(document, draft, receiver?.name ?? null)));
      for (const key of [["receivers"], ["alertmanager-config"], ["routes"]])
        void client.invalidateQueries({ queryKey: key });
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
      setBusy(false);
    }
  };
  const snippet = yamlOf({ receivers: [receiverObject(draft)] });
  return (
    <Dialog
      title={receiver ? `Receiver ${receiver.name}` : "New receiver"}
      wide
      onClose={onClose}
      footer={
        <>
          <span className={`${styles.hint} grow`}>{problem ?? ""}</span>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          {writable && (
            <button type="submit" form="receiver" className="button primary" disabled={problem !== null || busy}>
              Save
            </button>
          )}
        </>
      }
    >
      <form id="receiver" className={styles.form} onSubmit={(event) => void submit(event)}>
        <label className={styles.field}>
          Name
          <input
            className="input"
            value={draft.name}
            data-first-focus
            placeholder="on-call"
            onChange={(event) => setDraft({ ...draft, name: event.target.value })}
          />
        </label>
        {draft.channels.map((channel, at) => (
          <ChannelForm
            key={at}
            channel={channel}
            number={at + 1}
            onChange={(change) => setChannel(at, change)}
            onRemove={() => setDraft({ ...draft, channels: draft.channels.filter((_, index) => index !== at) })}
          />
        ))}
        <button
          type="button"
          className="button quiet small"
          onClick={() => setDraft({ ...draft, channels: [...draft.channels, EMPTY] })}
        >
          <Plus size={14} aria-hidden /> Channel
        </button>
        {!receiver && (
          <label className={styles.field}>
            {config?.origin === "default"
              ? "Alerts that go there (empty: all of them)"
              : "Alerts that go there (a route is added; without one nobody is told through it)"}
            <input
              className="input mono"
              value={draft.route}
              placeholder='severity="critical", team="chat"'
              onChange={(event) => setDraft({ ...draft, route: event.target.value })}
            />
          </label>
        )}
        {error && <ErrorBox error={error} />}
        {findingsOf(error).length > 0 && <FindingList findings={findingsOf(error)} />}
        {!writable && (
          <section className={styles.form} aria-label="For the file">
            <p className={styles.hint}>
              {config?.origin === "file" ? (
                <>
                  The configuration comes from <code>{config.path}</code>. Put these lines into it and reload:
                </>
              ) : (
                "This server takes the configuration only as a whole. Put these lines into alertmanager.yml and import it:"
              )}
            </p>
            <Pre className={styles.pre}>{snippet}</Pre>
            <CopyButton text={snippet} label="Copy" withText />
          </section>
        )}
      </form>
    </Dialog>
  );
}

interface ChannelFormProps {
  channel: ChannelDraft;
  number: number;
  onChange: (change: Partial<ChannelDraft>) => void;
  onRemove: () => void;
}

function ChannelForm({ channel, number, onChange, onRemove }: ChannelFormProps) {
  const integration = INTEGRATIONS.find((each) => each.id === channel.integration);
  const [stored] = useState(
    () => new Set(Object.entries(channel.values).flatMap(([name, value]) => (value === SECRET ? [name] : []))),
  );
  return (
    <fieldset className={styles.channelForm}>
      <legend>Channel {number}</legend>
      <div className={styles.inline}>
        <label className={styles.inline}>
          Kind
          <select
            className="input"
            aria-label={`Kind of channel ${number}`}
            value={channel.integration}
            onChange={(event) => onChange({ integration: event.target.value, values: {}, rest: {} })}
          >
            {INTEGRATIONS.map((each) => (
              <option key={each.id} value={each.id}>
                {each.title}
              </option>
            ))}
          </select>
        </label>
        <label className={styles.inline}>
          <input
            type="checkbox"
            checked={channel.sendResolved}
            onChange={(event) => onChange({ sendResolved: event.target.checked })}
          />
          also tell the end
        </label>
        <span className="grow" />
        <button type="button" className="button quiet icon" aria-label={`Remove channel ${number}`} onClick={onRemove}>
          <X size={14} aria-hidden />
        </button>
      </div>
      <div className={styles.fields}>
        {integration?.fields.map((field) => {
          const value = channel.values[field.name] ?? "";
          const kept = field.secret === true && stored.has(field.name);
          return (
            <label key={field.name} className={styles.field}>
              {field.title}
              <input
                className="input"
                type={field.secret ? "password" : "text"}
                autoComplete="off"
                value={value === SECRET ? "" : value}
                placeholder={kept ? "stored; type to replace it" : field.placeholder}
                onChange={(event) =>
                  onChange({
                    values: { ...channel.values, [field.name]: event.target.value || (kept ? SECRET : "") },
                  })
                }
              />
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
