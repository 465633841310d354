// One log record with everything that was sent.

import { Link } from "@tanstack/react-router";
import { GitFork, UnfoldVertical } from "lucide-react";
import { useState } from "react";
import type { LogRecord } from "../../api/logs.ts";
import { plainValue } from "../../api/otlp.ts";
import { Attributes } from "../../components/Attributes.tsx";
import { CopyButton } from "../../components/CopyButton.tsx";
import { JsonView } from "../../components/JsonView.tsx";
import { LevelTag } from "../../components/LevelTag.tsx";
import { PeekPanel } from "../../components/PeekPanel.tsx";
import { Pre } from "../../components/Pre.tsx";
import { ServiceName } from "../../components/ServiceName.tsx";
import { ErrorBox, Skeleton } from "../../components/States.tsx";
import { Tabs } from "../../components/Tabs.tsx";
import { aroundSearch } from "../../lib/around.ts";
import { formatNanos } from "../../lib/time/format.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import { offsetLabel, type Zone } from "../../lib/time/zone.ts";
import styles from "./LogPeek.module.css";

export interface LogPeekProps {
  /** Null while it is loading. */
  record: LogRecord | null;
  error: Error | null;
  zone: Zone;
  onClose: () => void;
  onFilter: (key: string, value: string, exclude: boolean) => void;
  onContext?: () => void;
}

export function LogPeek(props: LogPeekProps) {
  const { record, error, onClose } = props;
  if (record) return <Loaded {...props} record={record} />;
  return (
    <PeekPanel label="Log record" onClose={onClose} title="Log record">
      {error ? <ErrorBox error={error} /> : <Skeleton rows={8} />}
    </PeekPanel>
  );
}

function Loaded({ record, zone, onClose, onFilter, onContext }: LogPeekProps & { record: LogRecord }) {
  const [tab, setTab] = useState<"overview" | "json">("overview");
  const nanos = parseNanos(record.time_unix_nano === "0" ? record.observed_time_unix_nano : record.time_unix_nano);
  const plain = plainValue(record.body);
  const body = typeof plain === "string" ? pretty(plain) : JSON.stringify(plain, null, 2);
  return (
    <PeekPanel
      label="Log record"
      onClose={onClose}
      title={
        <>
          <LevelTag level={record.level} />
          <ServiceName name={record.service} />
        </>
      }
    >
      <Tabs
        label="Log record"
        current={tab}
        onChange={setTab}
        tabs={[
          { id: "overview", title: "Overview" },
          { id: "json", title: "Raw JSON" },
        ]}
      />
      {tab === "json" && <JsonView value={record} />}
      {tab === "overview" && (
        <>
          <div className={styles.head}>
            <div className={styles.facts}>
              <time className="mono">{formatNanos(nanos, zone)}</time>
              <span className="faint">{offsetLabel(Number(nanos / 1_000_000n), zone)}</span>
            </div>
            <div className={styles.body}>
              <Pre>{body}</Pre>
              <span className={styles.copy}>
                <CopyButton text={body} label="Copy body" />
              </span>
            </div>
            <div className={styles.actions}>
              {onContext && (
                <button
                  type="button"
                  className="button small"
                  onClick={onContext}
                  title="What was around this record (u)"
                >
                  <UnfoldVertical size={13} aria-hidden /> Around this record
                </button>
              )}
              {record.trace_id && (
                <Link
                  to="/traces/$traceId"
                  params={{ traceId: record.trace_id }}
                  search={{ ...(record.span_id && { span: record.span_id }), ...aroundSearch(nanosToMilli(nanos)) }}
                  className="button small"
                >
                  <GitFork size={13} aria-hidden /> Open trace <code>{record.trace_id.slice(0, 8)}</code>
                </Link>
              )}
            </div>
          </div>
          <Attributes
            searchable
            onFilter={onFilter}
            groups={[
              { title: "Attributes", attributes: record.attributes, dropped: record.dropped_attributes_count },
              { title: "Record", attributes: builtin(record) },
              {
                title: "Resource",
                attributes: record.resource.attributes,
                dropped: record.resource.dropped_attributes_count,
              },
              { title: `Scope ${record.scope.name} ${record.scope.version}`, attributes: record.scope.attributes },
            ].filter((group) => group.attributes.length > 0)}
          />
        </>
      )}
    </PeekPanel>
  );
}

function pretty(text: string): string {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The fields of the record itself, under the names the filter language knows. */
function builtin(record: LogRecord) {
  return [
    ["severity_text", record.severity_text],
    ["event_name", record.event_name],
    ["trace_id", record.trace_id],
    ["span_id", record.span_id],
    ["scope", record.scope.name],
  ]
    .filter(([, value]) => value !== "")
    .map(([key = "", stringValue = ""]) => ({ key, value: { stringValue } }));
}
