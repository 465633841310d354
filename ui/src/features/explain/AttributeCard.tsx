// One attribute of the comparison: its values as mirrored bars, and what can be done with each.
import { Link } from "@tanstack/react-router";
import { Ban, ListFilter } from "lucide-react";
import type { ExplainAttribute } from "../../api/explain.ts";
import { formatCount, formatPercent } from "../../lib/number.ts";
import { useView } from "../../lib/view.ts";
import styles from "./Explain.module.css";

export interface AttributeCardProps {
  attribute: ExplainAttribute;
  /** Records on each side. */
  selection: number;
  baseline: number;
}

const DEMOTED: Record<string, string> = { id: "an id", high_cardinality: "many values" };

export function AttributeCard({ attribute, selection, baseline }: AttributeCardProps) {
  const share = (count: number, of: number) => (of > 0 ? count / of : 0);
  const rest = attribute.other.selection + attribute.other.baseline;
  return (
    <li className={styles.card}>
      <header>
        <h3 className="ellipsis" title={attribute.key}>
          {attribute.key}
        </h3>
        {attribute.demoted && <span className="badge">{DEMOTED[attribute.demoted] ?? attribute.demoted}</span>}
        <span className="grow" />
        <span className="faint" title="Share of the records that have the attribute: selection, baseline">
          in {formatPercent(attribute.coverage.selection)} / {formatPercent(attribute.coverage.baseline)}
        </span>
      </header>
      {attribute.histogram ? (
        <Histogram histogram={attribute.histogram} />
      ) : (
        <ul>
          {attribute.values.map((value) => (
            <Row
              key={value.value}
              name={value.value}
              term={value.term}
              a={share(value.selection, selection)}
              b={share(value.baseline, baseline)}
              title={`${formatCount(value.selection)} of ${formatCount(selection)}, baseline ${formatCount(value.baseline)} of ${formatCount(baseline)}`}
            />
          ))}
          {rest > 0 && (
            <Row
              name="other values"
              term={null}
              a={share(attribute.other.selection, selection)}
              b={share(attribute.other.baseline, baseline)}
              title=""
            />
          )}
        </ul>
      )}
    </li>
  );
}

interface RowProps {
  name: string;
  term: string | null;
  a: number;
  b: number;
  title: string;
}

function Row({ name, term, a, b, title }: RowProps) {
  const { search } = useView();
  const with_ = (part: string) => [search.q, part].filter(Boolean).join(" ");
  return (
    <li className={styles.value} title={title}>
      <span className={`ellipsis mono ${styles.name}`} title={name}>
        {name || "(empty)"}
      </span>
      <span className={styles.percent}>{formatPercent(a)}</span>
      <span className={styles.bars} aria-hidden>
        <i data-side="selection" style={{ width: `${a * 50}%` }} />
        <i data-side="baseline" style={{ width: `${b * 50}%` }} />
      </span>
      <span className={styles.percent}>{formatPercent(b)}</span>
      {term === null ? (
        <span className={styles.actions} />
      ) : (
        <span className={styles.actions}>
          <Link
            to="/explain"
            search={{ ...search, q: with_(term) }}
            className="button quiet small icon"
            aria-label={`Only ${name}`}
            title="Only this"
          >
            <ListFilter size={13} aria-hidden />
          </Link>
          <Link
            to="/explain"
            search={{ ...search, q: with_(`-${term}`) }}
            className="button quiet small icon"
            aria-label={`Without ${name}`}
            title="Without this"
          >
            <Ban size={13} aria-hidden />
          </Link>
        </span>
      )}
    </li>
  );
}

function Histogram({ histogram }: { histogram: NonNullable<ExplainAttribute["histogram"]> }) {
  const largest = Math.max(1e-9, ...histogram.selection, ...histogram.baseline);
  return (
    <div
      className={styles.histogram}
      role="img"
      aria-label={`Distributions that are ${formatPercent(histogram.ks)} apart (Kolmogorov-Smirnov)`}
    >
      {histogram.selection.map((share, index) => (
        <span key={index} title={`from ${histogram.bounds[index] ?? ""}`}>
          <i data-side="selection" style={{ height: `${(share / largest) * 100}%` }} />
          <i data-side="baseline" style={{ height: `${((histogram.baseline[index] ?? 0) / largest) * 100}%` }} />
        </span>
      ))}
    </div>
  );
}
