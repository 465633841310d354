// The buckets of a histogram over time as a heat map, on the scale of their bounds; a part of it can be zoomed to.

import { HeatMap } from "../charts/HeatMap.tsx";
import type { HeatGrid } from "../charts/heat.ts";
import type { Range } from "../lib/time/range.ts";
import { guessUnit } from "../lib/units.ts";
import { useTime } from "../lib/view.ts";

export interface BucketHeatProps {
  label: string;
  grid: HeatGrid;
  range: Range;
  /** Writes a bound; the last one is infinite. */
  format: (value: number) => string;
}

export function BucketHeat({ label, grid, range, format }: BucketHeatProps) {
  const { zone, setRange } = useTime();
  return (
    <HeatMap
      label={label}
      grid={grid}
      range={range}
      zone={zone}
      format={(value) => (Number.isFinite(value) ? format(value) : "\u221e")}
      menu={(rect, _, close) => (
        <button
          type="button"
          className="button small"
          onClick={() => {
            close();
            setRange({
              fromMilli: grid.startMilli + rect.left * grid.stepMilli,
              toMilli: grid.startMilli + (rect.right + 1) * grid.stepMilli,
            });
          }}
        >
          Zoom to this time
        </button>
      )}
    />
  );
}

/** The unit of the bounds: that of what was measured, not of the counts per second that the query makes of it. */
export const unitOfBounds = (query: string): ReturnType<typeof guessUnit> =>
  guessUnit(query.replace(/\b(rate|irate|increase)\b/g, "").replace(/_bucket/g, ""));
