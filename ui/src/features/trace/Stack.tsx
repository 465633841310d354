// An exception: type, message, and the stack trace with the frames of libraries folded away.
import { useState } from "react";
import type { KeyValue } from "../../api/otlp.ts";
import { CopyButton } from "../../components/CopyButton.tsx";
import { plural } from "../../lib/number.ts";
import { foldFrames } from "./frames.ts";
import styles from "./SpanPanel.module.css";

export function Stack({ attributes }: { attributes: readonly KeyValue[] }) {
  const [all, setAll] = useState(false);
  const find = (key: string) => {
    const value = attributes.find((entry) => entry.key === key)?.value;
    return value && "stringValue" in value ? value.stringValue : "";
  };
  const type = find("exception.type");
  const message = find("exception.message");
  const stack = find("exception.stacktrace");
  const parts = foldFrames(stack);
  const folded = parts.some((part) => part.library);
  return (
    <div className={styles.stack}>
      {(type || message) && (
        <p>
          <code>{type}</code> {message}
        </p>
      )}
      {stack && (
        <div className={styles.trace}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>
            {all
              ? stack
              : parts.map((part, at) =>
                  part.library ? (
                    <span
                      key={at}
                      className="faint"
                    >{`    \u2026 ${plural(part.lines.length, "frame")} of libraries\n`}</span>
                  ) : (
                    `${part.lines.join("\n")}\n`
                  ),
                )}
          </pre>
          {folded && (
            <button type="button" className="button small" onClick={() => setAll(!all)}>
              {all ? "Fold library frames" : "Show all frames"}
            </button>
          )}
          <span className={styles.copy}>
            <CopyButton text={stack} label="Copy stack trace" />
          </span>
        </div>
      )}
    </div>
  );
}
