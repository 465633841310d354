// A table panel: what the transformations make of its series, with the units and colours of the columns.
import { useMemo, useState } from "react";
import type { Panel } from "./model.ts";
import { lookOf } from "./overrides.ts";
import styles from "./Panel.module.css";
import { colourOf, type PanelSeries } from "./series.ts";
import { type Cell, type Column, tableOf } from "./table.ts";
import { formatterFor } from "./units.ts";

export interface TablePanelProps {
  panel: Panel;
  series: readonly PanelSeries[];
  format: (value: number) => string;
}

const ROWS_MAX = 500;

export function TablePanel({ panel, series, format }: TablePanelProps) {
  const [all, setAll] = useState(false);
  const table = useMemo(() => tableOf(series, panel.transformations, panel.reduce), [series, panel]);
  const columns = table.columns
    .map((column) => ({ column, look: lookOf(panel.overrides, column.name, column.refId) }))
    .filter(({ look }) => !look.hidden)
    .map(({ column, look }) => ({
      column,
      name: look.name || column.name,
      isNumber: column.cells.some((cell) => typeof cell === "number"),
      thresholds: look.thresholds ?? (column.refId ? panel.thresholds : []),
      colour: look.colour,
      write: look.unit !== undefined || look.decimals !== undefined ? formatterOf(column, series, panel, look) : format,
    }));
  const shown = all ? table.rows : Math.min(table.rows, ROWS_MAX);
  return (
    <div className={styles.scroll}>
      <table className="table">
        <thead>
          <tr>
            {columns.map(({ column, name, isNumber }) => (
              <th key={column.name} className={isNumber ? "number" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: shown }, (_, row) => (
            <tr key={row}>
              {columns.map(({ column, isNumber, write, thresholds, colour }) => {
                const cell: Cell = column.cells[row] ?? null;
                const css = typeof cell === "number" ? (colour ?? colourOf(cell, thresholds)) : null;
                return (
                  <td
                    key={column.name}
                    className={isNumber ? "number" : styles.cell}
                    title={isNumber ? undefined : String(cell ?? "")}
                    style={css ? { color: css } : undefined}
                  >
                    {cell === null ? "\u2013" : typeof cell === "number" ? write(cell) : cell}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows > shown && (
        <button type="button" className="button small" onClick={() => setAll(true)}>
          All {table.rows} rows
        </button>
      )}
    </div>
  );
}

function formatterOf(
  column: Column,
  series: readonly PanelSeries[],
  panel: Panel,
  look: { unit?: string; decimals?: number },
): (value: number) => string {
  const expr = series.find((each) => each.refId === column.refId)?.expr ?? "";
  return formatterFor(look.unit ?? panel.unit, look.decimals ?? panel.decimals, expr);
}
