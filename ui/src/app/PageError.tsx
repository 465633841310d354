// Shown in place of a page that failed while rendering; the shell stays usable.
import type { ErrorComponentProps } from "@tanstack/react-router";
import { ErrorBox } from "../components/States.tsx";

export function PageError({ error, reset }: ErrorComponentProps) {
  return <ErrorBox error={error instanceof Error ? error : new Error(String(error))} onRetry={reset} />;
}
