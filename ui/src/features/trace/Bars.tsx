// The canvas behind the mounted rows of the waterfall.
import { useCallback } from "react";
import { useCanvas } from "../../charts/canvas.ts";
import { type BarsData, drawBars, ROW_PX } from "./bars.ts";
import styles from "./Waterfall.module.css";

export function Bars(data: BarsData) {
  const { tree, rows, runs, opened, window, colourOf, path, hits, logs, logsOf, first, last } = data;
  const draw = useCallback(
    (frame: Parameters<typeof drawBars>[0]) =>
      drawBars(frame, { tree, rows, runs, opened, window, colourOf, path, hits, logs, logsOf, first, last }),
    [tree, rows, runs, opened, window, colourOf, path, hits, logs, logsOf, first, last],
  );
  const canvas = useCanvas(draw);
  return (
    <canvas ref={canvas} aria-hidden className={styles.bars} style={{ height: Math.max(0, last - first) * ROW_PX }} />
  );
}
