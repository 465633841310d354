// The search part of the URL: plain strings, sorted keys, readable without decoding. Same state, same URL.

/** All keys any page reads. Unknown keys are kept as they are. */
export interface Search {
  from?: string | undefined;
  to?: string | undefined;
  tz?: string | undefined;
  q?: string | undefined;
  peek?: string | undefined;
  order?: string | undefined;
  cols?: string | undefined;
  span?: string | undefined;
  around?: string | undefined;
  view?: string | undefined;
  tab?: string | undefined;
  find?: string | undefined;
  only?: string | undefined;
  a?: string | undefined;
  b?: string | undefined;
  live?: string | undefined;
  context?: string | undefined;
  scope?: string | undefined;
  by?: string | undefined;
  q2?: string | undefined;
  q3?: string | undefined;
  q4?: string | undefined;
  q5?: string | undefined;
  q6?: string | undefined;
  q7?: string | undefined;
  q8?: string | undefined;
  q9?: string | undefined;
  q10?: string | undefined;
  l?: string | undefined;
  l2?: string | undefined;
  l3?: string | undefined;
  l4?: string | undefined;
  l5?: string | undefined;
  l6?: string | undefined;
  l7?: string | undefined;
  l8?: string | undefined;
  l9?: string | undefined;
  l10?: string | undefined;
  off?: string | undefined;
  type?: string | undefined;
  mode?: string | undefined;
  log?: string | undefined;
  prev?: string | undefined;
  at?: string | undefined;
  sort?: string | undefined;
  step?: string | undefined;
  source?: string | undefined;
  focus?: string | undefined;
  hops?: string | undefined;
  metric?: string | undefined;
  group?: string | undefined;
  panel?: string | undefined;
  edit?: string | undefined;
  kiosk?: string | undefined;
  select?: string | undefined;
  sfrom?: string | undefined;
  sto?: string | undefined;
  against?: string | undefined;
  expr?: string | undefined;
  name?: string | undefined;
  above?: string | undefined;
  add?: string | undefined;
  [variable: `var-${string}`]: string | undefined;
}

export type SearchKey = keyof Search;

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text.startsWith("?") ? text.slice(1) : text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search)
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encodeReadable(key)}=${encodeReadable(String(value))}`);
  return pairs.length > 0 ? `?${pairs.join("&")}` : "";
}

/** Percent-encodes only what a query string cannot carry. */
function encodeReadable(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/%(3A|2C|2F|40|3D|3B|24)/g, (code) => decodeURIComponent(code));
}
