// The log records of the trace, in the order of time; a click shows the span they belong to.
import { Link } from "@tanstack/react-router";
import type { LogRecord } from "../../api/logs.ts";
import { LevelTag } from "../../components/LevelTag.tsx";
import { Empty, Skeleton } from "../../components/States.tsx";
import { VirtualRows } from "../../components/VirtualRows.tsx";
import { bodyLine } from "../../lib/log-body.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { TraceLog } from "./bars.ts";
import styles from "./LogsView.module.css";
import { traceRange } from "./source.ts";
import { nameOf, type TraceTree } from "./tree.ts";

export interface LogsViewProps {
  tree: TraceTree;
  records: readonly LogRecord[] | null;
  marks: readonly TraceLog[];
  onSelect: (index: number) => void;
}

const ROW_PX = 24;

export function LogsView({ tree, records, marks, onSelect }: LogsViewProps) {
  if (!records) return <Skeleton rows={10} rowHeight={ROW_PX} />;
  const range = traceRange(tree);
  const search = { q: `trace_id:${tree.traceId}`, from: String(range.fromMilli), to: String(range.toMilli) };
  if (records.length === 0) {
    return (
      <Empty reason="none" title="No log carries this trace id">
        <p>Senders put it there when the log bridge of their SDK is on and the record is made inside of a span.</p>
        <Link to="/logs" search={{ ...search, q: "" }} className="button">
          All logs of these minutes
        </Link>
      </Empty>
    );
  }
  return (
    <VirtualRows
      role="grid"
      label="Logs of the trace"
      count={records.length}
      rowHeight={ROW_PX}
      headerHeight={26}
      header={
        <div className={styles.header} role="row">
          <span role="columnheader">After</span>
          <span role="columnheader">Level</span>
          <span role="columnheader">Service</span>
          <span role="columnheader">Span</span>
          <span role="columnheader" className={styles.open}>
            Body
            <Link to="/logs" search={search}>
              Open in Logs
            </Link>
          </span>
        </div>
      }
      renderRow={(index) => {
        const record = records[index];
        const mark = marks[index];
        if (!record || !mark) return null;
        return (
          <div
            key={record.id}
            role="row"
            tabIndex={-1}
            aria-rowindex={index + 1}
            className={styles.row}
            data-link={mark.span >= 0}
            onClick={() => mark.span >= 0 && getSelection()?.toString().trim() === "" && onSelect(mark.span)}
            onKeyDown={(event) => event.key === "Enter" && mark.span >= 0 && onSelect(mark.span)}
          >
            <span role="gridcell" className={styles.time}>
              {formatDuration(mark.at)}
            </span>
            <span role="gridcell">
              <LevelTag level={record.level} />
            </span>
            <span role="gridcell" className="ellipsis">
              {record.service}
            </span>
            <span role="gridcell" className={`ellipsis ${styles.span}`}>
              {mark.span >= 0 ? nameOf(tree, mark.span) : "no span"}
            </span>
            <span role="gridcell" className="ellipsis" title={bodyLine(record.body)}>
              {bodyLine(record.body)}
            </span>
          </div>
        );
      }}
    />
  );
}
