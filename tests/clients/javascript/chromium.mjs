// Starts the Chromium named by BELLROCK_CHROMIUM, headless.

import { chromium } from "playwright-core";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.BELLROCK_CHROMIUM,
    // The sandbox needs what containers and root do not have; the pages are our own.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
