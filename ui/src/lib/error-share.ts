// How alarming a share of errors is, the same on every page: below one in a hundred it is only told.
const WARN_RATIO = 0.01;
const BAD_RATIO = 0.05;

export type ErrorTone = "plain" | "warn" | "bad";

export const errorTone = (ratio: number): ErrorTone =>
  ratio >= BAD_RATIO ? "bad" : ratio >= WARN_RATIO ? "warn" : "plain";
