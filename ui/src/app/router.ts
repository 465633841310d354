// The router: base path from `<base href>`, readable search strings, pages fetched when a link is hovered or focused.
import { createRouter } from "@tanstack/react-router";
import { parseSearch, stringifySearch } from "../lib/search.ts";
import { routeTree } from "../routes/tree.tsx";
import { PageError } from "./PageError.tsx";

export const router = createRouter({
  routeTree,
  basepath: new URL(document.baseURI).pathname,
  parseSearch,
  stringifySearch,
  defaultPreload: "intent",
  scrollRestoration: false,
  defaultErrorComponent: PageError,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
