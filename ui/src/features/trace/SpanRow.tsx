// The tree side of a row: a span, a run of equal spans, or a log record. The bars are drawn by the canvas behind.
import { AlertCircle, ChevronDown, ChevronRight, Layers, ScrollText } from "lucide-react";
import { memo } from "react";
import type { LogRecord } from "../../api/logs.ts";
import { LevelTag } from "../../components/LevelTag.tsx";
import { bodyLine } from "../../lib/log-body.ts";
import { formatCount, plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Run } from "./groups.ts";
import styles from "./SpanRow.module.css";
import { durationOf, ERROR, nameOf, serviceOf, type TraceTree } from "./tree.ts";

const INDENT_PX = 12;
/** Deeper spans are not indented further; their depth is written instead. */
const MAX_INDENTS = 14;

function indent(depth: number): React.CSSProperties {
  return { paddingLeft: `min(${8 + Math.min(depth, MAX_INDENTS) * INDENT_PX}px, 40%)` };
}

export interface SpanRowProps {
  tree: TraceTree;
  index: number;
  row: number;
  colour: string;
  hit: boolean;
  dim: boolean;
  collapsed: boolean;
  selected: boolean;
  onSelect: (index: number) => void;
  onToggle: (index: number) => void;
  onZoom: (index: number) => void;
}

export const SpanRow = memo(function SpanRow(props: SpanRowProps) {
  const { tree, index, row, colour, hit, dim, collapsed, selected, onSelect, onToggle, onZoom } = props;
  const below = tree.below[index] ?? 0;
  const depth = tree.depth[index] ?? 0;
  const parent = tree.parent[index] ?? -1;
  const isError = tree.status[index] === ERROR;
  const name = nameOf(tree, index);
  const service = serviceOf(tree, index);
  // The stripe shows the service; the name is written where it changes.
  const sameAsParent = parent >= 0 && tree.service[parent] === tree.service[index];
  const badge = tree.badges[tree.badge[index] ?? -1];
  const Chevron = collapsed ? ChevronRight : ChevronDown;
  const label = [
    name,
    service,
    formatDuration(durationOf(tree, index)),
    `starts at ${formatDuration(tree.start[index] ?? 0)}`,
    below > 0 ? `${formatCount(below)} below` : "",
    isError ? "error" : "",
  ];
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-level={depth + 1}
      aria-rowindex={row + 1}
      aria-selected={selected}
      aria-expanded={below > 0 ? !collapsed : undefined}
      aria-label={label.filter(Boolean).join(", ")}
      className={styles.row}
      data-hit={hit}
      data-dim={dim}
      onClick={() => getSelection()?.toString().trim() === "" && onSelect(index)}
      onDoubleClick={() => onZoom(index)}
      onKeyDown={(event) => event.key === "Enter" && onSelect(index)}
    >
      <div role="gridcell" className={styles.name} style={indent(depth)}>
        {below > 0 ? (
          <button
            type="button"
            tabIndex={-1}
            className={styles.toggle}
            aria-label={collapsed ? "Expand" : "Collapse"}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(index);
            }}
            onDoubleClick={(event) => event.stopPropagation()}
          >
            <Chevron size={13} aria-hidden />
          </button>
        ) : (
          <span className={styles.leaf} />
        )}
        {depth > MAX_INDENTS && <span className="badge">{depth}</span>}
        <i className={styles.stripe} style={{ background: colour }} />
        {isError && <AlertCircle size={13} aria-label="error" className={styles.error} />}
        {!sameAsParent && <span className={styles.service}>{service}</span>}
        <span className={styles.operation} title={`${service} ${name}`}>
          {name}
        </span>
        {badge && <span className={/^5\d\d$/.test(badge) ? "badge error" : "badge"}>{badge}</span>}
        {collapsed && (
          <span className="badge" title={`${plural(below, "span")} hidden`}>
            +{formatCount(below)}
            {(tree.errorsBelow[index] ?? 0) > 0 && ` \u00b7 ${plural(tree.errorsBelow[index] ?? 0, "error")}`}
          </span>
        )}
      </div>
    </div>
  );
});

export interface RunRowProps {
  tree: TraceTree;
  run: Run;
  row: number;
  colour: string;
  open: boolean;
  selected: boolean;
  onToggle: (first: number) => void;
}

/** `x 312 SELECT users (sum 410 ms, p95 2 ms, max 9 ms)`. */
export const RunRow = memo(function RunRow({ tree, run, row, colour, open, selected, onToggle }: RunRowProps) {
  const Chevron = open ? ChevronDown : ChevronRight;
  const name = nameOf(tree, run.first);
  const figures = `sum ${formatDuration(run.sum)}, p95 ${formatDuration(run.p95)}, max ${formatDuration(run.max)}`;
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-level={run.depth + 1}
      aria-rowindex={row + 1}
      aria-selected={selected}
      aria-expanded={open}
      aria-label={`${run.members.length} times ${name}, ${figures}`}
      className={styles.row}
      data-run="true"
      onClick={() => onToggle(run.first)}
      onKeyDown={(event) => event.key === "Enter" && onToggle(run.first)}
    >
      <div role="gridcell" className={styles.name} style={indent(run.depth)}>
        <span className={styles.toggle}>
          <Chevron size={13} aria-hidden />
        </span>
        <i className={styles.stripe} style={{ background: colour }} />
        <Layers size={13} aria-hidden className={styles.runIcon} />
        <b className={styles.times}>×{formatCount(run.members.length)}</b>
        <span className={styles.operation} title={`${name}: ${figures}`}>
          {name}
        </span>
        {run.errors > 0 && <span className="badge error">{plural(run.errors, "error")}</span>}
        <span className={styles.figures}>{figures}</span>
      </div>
    </div>
  );
});

export interface LogRowProps {
  log: LogRecord;
  depth: number;
  row: number;
  selected: boolean;
  onSelect: (log: LogRecord) => void;
}

export const LogRow = memo(function LogRow({ log, depth, row, selected, onSelect }: LogRowProps) {
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-level={depth + 2}
      aria-rowindex={row + 1}
      aria-selected={selected}
      className={styles.row}
      data-log="true"
      onClick={() => getSelection()?.toString().trim() === "" && onSelect(log)}
      onKeyDown={(event) => event.key === "Enter" && onSelect(log)}
    >
      <div role="gridcell" className={styles.name} style={indent(depth + 1)}>
        <span className={styles.leaf}>
          <ScrollText size={12} aria-hidden className="faint" />
        </span>
        <LevelTag level={log.level} />
        <span className={styles.body} title={bodyLine(log.body)}>
          {bodyLine(log.body)}
        </span>
      </div>
    </div>
  );
});
