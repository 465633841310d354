// GET /api/v1/alerts of the Prometheus API: what fires now.
import { request } from "./client.ts";
import { list, object, record, text, withDefault } from "./decode.ts";

export interface FiringAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** "pending" or "firing". */
  state: string;
  activeAt: string;
  value: string;
}

const blank = withDefault(text, "");
const texts = withDefault(record(text), {});

const answer = object<{ data: { alerts: FiringAlert[] } }>({
  data: object<{ alerts: FiringAlert[] }>({
    alerts: list(
      object<FiringAlert>({ labels: texts, annotations: texts, state: blank, activeAt: blank, value: blank }),
    ),
  }),
});

export async function fetchAlerts(signal: AbortSignal): Promise<FiringAlert[]> {
  return (await request({ path: "api/v1/alerts", decode: answer, signal })).value.data.alerts;
}
