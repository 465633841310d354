// Metrics as the code of the design makes them: requests with `status_code`, durations in seconds over the default bounds
// of the SDK, which are meant for milliseconds.
const STEP_SECONDS = 15;
const LENGTH_SECONDS = 900;
const BOUNDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];

const text = (key, value) => ({ key, value: { stringValue: value } });

export async function sendDesignMetrics({ otlp, api }, endMilli = Date.now()) {
  const end = Math.floor(endMilli / 1000 / STEP_SECONDS) * STEP_SECONDS;
  const start = end - LENGTH_SECONDS;
  const requests = [];
  const durations = [];
  for (let second = 0; second <= LENGTH_SECONDS; second += STEP_SECONDS) {
    const times = { startTimeUnixNano: `${start}000000000`, timeUnixNano: `${start + second}000000000` };
    for (const [code, each] of [
      ["200", 50],
      ["500", 2],
    ]) {
      requests.push({
        ...times,
        asInt: String((second / STEP_SECONDS) * each),
        attributes: [text("status_code", code)],
      });
    }
    const count = String((second / STEP_SECONDS) * 50);
    durations.push({
      ...times,
      count,
      sum: Number(count) * 0.01,
      explicitBounds: BOUNDS,
      bucketCounts: ["0", count, ...BOUNDS.slice(1).map(() => "0")],
      attributes: [],
    });
  }
  const metrics = [
    { name: "http_requests_total", sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: requests } },
    { name: "http_request_duration_seconds", histogram: { aggregationTemporality: 2, dataPoints: durations } },
  ];
  const resource = { attributes: [text("service.name", "meetsmatch-api")] };
  const response = await fetch(`${otlp}/v1/metrics`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }),
  });
  if (!response.ok) throw new Error(`${otlp} answered ${response.status}: ${await response.text()}`);
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await (
      await fetch(`${api}/api/v1/query?query=http_request_duration_seconds_bucket&time=${end}`)
    ).json();
    if (answer.data?.result?.length > 0) return;
    if (Date.now() > deadline) throw new Error("the metrics that were sent cannot be found");
    await new Promise((done) => setTimeout(done, 100));
  }
}
