// The documents part of the server (dashboards, views, short links) in memory, for runs in a browser that change
// things: the server under test keeps its documents.

/** Answers the requests of a page from memory. Returns the store, so that a run can look into it. */
export async function fakeDocuments(page, dashboards = {}) {
  const store = {
    dashboards: new Map(
      Object.entries(dashboards).map(([uid, document]) => [uid, [{ version: 1, document, message: "" }]]),
    ),
    views: [],
    links: new Map(),
  };
  const json = (route, status, body) =>
    route.fulfill({ status, contentType: "application/json", body: body === undefined ? "" : JSON.stringify(body) });
  const missing = (route) => json(route, 404, { error: { kind: "not_found", message: "not found" } });
  await page.route(/\/api\/ui\/v1\/dashboards/, async (route) => {
    const request = route.request();
    const [, uid, rest] = /dashboards(?:\/([^/?]+))?(?:\/([^?]+))?/.exec(request.url()) ?? [];
    const body = request.postDataJSON?.() ?? null;
    if (!uid && request.method() === "GET") {
      return json(route, 200, { dashboards: [...store.dashboards.keys()].map((each) => summary(store, each)) });
    }
    if (!uid) {
      const fresh = `board-${store.dashboards.size + 1}`;
      store.dashboards.set(fresh, [{ version: 1, document: body.document, message: body.message ?? "" }]);
      return json(route, 201, { uid: fresh, version: 1 });
    }
    const versions = store.dashboards.get(uid);
    if (!versions) return missing(route);
    const last = versions.at(-1);
    if (rest === "versions") {
      return json(route, 200, {
        versions: [...versions].reverse().map(({ version, message, document }) => ({
          version,
          message,
          updated_unix_milli: Date.now(),
          updated_by: "local",
          bytes: document.length,
        })),
      });
    }
    if (rest?.startsWith("versions/")) {
      const wanted = versions.find((each) => each.version === Number(rest.slice(9)));
      return wanted ? json(route, 200, { ...summary(store, uid), ...wanted }) : missing(route);
    }
    if (rest === "restore") {
      const wanted = versions.find((each) => each.version === body.version);
      versions.push({ ...wanted, version: last.version + 1, message: `restored ${body.version}` });
      return json(route, 200, { uid, version: last.version + 1 });
    }
    if (rest === "star") return json(route, 204);
    if (request.method() === "PUT") {
      if (body.version !== last.version) {
        return json(route, 409, {
          error: { kind: "conflict", message: "changed meanwhile" },
          current: { ...summary(store, uid), ...last },
        });
      }
      versions.push({ version: last.version + 1, document: body.document, message: body.message ?? "" });
      return json(route, 200, { uid, version: last.version + 1 });
    }
    return json(route, 200, { ...summary(store, uid), ...last });
  });
  await page.route(/\/api\/ui\/v1\/views/, (route) => {
    const body = route.request().postDataJSON?.() ?? null;
    if (route.request().method() === "POST") {
      const view = { id: String(store.views.length + 1), starred: false, ...body };
      store.views.push(view);
      return json(route, 201, view);
    }
    return json(route, 200, { views: store.views });
  });
  await page.route(/\/api\/ui\/v1\/links/, (route) => {
    const code = /links\/(\w+)/.exec(route.request().url())?.[1];
    if (code) return store.links.has(code) ? json(route, 200, { url: store.links.get(code) }) : missing(route);
    const fresh = `code${store.links.size + 1}`;
    store.links.set(fresh, route.request().postDataJSON().url);
    return json(route, 200, { code: fresh });
  });
  return store;
}

function summary(store, uid) {
  const { version, document } = store.dashboards.get(uid).at(-1);
  const parsed = JSON.parse(document);
  const body = parsed.dashboard ?? parsed;
  return {
    uid,
    title: body.title,
    tags: body.tags ?? [],
    folder: "",
    panels: body.panels.length,
    source: "user",
    read_only: false,
    version,
    updated_unix_milli: Date.now(),
    updated_by: "local",
    starred: false,
    problem: null,
  };
}
