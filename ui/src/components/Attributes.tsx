// Attributes as a table: key, value, and on hover the actions include, exclude and copy.
import { Minus, Plus } from "lucide-react";
import { Fragment, useState } from "react";
import type { KeyValue } from "../api/otlp.ts";
import { plainValue, valueText, valueType } from "../api/otlp.ts";
import styles from "./Attributes.module.css";
import { CopyButton } from "./CopyButton.tsx";

export interface AttributeGroup {
  title: string;
  attributes: readonly KeyValue[];
  dropped?: number;
}

export interface AttributesProps {
  groups: readonly AttributeGroup[];
  /** Adds `key:value` to a query; the second argument is true to exclude. */
  onFilter?: ((key: string, value: string, exclude: boolean) => void) | undefined;
  searchable?: boolean;
}

export function Attributes({ groups, onFilter, searchable = false }: AttributesProps) {
  const [text, setText] = useState("");
  const wanted = text.toLowerCase();
  const total = groups.reduce((sum, group) => sum + group.attributes.length, 0);
  const shown = groups
    .map((group) => ({
      ...group,
      attributes: group.attributes.filter((entry) =>
        `${entry.key}\n${valueText(entry.value)}`.toLowerCase().includes(wanted),
      ),
    }))
    .filter((group) => group.attributes.length > 0 || group.dropped);
  return (
    <div>
      {searchable && total > 8 && (
        <input
          className={`input ${styles.search}`}
          placeholder="Search attributes"
          aria-label="Search attributes"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {shown.length === 0 && <p className={styles.none}>{text ? "No attribute matches" : "No attributes"}</p>}
      {shown.map((group) => (
        <section key={group.title} className={styles.group}>
          <h3 className={styles.title}>{group.title}</h3>
          <dl className={styles.list}>
            {group.attributes.map((entry, index) => (
              <Fragment key={`${entry.key} ${index}`}>
                <Row entry={entry} onFilter={onFilter} />
              </Fragment>
            ))}
          </dl>
          {group.dropped ? (
            <p className={styles.dropped}>{group.dropped} more were dropped by the sender's limits</p>
          ) : null}
        </section>
      ))}
    </div>
  );
}

function Row({ entry, onFilter }: { entry: KeyValue; onFilter: AttributesProps["onFilter"] }) {
  const value = valueText(entry.value);
  const type = valueType(entry.value);
  const nested = type === "array" || type === "kvlist";
  return (
    <div className={styles.row}>
      <dt className={styles.key}>{entry.key}</dt>
      <dd className={styles.value} data-type={type}>
        {nested ? (
          JSON.stringify(plainValue(entry.value), null, 1)
        ) : value === "" ? (
          <span className="faint">empty</span>
        ) : (
          value
        )}
        <span className={styles.actions}>
          {onFilter && !nested && (
            <>
              <button
                type="button"
                className="button quiet small icon"
                title={`Only ${entry.key}:${value}`}
                aria-label={`Only ${entry.key} ${value}`}
                onClick={() => onFilter(entry.key, value, false)}
              >
                <Plus size={13} aria-hidden />
              </button>
              <button
                type="button"
                className="button quiet small icon"
                title={`Without ${entry.key}:${value}`}
                aria-label={`Without ${entry.key} ${value}`}
                onClick={() => onFilter(entry.key, value, true)}
              >
                <Minus size={13} aria-hidden />
              </button>
            </>
          )}
          <CopyButton text={value} label={`Copy ${entry.key}`} />
        </span>
      </dd>
    </div>
  );
}
