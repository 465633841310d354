// OTLP values as the API spells them in JSON: proto3 JSON mapping, so 64-bit integers are strings and bytes base64.
import type { Decoder } from "./decode.ts";
import { blank, DecodeError, isObject, list, object, text, withDefault, zero } from "./decode.ts";

export type AnyValue =
  | { stringValue: string }
  | { intValue: string }
  | { doubleValue: number | string }
  | { boolValue: boolean }
  | { bytesValue: string }
  | { arrayValue: { values: AnyValue[] } }
  | { kvlistValue: { values: KeyValue[] } }
  | Record<string, never>;

export interface KeyValue {
  key: string;
  value: AnyValue;
}

/** Checks the outer shape only; `plainValue` copes with anything inside. */
export const anyValue: Decoder<AnyValue> = (value) => {
  if (value === null || value === undefined) return {};
  if (!isObject(value)) throw new DecodeError("an attribute value");
  return value as AnyValue;
};

export const keyValues: Decoder<KeyValue[]> = withDefault(list(object<KeyValue>({ key: text, value: anyValue })), []);

export interface Resource {
  attributes: KeyValue[];
  dropped_attributes_count: number;
  schema_url: string;
}

export interface Scope extends Resource {
  name: string;
  version: string;
}

export const resource: Decoder<Resource> = object<Resource>({
  attributes: keyValues,
  dropped_attributes_count: zero,
  schema_url: blank,
});

export const scope: Decoder<Scope> = object<Scope>({
  name: blank,
  version: blank,
  attributes: keyValues,
  dropped_attributes_count: zero,
  schema_url: blank,
});

export const EMPTY_RESOURCE: Resource = { attributes: [], dropped_attributes_count: 0, schema_url: "" };
export const EMPTY_SCOPE: Scope = { ...EMPTY_RESOURCE, name: "", version: "" };

export interface QueryStats {
  rows_scanned: number;
  blocks_scanned: number;
  blocks_skipped: number;
  elapsed_ms: number;
}

export const queryStats: Decoder<QueryStats | null> = (value) =>
  isObject(value)
    ? object<QueryStats>({ rows_scanned: zero, blocks_scanned: zero, blocks_skipped: zero, elapsed_ms: zero })(value)
    : null;

export interface Partial {
  reason: string;
}

/** Why the answer is incomplete, or null when it is complete. */
export const partial: Decoder<Partial | null> = (value) => {
  if (typeof value === "string") return { reason: value };
  return isObject(value) ? object<Partial>({ reason: text })(value) : null;
};

export interface Envelope {
  partial: Partial | null;
  stats: QueryStats | null;
}

export const envelope = { partial, stats: queryStats };

/** An attribute value as plain JavaScript, for display and raw JSON. Integers stay strings when a double cannot hold them. */
export function plainValue(value: AnyValue): unknown {
  if ("stringValue" in value) return value.stringValue;
  if ("intValue" in value) {
    const asNumber = Number(value.intValue);
    return Number.isSafeInteger(asNumber) ? asNumber : value.intValue;
  }
  if ("doubleValue" in value) return value.doubleValue;
  if ("boolValue" in value) return value.boolValue;
  if ("bytesValue" in value) return value.bytesValue;
  if ("arrayValue" in value) return value.arrayValue?.values?.map(plainValue) ?? [];
  if ("kvlistValue" in value) {
    return Object.fromEntries(value.kvlistValue?.values?.map((entry) => [entry.key, plainValue(entry.value)]) ?? []);
  }
  return null;
}

/** One line: strings as they are, everything else as JSON. */
export function valueText(value: AnyValue): string {
  const plain = plainValue(value);
  if (plain === null) return "";
  return typeof plain === "string" ? plain : JSON.stringify(plain);
}

export function valueType(value: AnyValue): string {
  const key = Object.keys(value)[0];
  return key ? key.replace("Value", "") : "empty";
}

export function findAttribute(attributes: readonly KeyValue[], key: string): string | undefined {
  const found = attributes.find((entry) => entry.key === key);
  return found ? valueText(found.value) : undefined;
}
