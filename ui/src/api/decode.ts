// Runtime checks at the API boundary: a decoder turns `unknown` into a typed value or throws with the path of the
// first thing that is wrong. Unknown keys are dropped, so the server may add fields.

export type Decoder<T> = (value: unknown) => T;

export class DecodeError extends Error {
  /** Path from the root, such as `.traces[3].span_count`. */
  path = "";

  constructor(readonly expected: string) {
    super();
  }

  override get message(): string {
    return `unexpected response: ${this.path || "value"} is not ${this.expected}`;
  }
}

function within<T>(step: string, decode: Decoder<T>, value: unknown): T {
  try {
    return decode(value);
  } catch (error) {
    if (error instanceof DecodeError) error.path = step + error.path;
    throw error;
  }
}

export const text: Decoder<string> = (value) => {
  if (typeof value !== "string") throw new DecodeError("a string");
  return value;
};

export const number: Decoder<number> = (value) => {
  if (typeof value !== "number") throw new DecodeError("a number");
  return value;
};

export const bool: Decoder<boolean> = (value) => {
  if (typeof value !== "boolean") throw new DecodeError("a boolean");
  return value;
};

export const anything: Decoder<unknown> = (value) => value;

export function list<T>(item: Decoder<T>): Decoder<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new DecodeError("a list");
    return value.map((entry, index) => within(`[${index}]`, item, entry));
  };
}

export function record<T>(item: Decoder<T>): Decoder<Record<string, T>> {
  return (value) => {
    if (!isObject(value)) throw new DecodeError("an object");
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, within(`.${key}`, item, entry)]));
  };
}

export function object<T extends object>(fields: { [K in keyof T]-?: Decoder<T[K]> }): Decoder<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return (value) => {
    if (!isObject(value)) throw new DecodeError("an object");
    const out: Partial<T> = {};
    for (const key of keys) out[key] = within(`.${key}`, fields[key], value[key]);
    return out as T;
  };
}

export function nullable<T>(item: Decoder<T>): Decoder<T | null> {
  return (value) => (value === null || value === undefined ? null : item(value));
}

/** A missing or null value becomes `fallback`. */
export function withDefault<T>(item: Decoder<T>, fallback: T): Decoder<T> {
  return (value) => (value === null || value === undefined ? fallback : item(value));
}

/** What an older server leaves out. */
export const blank: Decoder<string> = withDefault(text, "");
export const zero: Decoder<number> = withDefault(number, 0);
export const words: Decoder<string[]> = withDefault(list(text), []);

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
