// What the measurements share: medians, frames while something happens, what a page waited for, heap, keystrokes.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** Lengths of frames in milliseconds while `act` runs. */
export async function frames(page, act) {
  await page.evaluate(() => {
    const all = [];
    let last = performance.now();
    const tick = (now) => {
      all.push(now - last);
      last = now;
      if (!window.__stopFrames) requestAnimationFrame(tick);
    };
    window.__stopFrames = false;
    window.__frames = all;
    requestAnimationFrame(tick);
  });
  await act();
  return page.evaluate(() => {
    window.__stopFrames = true;
    return window.__frames.slice(1);
  });
}

/** Wheels over a place for so long. */
export async function wheel(page, selector, milliseconds, deltaY = 120) {
  const box = await page.locator(selector).first().boundingBox();
  if (!box) throw new Error(`there is no ${selector}`);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    await page.mouse.wheel(0, deltaY);
    await page.waitForTimeout(16);
  }
}

/**
 * From now on each document of the page notes when `selector` is first painted; `seen` waits for it and answers with
 * milliseconds since the navigation. Runs inside the page: waiting from outside would add its own turns.
 */
export async function watch(page, selector, count = 1) {
  await page.addInitScript(
    ([wanted, least]) => {
      window.__seen = null;
      const look = () => {
        if (document.querySelectorAll(wanted).length < least) requestAnimationFrame(look);
        else
          requestAnimationFrame(() => {
            // The frame that shows it is painted when the next task runs.
            const channel = new MessageChannel();
            channel.port1.onmessage = () => {
              window.__seen = performance.now();
            };
            channel.port2.postMessage(null);
          });
      };
      requestAnimationFrame(look);
    },
    [selector, count],
  );
  return async () => {
    await page.waitForFunction(() => window.__seen !== null, null, { timeout: 60_000 });
    return page.evaluate(() => window.__seen);
  };
}

/** When the last byte of a request whose address contains `part` had come, in milliseconds since the navigation. */
export const arrived = (page, part) =>
  page.evaluate(
    (wanted) =>
      Math.max(
        ...performance
          .getEntriesByType("resource")
          .filter(({ name }) => name.includes(wanted))
          .map(({ responseEnd }) => responseEnd),
      ),
    part,
  );

/** Megabytes of the JavaScript heap and of the buffers behind it, after a collection. */
export async function heap(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return (usedSize + backingStorageSize) / 1e6;
}

/** Counts CPU milliseconds of the main thread from now on. */
export async function cpuMeter(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const total = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0) * 1000;
  };
  const before = await total();
  return async () => (await total()) - before;
}

/** From each key to the paint that shows it, in milliseconds (the browser tells them in steps of 8, from 16 on). */
export async function keystrokes(page, text) {
  await page.evaluate(() => {
    window.__keys = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === "keydown") window.__keys.push(entry.duration);
    }).observe({ type: "event", durationThreshold: 16 });
  });
  for (const letter of text) {
    await page.keyboard.press(letter);
    await page.waitForTimeout(40);
  }
  await page.waitForTimeout(300);
  const slow = await page.evaluate(() => window.__keys);
  return [...slow, ...new Array(Math.max(0, text.length - slow.length)).fill(16)];
}
