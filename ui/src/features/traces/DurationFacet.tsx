// The durations of the matching spans on a logarithmic axis; dragging over the bars keeps only those.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { fetchAnalysis, type HistogramCell } from "../../api/analyse.ts";
import { splitTerms } from "../../lib/filter.ts";
import { logBars } from "../../lib/log-bars.ts";
import { formatShort } from "../../lib/number.ts";
import { formatDuration } from "../../lib/time/format.ts";
import type { Range } from "../../lib/time/range.ts";
import styles from "./DurationFacet.module.css";

const BARS = 36;

export interface DurationFacetProps {
  range: Range;
  q: string;
  onQuery: (query: string) => void;
}

export function DurationFacet({ range, q, onQuery }: DurationFacetProps) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const found = useQuery({
    queryKey: ["duration-histogram", range, q],
    queryFn: async ({ signal }) => {
      const answer = await fetchAnalysis(
        { signal: "traces", range, q: `${q} | stats histogram(duration) as h`.trim() },
        signal,
      );
      const cells = answer.value.table?.rows[0]?.[0];
      return Array.isArray(cells) ? (cells as HistogramCell[]) : [];
    },
    placeholderData: keepPreviousData,
    retry: false,
  });
  const bars = logBars(found.data ?? [], BARS);
  const most = Math.max(1, ...bars.map((bar) => bar.count));
  const terms = splitTerms(q);
  const own = terms.find((term) => term.startsWith("duration:"));
  const rest = terms.filter((term) => !/^duration[:<>=]/.test(term)).join(" ");
  const at = (clientX: number) => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect) return 0;
    return Math.min(bars.length - 1, Math.max(0, Math.floor(((clientX - rect.left) / rect.width) * bars.length)));
  };
  const choose = (from: number, to: number) => {
    const low = bars[Math.min(from, to)]?.low ?? 0;
    const high = bars[Math.max(from, to)]?.high ?? 0;
    onQuery(`${rest} duration:${Math.floor(low)}ns..${Math.ceil(high)}ns`.trim());
  };
  if (bars.length === 0) return null;
  const [a, b] = drag ? [Math.min(...drag), Math.max(...drag)] : [-1, -2];
  return (
    <section className={styles.facet} aria-label="Duration">
      <header className={styles.head}>
        <span>duration</span>
        {own && (
          <button type="button" className="button quiet small" onClick={() => onQuery(rest)}>
            any
          </button>
        )}
      </header>
      <div
        ref={box}
        className={styles.bars}
        role="img"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move over the bars
        tabIndex={0}
        aria-label={`Durations from ${formatDuration(bars[0]?.low ?? 0)} to ${formatDuration(bars.at(-1)?.high ?? 0)}; arrow keys choose, with Shift a range, Enter keeps only those`}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag([at(event.clientX), at(event.clientX)]);
        }}
        onPointerMove={(event) =>
          event.currentTarget.hasPointerCapture(event.pointerId) && drag && setDrag([drag[0], at(event.clientX)])
        }
        onPointerUp={() => {
          if (drag) choose(drag[0], drag[1]);
          setDrag(null);
        }}
        onBlur={() => setDrag(null)}
        onKeyDown={(event) => {
          const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
          if (event.key === "Enter" && drag) choose(drag[0], drag[1]);
          else if (step !== 0) {
            const next = Math.min(bars.length - 1, Math.max(0, (drag?.[1] ?? -1) + step));
            setDrag(event.shiftKey && drag ? [drag[0], next] : [next, next]);
          } else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {bars.map((bar, index) => (
          <span
            key={bar.low}
            className={styles.bar}
            data-in={index >= a && index <= b}
            title={`${formatDuration(bar.low)} to ${formatDuration(bar.high)}: ${formatShort(bar.count)}`}
          >
            <i style={{ height: `${bar.count === 0 ? 0 : Math.max(6, (bar.count / most) * 100)}%` }} />
          </span>
        ))}
      </div>
      <div className={styles.axis}>
        <span>{formatDuration(bars[0]?.low ?? 0)}</span>
        <span>{drag ? `${formatDuration(bars[a]?.low ?? 0)} – ${formatDuration(bars[b]?.high ?? 0)}` : ""}</span>
        <span>{formatDuration(bars.at(-1)?.high ?? 0)}</span>
      </div>
    </section>
  );
}
