// The address senders must use: the host name of the browser's address bar with the port the server listens on.
import type { Status } from "../../api/status.ts";
import type { Target } from "./sources/source.ts";

const DEFAULT_GRPC_PORT = "4317";
const DEFAULT_HTTP_PORT = "4318";
const DEFAULT_API_PORT = "8080";

function portOf(address: string | undefined, fallback: string): string {
  return /:(\d+)$/.exec(address ?? "")?.[1] ?? fallback;
}

export function targetOf(
  endpoints: Status["endpoints"] | undefined,
  page: Pick<Location, "hostname">,
  service: string,
): Target {
  const grpcAddress = `${page.hostname}:${portOf(endpoints?.otlp_grpc, DEFAULT_GRPC_PORT)}`;
  return {
    httpUrl: `http://${page.hostname}:${portOf(endpoints?.otlp_http, DEFAULT_HTTP_PORT)}`,
    grpcUrl: `http://${grpcAddress}`,
    grpcAddress,
    apiUrl: `http://${page.hostname}:${portOf(endpoints?.api, DEFAULT_API_PORT)}`,
    host: page.hostname,
    service: service || "my-service",
  };
}
