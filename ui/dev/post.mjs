// Data for a server under test. What it did not take whole is an error: a page over half of the data would be measured.

export async function post(url, body) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  const answer = text ? JSON.parse(text) : {};
  const refused = answer.partialSuccess?.errorMessage;
  if (refused) {
    const remedy = refused.includes("too old") ? "; start it with `metrics: {out_of_order_time_window: 14d}`" : "";
    throw new Error(`${url} did not take all of it: ${refused}${remedy}`);
  }
  return answer;
}
