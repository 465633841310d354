import { expect, test } from "vitest";
import { type Binding, KeyRegistry, keyName } from "./keys.ts";

function binding(keys: string): Binding {
  return { keys, label: keys, run: () => {} };
}

test("two bindings of one scope may not share a key", () => {
  const registry = new KeyRegistry();
  registry.add({ scope: "page", title: "a", bindings: [binding("j")] });
  expect(() => registry.add({ scope: "page", title: "b", bindings: [binding("j")] })).toThrow("bound twice");
  expect(() => registry.add({ scope: "peek", title: "c", bindings: [binding("j")] })).not.toThrow();
});

test("inner scopes win and removal gives the key back", () => {
  const registry = new KeyRegistry();
  const outer = binding("Escape");
  const inner = binding("Escape");
  registry.add({ scope: "global", title: "g", bindings: [outer] });
  const remove = registry.add({ scope: "peek", title: "p", bindings: [inner] });
  expect(registry.resolve("Escape", 0)).toBe(inner);
  remove();
  expect(registry.resolve("Escape", 0)).toBe(outer);
});

test("chords wait for the second key, and only for a second", () => {
  const registry = new KeyRegistry();
  const go = binding("g t");
  const plain = binding("t");
  registry.add({ scope: "global", title: "g", bindings: [go, plain] });
  expect(registry.resolve("g", 1000)).toBeNull();
  expect(registry.pendingKeys()).toBe("g");
  expect(registry.resolve("t", 1500)).toBe(go);
  registry.resolve("g", 2000);
  expect(registry.resolve("t", 3500)).toBe(plain);
});

test("names of keys", () => {
  const press = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  expect(keyName({ ...press, key: "K", ctrlKey: true })).toBe("mod+k");
  expect(keyName({ ...press, key: "P", shiftKey: true })).toBe("shift+p");
  expect(keyName({ ...press, key: "?", shiftKey: true })).toBe("?");
  expect(keyName({ ...press, key: " " })).toBe("Space");
});
