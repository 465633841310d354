/// <reference types="vitest/config" />
// Build configuration. Assets are referenced relative to `<base href>`, so the bundle works under any path prefix;
// nothing is inlined as a data URI, so a `default-src 'self'` policy is enough.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { "/api": process.env.BELLROCK_API ?? "http://127.0.0.1:8080" },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
  },
});
