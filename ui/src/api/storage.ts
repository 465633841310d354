// GET /api/v1/storage and what the configuration says of retention: bytes per signal, partition and column.
import { request, sendJson } from "./client.ts";
import { blank, type Decoder, list, nullable, number, object, text, withDefault, zero } from "./decode.ts";

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

/** What only memory and the log hold. */
export interface InMemory {
  signal: string;
  records: number;
  bytes: number;
}

export interface Storage {
  free_bytes: number | null;
  min_free_bytes: number;
  signals: SignalStorage[];
  memory: InMemory[];
  removals: Removal[];
}

/** A partition goes by the name `partition`. */
const removal: Decoder<Removal> = (value) => {
  const read = object<Removal & { partition: string }>({
    signal: blank,
    name: blank,
    partition: blank,
    bytes: zero,
    reason: blank,
  })(value);
  return { signal: read.signal, name: read.name || read.partition, bytes: read.bytes, reason: read.reason };
};

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
  memory: withDefault(list(object<InMemory>({ signal: text, records: zero, bytes: zero })), []),
  removals: withDefault(list(removal), []),
});

/** What another retention would remove at once. */
export interface RetentionEffect {
  removals: Removal[];
  bytes: number;
  records: number;
  /** What is older goes. */
  before_unix_milli: number | null;
  /** The lines of the configuration that make it so. */
  yaml: string;
}

const retentionEffect = object<RetentionEffect>({
  removals: list(removal),
  bytes: zero,
  records: zero,
  before_unix_milli: nullable(number),
  yaml: blank,
});

/** Empty texts keep what is configured. */
export function previewRetention(
  { signal, retention, sizeMax }: { signal: string; retention: string; sizeMax: string },
  abort: AbortSignal,
): Promise<RetentionEffect> {
  const body = { signal, ...(retention && { retention }), ...(sizeMax && { size_max: sizeMax }) };
  const path = "api/v1/storage/retention/preview";
  return sendJson({ method: "POST", path, body, signal: abort, decode: retentionEffect });
}

export async function fetchStorage(signal: AbortSignal): Promise<Storage> {
  return (await request({ path: "api/v1/storage", decode: storage, signal })).value;
}

/** The effective configuration, as YAML. */
export async function fetchConfigText(signal: AbortSignal): Promise<string> {
  const decode = object<{ data: { yaml: string } }>({ data: object<{ yaml: string }>({ yaml: text }) });
  return (await request({ path: "api/v1/status/config", decode, signal })).value.data.yaml;
}
