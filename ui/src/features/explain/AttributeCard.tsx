// One attribute of the comparison: its values as mirrored bars, and what can be done with each.
import { Link } from "@tanstack/react-router";
import { Ban, List, ListFilter } from "lucide-react";
import type { ExplainAttribute } from "../../api/explain.ts";
import { formatCount, formatPercent, formatShort } from "../../lib/number.ts";
import type { Search } from "../../lib/search.ts";
import { formatDuration } from "../../lib/time/format.ts";
import { useView } from "../../lib/view.ts";
import styles from "./Explain.module.css";

export interface AttributeCardProps {
  attribute: ExplainAttribute;
  /** Records on each side. */
  selection: number;
  baseline: number;
  /** Where the selected records are listed. */
  records: Records;
}

export interface Records {
  to: "/traces" | "/logs";
  search: Search;
}

const DEMOTED: Record<string, string> = { id: "an id", high_cardinality: "many values" };

export function AttributeCard({ attribute, selection, baseline, records }: AttributeCardProps) {
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
      {attribute.histogram && <Histogram histogram={attribute.histogram} write={writerOf(attribute)} />}
      <ul>
        {attribute.values.map((value) => (
          <Row
            key={value.value}
            name={attribute.histogram ? readable(value.value, attribute) : value.value}
            term={value.term}
            records={records}
            a={share(value.selection, selection)}
            b={share(value.baseline, baseline)}
            title={`${formatCount(value.selection)} of ${formatCount(selection)}, baseline ${formatCount(value.baseline)} of ${formatCount(baseline)}`}
          />
        ))}
        {rest > 0 && !attribute.histogram && (
          <Row
            name="other values"
            term={null}
            records={records}
            a={share(attribute.other.selection, selection)}
            b={share(attribute.other.baseline, baseline)}
            title=""
          />
        )}
      </ul>
    </li>
  );
}

/** Durations are in nanoseconds, other numbers without a unit. */
function writerOf(attribute: ExplainAttribute): (value: number) => string {
  return attribute.key === "duration" ? formatDuration : formatShort;
}

/** "≥ 9699328ns" as "≥ 9.7 ms". */
function readable(value: string, attribute: ExplainAttribute): string {
  const write = writerOf(attribute);
  return value.replace(/(-?\d[\d.e+-]*)(ns)?/, (_, digits: string) => write(Number(digits)));
}

interface RowProps {
  name: string;
  term: string | null;
  records: Records;
  a: number;
  b: number;
  title: string;
}

function Row({ name, term, records, a, b, title }: RowProps) {
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
            to={records.to}
            search={{ ...records.search, q: [records.search.q, term].filter(Boolean).join(" ") }}
            className="button quiet small icon"
            aria-label={`Records with ${name}`}
            title="The selected records with this"
          >
            <List size={13} aria-hidden />
          </Link>
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

interface HistogramProps {
  histogram: NonNullable<ExplainAttribute["histogram"]>;
  write: (value: number) => string;
}

/** Bars of equal width hold about equally many records of both sides together, so tails stay visible. */
function Histogram({ histogram, write }: HistogramProps) {
  const { bounds, selection, baseline, ks } = histogram;
  const largest = Math.max(1e-9, ...selection, ...baseline);
  const at = (index: number) => write(bounds[index] ?? Number.NaN);
  const last = bounds.length - 1;
  return (
    <>
      <div
        className={styles.histogram}
        role="img"
        aria-label={`Distributions that are ${formatPercent(ks)} apart (Kolmogorov-Smirnov)`}
      >
        {selection.map((share, index) => (
          <span
            key={index}
            title={`${at(index)} to ${at(index + 1)}: ${formatPercent(share)}, baseline ${formatPercent(baseline[index] ?? 0)}`}
          >
            <i data-side="selection" style={{ height: `${(share / largest) * 100}%` }} />
            <i data-side="baseline" style={{ height: `${((baseline[index] ?? 0) / largest) * 100}%` }} />
          </span>
        ))}
      </div>
      <div className={styles.bounds} aria-hidden>
        <span>{at(0)}</span>
        <span>{at(Math.floor(last / 2))}</span>
        <span>{at(last)}</span>
      </div>
    </>
  );
}
