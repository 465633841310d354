// The proof of what keeps an alert quiet: the silence with its author and comment, or the alert that stands for it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellOff, ShieldOff } from "lucide-react";
import type { ManagedAlert } from "../../api/alerts.ts";
import { fetchConfig } from "../../api/channels.ts";
import { fetchSilences, matcherText } from "../../api/silences.ts";
import { formatInstant } from "../../lib/time/format.ts";
import { useTime } from "../../lib/view.ts";
import styles from "./Alerts.module.css";
import { useManaged } from "./useTriage.ts";

export function QuietProof({ alert }: { alert: ManagedAlert }) {
  if (alert.silenced_by.length + alert.inhibited_by.length + alert.muted_by.length === 0) return null;
  return (
    <ul className={`prose ${styles.proof}`}>
      {alert.silenced_by.map((id) => (
        <SilencedBy key={id} id={id} />
      ))}
      {alert.inhibited_by.map((fingerprint) => (
        <InhibitedBy key={fingerprint} alert={alert} fingerprint={fingerprint} />
      ))}
      {alert.muted_by.map((name) => (
        <li key={name}>
          <BellOff size={14} aria-hidden /> Muted by the time interval or maintenance window <strong>{name}</strong>
        </li>
      ))}
    </ul>
  );
}

function SilencedBy({ id }: { id: string }) {
  const { zone } = useTime();
  const silences = useQuery({ queryKey: ["silences"], queryFn: ({ signal }) => fetchSilences(signal) });
  const silence = silences.data?.find((each) => each.id === id);
  return (
    <li>
      <BellOff size={14} aria-hidden />
      <span>
        Silenced by{" "}
        <Link to="/alerts/silences" search={{ q: id }}>
          {silence ? silence.createdBy || "somebody" : id}
        </Link>
        {silence && (
          <>
            {silence.comment && `: ${silence.comment}`}, until {formatInstant(Date.parse(silence.endsAt), zone, false)},
            because <code>{silence.matchers.map(matcherText).join(", ")}</code>
          </>
        )}
      </span>
    </li>
  );
}

function InhibitedBy({ alert, fingerprint }: { alert: ManagedAlert; fingerprint: string }) {
  const managed = useManaged();
  const config = useQuery({ queryKey: ["alertmanager-config"], queryFn: ({ signal }) => fetchConfig(signal) });
  const source = managed.data?.alerts.find((each) => each.fingerprint === fingerprint);
  const rule = config.data ? inhibitRule(config.data.document) : null;
  const same = source
    ? Object.entries(alert.labels).filter(([name, value]) => name !== "alertname" && source.labels[name] === value)
    : [];
  const differs = source && source.labels.severity !== alert.labels.severity ? source.labels.severity : undefined;
  return (
    <li>
      <ShieldOff size={14} aria-hidden />
      <span>
        Inhibited by{" "}
        <Link to="/alerts/instances/$fp" params={{ fp: fingerprint }}>
          {source?.labels.alertname ?? fingerprint}
        </Link>
        {source && (
          <>
            {" "}
            because{" "}
            {differs ? (
              <>
                its severity is <strong>{differs}</strong> and{" "}
              </>
            ) : null}
            {same.length > 0 ? (
              <code>{same.map(([name, value]) => `${name}="${value}"`).join(", ")}</code>
            ) : (
              "an inhibit rule says so"
            )}
            {same.length > 0 && " is the same on both"}
          </>
        )}
        {rule && <span className="faint"> (rule: {rule})</span>}
      </span>
    </li>
  );
}

/** The only inhibit rule in words; with several it is not known which one acted. */
function inhibitRule(document: Record<string, unknown> | null): string | null {
  const rules = document?.inhibit_rules;
  if (!Array.isArray(rules) || rules.length !== 1) return null;
  const { equal } = rules[0] as { equal?: unknown };
  return Array.isArray(equal) ? `equal ${equal.join(", ")}` : null;
}
