// Records over time by level. Errors stand at the bottom: that is where small numbers can be compared.
import { useMemo } from "react";
import type { LogVolume } from "../../api/logs.ts";
import { StackedBars } from "../../charts/StackedBars.tsx";
import { LEVELS } from "../../lib/colour.ts";
import { nanosToMilli, parseNanos } from "../../lib/time/nanos.ts";
import type { Range } from "../../lib/time/range.ts";
import type { Zone } from "../../lib/time/zone.ts";

export interface VolumeChartProps {
  data: LogVolume;
  range: Range;
  zone: Zone;
  /** The part whose records are in the list. */
  loaded: Range | null;
  onSelect: (range: Range) => void;
}

export function VolumeChart({ data, range, zone, loaded, onSelect }: VolumeChartProps) {
  const stacks = useMemo(
    () =>
      LEVELS.flatMap((level) => {
        const index = data.levels.indexOf(level);
        if (index < 0) return [];
        const counts = data.counts.map((row) => row[index] ?? 0);
        return [{ name: level, colour: `--level-${level.toLowerCase()}`, counts }];
      }),
    [data],
  );
  return (
    <StackedBars
      label="Log volume"
      stacks={stacks}
      startMilli={nanosToMilli(parseNanos(data.start_unix_nano))}
      stepMilli={data.step_nanos / 1e6}
      range={range}
      zone={zone}
      loaded={loaded}
      onSelect={onSelect}
    />
  );
}
