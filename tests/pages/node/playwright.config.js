// Run by tests/server/pages.rs, which starts a keyward-server behind an Envoy and says where they are.
import { defineConfig } from "@playwright/test";

const base = {
  baseURL: process.env.KEYWARD_PAGES_URL,
  launchOptions: { executablePath: process.env.CHROMIUM_BIN || "/usr/bin/chromium", args: ["--no-sandbox"] },
  locale: "en-GB",
  timezoneId: "UTC",
};

// Every width and scheme that pages are looked at in.
const looks = [["", /states\.spec\.js/], ["portal-", /\/portal\.spec\.js/]].flatMap(([prefix, testMatch]) => [360, 768, 1280].flatMap((width) =>
  ["light", "dark"].map((colorScheme) => ({
    name: `${prefix}${width}-${colorScheme}`,
    testMatch,
    use: { ...base, viewport: { width, height: 800 }, colorScheme },
  })),
));

export default defineConfig({
  outputDir: process.env.KEYWARD_PAGES_OUT,
  forbidOnly: true,
  fullyParallel: false,
  // The server is one, and tests count what they made.
  workers: 1,
  // Bounds for a machine that is busy; nothing waits so long on one that is not.
  timeout: 600_000,
  expect: { timeout: 30_000 },
  reporter: [["line"]],
  projects: [
    { name: "once", testMatch: /once\.spec\.js/, use: { ...base, viewport: { width: 1280, height: 800 } } },
    { name: "portal-once", testMatch: /portal-once\.spec\.js/, use: { ...base, viewport: { width: 360, height: 800 } } },
    ...looks,
    { name: "flows", testMatch: /(flows|matrix|readme|secrecy|attacks|plain)\.spec\.js/, use: { ...base, viewport: { width: 1280, height: 800 } } },
  ],
});
