import { expect, test } from "vitest";
import { INFRASTRUCTURE } from "./sources/infrastructure.ts";
import { LANGUAGES } from "./sources/languages.ts";
import { targetOf } from "./target.ts";

const endpoints = { otlp_grpc: "0.0.0.0:14317", otlp_http: "[::]:14318", api: "", ui: "" };

test("the host of the page, the ports of the server", () => {
  expect(targetOf(endpoints, { hostname: "obs.example" }, "api")).toEqual({
    httpUrl: "http://obs.example:14318",
    grpcUrl: "http://obs.example:14317",
    grpcAddress: "obs.example:14317",
    service: "api",
  });
  expect(targetOf(undefined, { hostname: "::1" }, "").httpUrl).toBe("http://::1:4318");
});

test.each([...LANGUAGES, ...INFRASTRUCTURE].map((source) => [source.title, source] as const))(
  "%s carries the address of this server in at most three steps",
  (_title, source) => {
    const steps = source.steps(targetOf(endpoints, { hostname: "obs.example" }, "shop"));
    expect(steps.length).toBeLessThanOrEqual(3);
    expect(steps.map((step) => step.text).join("\n")).toMatch(/obs\.example:1431[78]/);
  },
);
