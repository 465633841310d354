import { expect, test } from "vitest";
import type { SignalStorage } from "../../api/storage.ts";
import { outlook, readPolicy, readRetention, seconds } from "./retention.ts";

const yaml = `storage:
  retention: 15d
  logs: {retention: 3d, size_max: 10GiB}
  metrics: {retention: 15d, size_max: 0B}
  when_low: refuse
`;

test("retention is read from the effective configuration", () => {
  expect([...readRetention(yaml)]).toEqual([
    ["logs", { retention: "3d", sizeMax: "10GiB" }],
    ["metrics", { retention: "15d", sizeMax: "0B" }],
  ]);
  expect(readPolicy(yaml)).toBe("refuse");
  expect(readRetention("").size).toBe(0);
});

test("durations", () => {
  expect([seconds("15d"), seconds("1h30m"), seconds("soon")]).toEqual([1_296_000, 5400, null]);
});

test("what comes in a day, and what it takes in the end", () => {
  const partition = { name: "", records: 1, bytes: 1000, min_time_unix_milli: 0, max_time_unix_milli: 43_200_000 };
  const storage: SignalStorage = {
    signal: "logs",
    records: 1,
    bytes: 1000,
    bytes_per_record: 1,
    partitions: [partition],
    columns: [],
  };
  expect(outlook(storage, "3d")).toEqual({ oldestMilli: 0, bytesPerDay: 2000, steadyBytes: 6000 });
  expect(outlook({ ...storage, partitions: [] }, "3d").bytesPerDay).toBeNull();
  const short = { ...partition, max_time_unix_milli: 1000 };
  expect(outlook({ ...storage, partitions: [short] }, "3d").bytesPerDay).toBeNull();
});
