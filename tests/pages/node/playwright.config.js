// Run by tests/server/pages.rs, which starts a keyward-server behind an Envoy and passes their
// addresses.
import { defineConfig } from "@playwright/test";

const base = {
  baseURL: process.env.KEYWARD_PAGES_URL,
  launchOptions: { executablePath: process.env.CHROMIUM_BIN || "/usr/bin/chromium", args: ["--no-sandbox"] },
  locale: "en-GB",
  timezoneId: "UTC",
  actionTimeout: 60_000,
};

export default defineConfig({
  outputDir: `${process.env.KEYWARD_PAGES_OUT}/results`,
  forbidOnly: true,
  // There is only one server. Tests of a file count what they made, so they run one after the other.
  fullyParallel: false,
  workers: 2,
  // Bounds for a machine that is busy; nothing waits so long on one that is not.
  timeout: Number(process.env.KEYWARD_PAGES_TIMEOUT ?? 600_000),
  expect: { timeout: 60_000 },
  reporter: [["line"]],
  projects: [
    { name: "once", testMatch: /\/once\.spec\.js/, use: { ...base, viewport: { width: 1280, height: 800 } } },
    { name: "states", fullyParallel: true, testMatch: /states\.spec\.js/, use: { ...base, viewport: { width: 1280, height: 800 } } },
    { name: "portal", fullyParallel: true, testMatch: /\/portal\.spec\.js/, use: { ...base, viewport: { width: 360, height: 800 } } },
    ...["behind", "no-keys", "no-store"].map((name) => ({
      name,
      testMatch: /broken\.spec\.js/,
      grep: new RegExp(`@${name} `),
      use: { ...base, viewport: { width: 1280, height: 800 }, storageState: name === "behind" ? undefined : process.env.KEYWARD_PAGES_SESSION },
    })),
    { name: "portal-once", testMatch: /portal-once\.spec\.js/, use: { ...base, viewport: { width: 360, height: 800 } } },
    { name: "flows", testMatch: /(flows|matrix|readme|secrecy|attacks|plain)\.spec\.js/, use: { ...base, viewport: { width: 1280, height: 800 } } },
  ],
});
