import { expect, test } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";

test("fingerprints are those of Prometheus", () => {
  expect(fingerprintOf({})).toBe("cbf29ce484222325");
  expect(fingerprintOf({ service_name: "meetsmatch-bot", alertname: "ServiceUpCritical", severity: "critical" })).toBe(
    "135ebad9d7ae12e7",
  );
});
