import { expect, test } from "vitest";
import { INFRASTRUCTURE } from "./sources/infrastructure.ts";
import { LANGUAGES } from "./sources/languages.ts";
import { MORE_LANGUAGES } from "./sources/more-languages.ts";
import { PROTOCOLS } from "./sources/protocols.ts";
import { SERVICES } from "./sources/services.ts";
import { collectorTail } from "./sources/source.ts";
import { targetOf } from "./target.ts";

const endpoints = { otlp_grpc: "0.0.0.0:14317", otlp_http: "[::]:14318", api: "", ui: "" };

test("the host of the page, the ports of the server", () => {
  expect(targetOf(endpoints, { hostname: "obs.example" }, "api")).toEqual({
    httpUrl: "http://obs.example:14318",
    grpcUrl: "http://obs.example:14317",
    grpcAddress: "obs.example:14317",
    apiUrl: "http://obs.example:8080",
    host: "obs.example",
    service: "api",
  });
  expect(targetOf(undefined, { hostname: "::1" }, "").httpUrl).toBe("http://::1:4318");
});

test.each(
  [...LANGUAGES, ...MORE_LANGUAGES, ...INFRASTRUCTURE, ...SERVICES].map((source) => [source.title, source] as const),
)("%s carries the address of this server in at most three steps", (_title, source) => {
  const steps = source.steps(targetOf(endpoints, { hostname: "obs.example" }, "shop"));
  expect(steps.length).toBeLessThanOrEqual(3);
  expect(steps.map((step) => step.text).join("\n")).toMatch(/obs\.example:1431[78]/);
});

test.each(PROTOCOLS.map((source) => [source.title, source] as const))(
  "%s has at most three steps",
  (_title, source) => {
    const steps = source.steps(targetOf(endpoints, { hostname: "obs.example" }, "shop"));
    expect(steps.length).toBeLessThanOrEqual(3);
    expect(steps.map((step) => step.text).join("\n")).not.toMatch(/undefined|localhost:(14268|9411|8080)/);
  },
);

test("no two sources have one id", () => {
  const ids = [...LANGUAGES, ...MORE_LANGUAGES, ...INFRASTRUCTURE, ...SERVICES, ...PROTOCOLS].map(
    (source) => source.id,
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test("a Collector's configuration ends with one pipeline per signal", () => {
  const tail = collectorTail(targetOf(endpoints, { hostname: "h" }, "s"), {
    metrics: ["redis", "nginx"],
    logs: ["filelog"],
  });
  expect(tail).toContain("endpoint: h:14317");
  expect(tail).toContain("    metrics:\n      receivers: [redis, nginx]\n      exporters: [otlp/bellrock]");
  expect(tail).not.toContain("traces:");
});
