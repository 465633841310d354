// GET /api/v1/storage and what the configuration says of retention: bytes per signal, partition and column.
import { request } from "./client.ts";
import { blank, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

export interface Partition {
  name: string;
  min_time_unix_milli: number | null;
  max_time_unix_milli: number | null;
  records: number;
  bytes: number;
}

export interface Column {
  column: string;
  key: string;
  value_type: string;
  values: number;
  bytes: number;
}

export interface SignalStorage {
  signal: string;
  records: number;
  bytes: number;
  bytes_per_record: number;
  partitions: Partition[];
  columns: Column[];
}

export interface Removal {
  signal: string;
  name: string;
  bytes: number;
  reason: string;
}

export interface Storage {
  free_bytes: number | null;
  min_free_bytes: number;
  signals: SignalStorage[];
  removals: Removal[];
}

const storage = object<Storage>({
  free_bytes: nullable(number),
  min_free_bytes: zero,
  signals: list(
    object<SignalStorage>({
      signal: text,
      records: zero,
      bytes: zero,
      bytes_per_record: zero,
      partitions: withDefault(
        list(
          object<Partition>({
            name: blank,
            min_time_unix_milli: nullable(number),
            max_time_unix_milli: nullable(number),
            records: zero,
            bytes: zero,
          }),
        ),
        [],
      ),
      columns: withDefault(
        list(object<Column>({ column: blank, key: blank, value_type: blank, values: zero, bytes: zero })),
        [],
      ),
    }),
  ),
  removals: withDefault(list(object<Removal>({ signal: blank, name: blank, bytes: zero, reason: blank })), []),
});

export async function fetchStorage(signal: AbortSignal): Promise<Storage> {
  return (await request({ path: "api/v1/storage", decode: storage, signal })).value;
}

/** The effective configuration, as YAML. */
export async function fetchConfigText(signal: AbortSignal): Promise<string> {
  const decode = object<{ data: { yaml: string } }>({ data: object<{ yaml: string }>({ yaml: text }) });
  return (await request({ path: "api/v1/status/config", decode, signal })).value.data.yaml;
}
