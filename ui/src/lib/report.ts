// What the status strip says about the answers on the page: how fresh, how long, how many rows, complete or not.
import { useEffect } from "react";
import { createStore } from "./store.ts";

export interface Report {
  asOfMilli: number | null;
  elapsedMs: number | null;
  rowsScanned: number | null;
  partial: string | null;
  /** Short extra facts: "top 50 of 412 series". */
  notes: readonly string[];
  busy: boolean;
}

export const EMPTY_REPORT: Report = {
  asOfMilli: null,
  elapsedMs: null,
  rowsScanned: null,
  partial: null,
  notes: [],
  busy: false,
};

export const report = createStore<Report>(EMPTY_REPORT);

export function useReport(next: Report): void {
  const key = JSON.stringify(next);
  useEffect(() => report.set(JSON.parse(key) as Report), [key]);
  useEffect(() => () => report.set(EMPTY_REPORT), []);
}
