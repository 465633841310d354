// One group of exceptions as a page of its own.
import { useParams } from "@tanstack/react-router";
import { useReport } from "../../lib/report.ts";
import { useTime } from "../../lib/view.ts";
import { ErrorDetail } from "./ErrorDetail.tsx";

export function ErrorPage() {
  const { group = "" } = useParams({ strict: false });
  const { asOfMilli } = useTime();
  useReport({ asOfMilli, elapsedMs: null, rowsScanned: null, partial: null, notes: [], busy: false });
  return <ErrorDetail id={group} />;
}
