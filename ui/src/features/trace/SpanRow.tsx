// One span: name in the tree, bar on the axis. Solid parts of the bar are the span's own time, pale parts are time in
// which a child ran.
import { AlertCircle, ChevronDown, ChevronRight } from "lucide-react";
import type { LogRecord } from "../../api/logs.ts";
import { findAttribute } from "../../api/otlp.ts";
import type { Span } from "../../api/traces.ts";
import { levelColour } from "../../lib/colour.ts";
import { plural } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { nanosBetween, parseNanos } from "../../lib/time/nanos.ts";
import type { Node, Segment, Tree } from "./model.ts";
import { selfSegments } from "./model.ts";
import styles from "./SpanRow.module.css";
import type { Window } from "./window.ts";

export interface SpanRowProps {
  tree: Tree;
  node: Node;
  row: number;
  window: Window;
  colour: string;
  critical: readonly Segment[] | null;
  logs: readonly LogRecord[] | null;
  hit: boolean;
  collapsed: boolean;
  selected: boolean;
  onSelect: (index: number) => void;
  onToggle: (index: number) => void;
}

const INDENT_PX = 14;
/** Deeper spans are not indented further; their depth is written instead. */
const MAX_INDENTS = 14;

export function SpanRow(props: SpanRowProps) {
  const { node, row, colour, hit, collapsed, selected, onSelect, onToggle } = props;
  const { span } = node;
  const expandable = node.children.length > 0;
  // The stripe shows the service; the name is written where it changes.
  const sameAsParent = props.tree.nodes[node.parent]?.span.service === span.service;
  const Chevron = collapsed ? ChevronRight : ChevronDown;
  const label = [
    span.name,
    span.service,
    formatDuration(span.duration_nanos),
    `starts at ${formatDuration(node.start)}`,
    node.children.length > 0 ? plural(node.children.length, "child").replace("childs", "children") : "",
    node.isError ? "error" : "",
  ];
  return (
    <div
      role="row"
      tabIndex={-1}
      aria-level={node.depth + 1}
      aria-rowindex={row + 1}
      aria-selected={selected}
      aria-expanded={expandable ? !collapsed : undefined}
      aria-label={label.filter(Boolean).join(", ")}
      className={styles.row}
      data-hit={hit}
      data-error={node.isError}
      onClick={() => getSelection()?.toString().trim() === "" && onSelect(node.index)}
      onKeyDown={(event) => event.key === "Enter" && onSelect(node.index)}
    >
      <div
        className={styles.name}
        style={{ paddingLeft: `min(${8 + Math.min(node.depth, MAX_INDENTS) * INDENT_PX}px, 40%)` }}
      >
        {expandable ? (
          <button
            type="button"
            tabIndex={-1}
            className={styles.toggle}
            aria-label={collapsed ? "Expand" : "Collapse"}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(node.index);
            }}
          >
            <Chevron size={13} aria-hidden />
          </button>
        ) : (
          <span className={styles.leaf} />
        )}
        {node.depth > MAX_INDENTS && <span className="badge">{node.depth}</span>}
        <i className={styles.stripe} style={{ background: colour }} />
        {node.isError && <AlertCircle size={13} aria-label="error" className={styles.error} />}
        {!sameAsParent && <span className={styles.service}>{span.service}</span>}
        <span className={styles.operation}>{span.name}</span>
        <Hint span={span} />
        {collapsed && (
          <span className="badge" title={`${plural(node.below, "span")} hidden`}>
            +{node.below}
            {node.errorsBelow > 0 && ` \u00b7 ${plural(node.errorsBelow, "error")}`}
          </span>
        )}
      </div>
      <Bar {...props} />
    </div>
  );
}

/** The one attribute that says most about the span. */
function Hint({ span }: { span: Span }) {
  const status = findAttribute(span.attributes, "http.response.status_code");
  if (status) return <span className={Number(status) >= 500 ? "badge error" : "badge"}>{status}</span>;
  const system = findAttribute(span.attributes, "db.system.name") ?? findAttribute(span.attributes, "messaging.system");
  return system && span.kind !== "INTERNAL" ? <span className="badge">{system}</span> : null;
}

function Bar({ tree, node, window, colour, critical, logs }: SpanRowProps) {
  const length = window.end - window.start;
  const share = (nanos: number) => (nanos - window.start) / length;
  const left = Math.max(0, share(node.start));
  const right = Math.min(1, share(node.end));
  const percent = (value: number) => `${value * 100}%`;
  const label = formatDuration(node.span.duration_nanos);
  if (share(node.end) < 0 || share(node.start) > 1) {
    return (
      <div className={styles.track}>
        {<span className={styles.off} data-side={share(node.start) > 1 ? "right" : "left"} />}
      </div>
    );
  }
  const place = right < 0.86 ? "after" : left > 0.14 ? "before" : "inside";
  const part = ([start, end]: Segment) => ({
    left: percent(Math.max(0, share(start))),
    width: percent(Math.max(0, Math.min(1, share(end)) - Math.max(0, share(start)))),
  });
  const inView = ([start, end]: Segment) => end > window.start && start < window.end;
  const background = node.isError ? "var(--error)" : colour;
  return (
    <div className={styles.track}>
      <span className={styles.bar} style={{ left: percent(left), width: percent(right - left), background }} />
      {selfSegments(tree, node)
        .filter(inView)
        .map((segment) => (
          <span key={segment[0]} className={styles.self} style={{ ...part(segment), background }} />
        ))}
      {critical?.filter(inView).map((segment) => (
        <span key={segment[0]} className={styles.critical} style={part(segment)} />
      ))}
      {node.span.events.map((event, index) => (
        <span
          key={`${event.time_unix_nano} ${index}`}
          className={styles.event}
          title={event.name}
          style={{ left: percent(share(nanosBetween(tree.startNanos, parseNanos(event.time_unix_nano)))) }}
        />
      ))}
      {logs?.map((log) => (
        <span
          key={log.id}
          className={styles.log}
          title={`${log.level} log`}
          style={{
            left: percent(share(nanosBetween(tree.startNanos, parseNanos(log.time_unix_nano)))),
            background: levelColour(log.level),
          }}
        />
      ))}
      <span
        className={styles.duration}
        data-place={place}
        style={place === "before" ? { right: percent(1 - left) } : { left: percent(place === "after" ? right : left) }}
      >
        {label}
      </span>
    </div>
  );
}
