// Entry point: styles, theme, query cache, router.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "../api/client.ts";
import { followTheme } from "../lib/preferences.ts";
import "../styles/tokens.css";
import "../styles/base.css";
import { router } from "./router.ts";

const CACHE_MILLI = 10 * 60_000;
const MAX_RETRIES = 2;

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      gcTime: CACHE_MILLI,
      // Ranges are resolved before they become query keys, so an answer stays true until the user refreshes.
      staleTime: CACHE_MILLI,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        error instanceof ApiError &&
        (error.kind === "offline" || error.kind === "unavailable") &&
        failures < MAX_RETRIES,
    },
  },
});

followTheme();
// Canvases that were drawn before the fonts arrived are drawn again.
void document.fonts.ready.then(() => window.dispatchEvent(new Event("bellrock:theme")));

const container = document.getElementById("root");
if (container) {
  createRoot(container).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
