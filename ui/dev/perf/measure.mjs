// What the measurements share: frames while something happens, long tasks, heap, medians.

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

/** Collects tasks of more than 50 ms from now on; call the result for their lengths. */
export async function longTasks(page) {
  await page.evaluate(() => {
    window.__tasks = [];
    new PerformanceObserver((list) => window.__tasks.push(...list.getEntries().map((entry) => entry.duration))).observe(
      {
        type: "longtask",
      },
    );
  });
  return () => page.evaluate(() => window.__tasks);
}

/** Megabytes of the JavaScript heap and of the buffers behind it, after a collection. */
export async function heap(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return (usedSize + backingStorageSize) / 1e6;
}
