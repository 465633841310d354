// The stack of the newest exception of a group; frames of libraries are folded into one line.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ErrorGroup } from "../../api/errors.ts";
import { findAttribute } from "../../api/otlp.ts";
import { fetchTrace, type Span } from "../../api/traces.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { Pre } from "../../components/Pre.tsx";
import { plural } from "../../lib/number.ts";
import styles from "./Errors.module.css";
import { readStack, stretches } from "./stack.ts";

export function Stack({ group }: { group: ErrorGroup }) {
  const [open, setOpen] = useState(false);
  const traceId = group.trace_ids[0]?.padStart(32, "0");
  const trace = useQuery({
    queryKey: ["error-stack", group.id, traceId],
    enabled: traceId !== undefined,
    queryFn: async ({ signal }) =>
      stackIn((await fetchTrace(traceId ?? "", group.last_seen_unix_milli || undefined, signal)).value.spans, group),
  });
  const stack = trace.data;
  if (!stack) {
    return (
      <section className={styles.section}>
        <header>
          <h2>Stack</h2>
          <span className="faint">
            {trace.isPending
              ? "looking into the newest trace"
              : trace.error
                ? "the newest trace cannot be read: it may have expired"
                : "the exception was recorded without exception.stacktrace"}
          </span>
        </header>
        {group.frame && <Pre className={styles.message}>{group.frame}</Pre>}
      </section>
    );
  }
  const parts = stretches(readStack(stack));
  return (
    <section className={styles.section}>
      <header>
        <h2>Stack</h2>
        <span className="faint">of the newest trace</span>
        <span className="grow" />
        <button type="button" className="button quiet small" aria-pressed={open} onClick={() => setOpen(!open)}>
          {open ? "Fold library frames" : "All frames"}
        </button>
        <CopyButton text={stack} label="Copy the stack" />
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long frames scroll, also with the keyboard */}
      <ul className={styles.stack} tabIndex={0} aria-label="Frames">
        {parts.map((part, index) =>
          part.own || open ? (
            part.frames.map((frame, at) => (
              <li key={`${index} ${at}`} data-own={frame.own}>
                {frame.text}
              </li>
            ))
          ) : (
            <li key={index}>
              <button type="button" className={styles.fold} onClick={() => setOpen(true)}>
                {plural(part.frames.length, "line")} of libraries
              </button>
            </li>
          ),
        )}
      </ul>
    </section>
  );
}

/** The stack trace of the exception of this group in a trace; null when none was recorded. */
function stackIn(spans: readonly Span[], group: ErrorGroup): string | null {
  for (const span of spans) {
    if (span.service !== group.service) continue;
    for (const event of span.events) {
      if (event.name !== "exception" || findAttribute(event.attributes, "exception.type") !== group.exception_type)
        continue;
      const stack = findAttribute(event.attributes, "exception.stacktrace");
      if (stack) return stack;
    }
  }
  return null;
}
