// What the threads of a page did, from Chromium's trace. Each task has its length and the CPU time in it: on a machine
// that has other work the length says how long the page waited, the CPU time what the page is to blame for.

const CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"];

/** Starts a trace; `stop` answers with tasks of the main thread, CPU of the workers, and CPU from frame to frame. */
export async function trace(page) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => {
    for (const event of value) if (WANTED.has(event.name)) events.push(event);
  });
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: CATEGORIES, excludedCategories: ["*"] },
  });
  return async () => {
    const ended = new Promise((done) => session.once("Tracing.tracingComplete", done));
    await session.send("Tracing.end");
    await ended;
    await session.detach();
    return summary(events);
  };
}

/** Where script runs; one inside of another is counted once. */
const SCRIPT = new Set([
  "FunctionCall",
  "EvaluateScript",
  "RunMicrotasks",
  "FireAnimationFrame",
  "EventDispatch",
  "TimerFire",
]);
const WANTED = new Set(["thread_name", "RunTask", ...SCRIPT]);

function summary(events) {
  const threads = new Map();
  for (const { name, pid, tid, args } of events) {
    if (name === "thread_name") {
      threads.set(`${pid}:${tid}`, { name: args.name, tasks: [], scripts: [], harness: [], ticks: [], cpu: 0 });
    }
  }
  for (const { name, pid, tid, ts, dur, tdur, args } of events) {
    const thread = threads.get(`${pid}:${tid}`);
    if (!thread) continue;
    if (name === "FireAnimationFrame") thread.ticks.push(ts);
    if (dur === undefined) continue;
    const piece = { at: ts, wall: dur / 1000, cpu: (tdur ?? dur) / 1000 };
    if (name === "EvaluateScript" && !args.data?.url) thread.harness.push(piece);
    else if (SCRIPT.has(name)) thread.scripts.push(piece);
    if (name === "RunTask") thread.tasks.push(piece);
  }
  for (const thread of threads.values()) {
    thread.tasks = without(thread.tasks, thread.harness);
    thread.cpu = thread.tasks.reduce((sum, { cpu }) => sum + cpu, 0);
  }
  const all = [...threads.values()];
  // The browser has other pages, which do nothing: the page is where the work is.
  const [main] = all.filter(({ name }) => name === "CrRendererMain").sort((a, b) => b.cpu - a.cpu);
  const tasks = main?.tasks ?? [];
  const workers = all.filter(({ name }) => name.startsWith("DedicatedWorker"));
  return {
    cpu: main?.cpu ?? 0,
    workerCpu: workers.reduce((sum, { cpu }) => sum + cpu, 0),
    longest: {
      wall: Math.max(0, ...tasks.map(({ wall }) => wall)),
      cpu: Math.max(0, ...tasks.map(({ cpu }) => cpu)),
    },
    frameCpu: perFrame(tasks, main?.ticks ?? []),
    frameScript: perFrame(outermost(main?.scripts ?? []), main?.ticks ?? []),
  };
}

/**
 * Tasks, less what the harness evaluated in them: a script without an address came through the debugger. Compiling what a
 * waiting function needs takes a page longer than most of what it does by itself.
 */
function without(tasks, harness) {
  const theirs = outermost(harness);
  let next = 0;
  return [...tasks]
    .sort((a, b) => a.at - b.at)
    .map(({ at, wall, cpu }) => {
      const left = { at, wall, cpu };
      while (next < theirs.length && theirs[next].at < at) next++;
      for (; next < theirs.length && theirs[next].at < at + wall * 1000; next++) {
        left.wall -= theirs[next].wall;
        left.cpu = Math.max(0, left.cpu - theirs[next].cpu);
      }
      return left;
    });
}

function outermost(pieces) {
  let until = Number.NEGATIVE_INFINITY;
  return [...pieces]
    .sort((a, b) => a.at - b.at || b.wall - a.wall)
    .filter(({ at, wall }) => {
      const outer = at >= until;
      if (outer) until = at + wall * 1000;
      return outer;
    });
}

/** CPU of the main thread between one animation frame and the next. */
function perFrame(tasks, ticks) {
  const starts = [...new Set(ticks)].sort((a, b) => a - b);
  if (starts.length < 2) return [];
  const sums = new Array(starts.length).fill(0);
  let frame = 0;
  for (const { at, cpu, wall } of [...tasks].sort((a, b) => a.at - b.at)) {
    // A task that holds the callback of a frame begins before it: it belongs to that frame.
    const end = at + wall * 1000;
    while (frame + 1 < starts.length && starts[frame + 1] <= end) frame++;
    if (end >= starts[0]) sums[frame] += cpu;
  }
  return sums.slice(0, -1);
}
