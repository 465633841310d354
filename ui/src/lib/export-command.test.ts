import { expect, test } from "vitest";
import { exportCommand } from "./export-command.ts";

const range = { fromMilli: Date.UTC(2026, 10, 29, 8), toMilli: Date.UTC(2026, 10, 29, 9, 30) };

test("the command names everything that is looked at", () => {
  expect(exportCommand({ server: "http://127.0.0.1:8080/", signal: "logs", range, q: "" })).toBe(
    "bellrock export --api http://127.0.0.1:8080 --signal logs \\\n" +
      "  --from 2026-11-29T08:00:00.000Z --to 2026-11-29T09:30:00.000Z \\\n" +
      "  --out logs.parquet",
  );
});

test("a shell takes the filter as it is written", () => {
  const command = exportCommand({ server: "https://h/b", signal: "traces", range, q: `name:"it's" $HOME` });
  expect(command).toContain(`--filter='name:"it'\\''s" $HOME' \\\n`);
});

test("a filter that begins with a minus is no flag", () => {
  const command = exportCommand({ server: "https://h/b", signal: "logs", range, q: "-level:debug" });
  expect(command).toContain("--filter=-level:debug \\\n");
});
