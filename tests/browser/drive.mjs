// Chromium for tests: commands as lines of JSON on stdin, an answer for each on stdout.
//   {"id": 1, "page": "a", "open": {}}                      a page with window.phone
//   {"id": 2, "page": "a", "run": "call", "args": ["sip:600@..."]}
//   {"id": 3, "page": "a", "close": true}
//   {"id": 4, "page": "b", "open": {"url": "http://..."}}   a page as it is, in a profile of its own
//   {"id": 4, "page": "c", "open": {"site": "/dir", "file": "x.html"}}  a file of a directory, as http://localhost/x.html
//   {"id": 5, "page": "b", "at": "role=button[name='Call']", "act": "click", "args": []}     of a locator
//   {"id": 6, "page": "b", "act": "reload", "args": []}     of the page; "keyboard.press" and so on too
// Environment: CHROMIUM (program), TONE (wav file that is the microphone), SPKI (hashes of the keys, base64 of SHA-256,
// whose certificates are taken although no authority is known here; all others are refused).
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const bundle = await build({ entryPoints: [join(here, "libraries.js")], bundle: true, write: false, format: "iife",
  globalName: "Phones", logLevel: "error" });
const script = bundle.outputFiles[0].text + readFileSync(join(here, "phone.js"), "utf8");
const args = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
  "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,LocalNetworkAccessChecksWebRTC"];
if (process.env.SPKI) args.push(`--ignore-certificate-errors-spki-list=${process.env.SPKI}`);
if (process.env.TONE) args.push(`--use-file-for-fake-audio-capture=${process.env.TONE}`);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", headless: true, args });
const pages = new Map(), faults = [], requests = [];

function watch(name, page) {
  page.on("console", (m) => process.stderr.write(`${name}: ${m.text()}\n`));
  page.on("pageerror", (e) => { process.stderr.write(`${name}: ${e.stack}\n`); faults.push(`${name}: ${e.message}`); });
  page.on("dialog", (d) => d.accept());
  pages.set(name, page);
}

async function visit(name, { url, ...options }) {
  const page = await browser.newPage(options);
  // A busy machine draws seldom, and a click waits until what it clicks stands still.
  page.setDefaultTimeout(40000);
  watch(name, page);
  page.on("request", (r) => requests.push(r.url()));
  await page.goto(url);
}

// A page of localhost, which is where a microphone is allowed without a certificate.
async function open(name) {
  const page = await browser.newPage();
  watch(name, page);
  await page.route("http://localhost/**", (route) => route.fulfill({ contentType: "text/html",
    body: "<!doctype html><title>phone</title>" }));
  await page.goto("http://localhost/");
  await page.addScriptTag({ content: script });
}

// The same, of files; loading it again reads them again.
async function openSite(name, { site, file }) {
  const page = await browser.newPage();
  watch(name, page);
  await page.route("http://localhost/**", (route) => route.fulfill({ path: join(site, basename(new URL(route.request().url()).pathname)) }));
  await page.goto(`http://localhost/${file}`);
}

async function obey(c) {
  if (c.take) return c.take === "faults" ? faults.splice(0) : requests.splice(0);
  if (c.open?.url) return await visit(c.page, c.open);
  if (c.open?.site) return await openSite(c.page, c.open);
  if (c.open) return await open(c.page);
  const page = pages.get(c.page);
  if (c.close) { pages.delete(c.page); return await page.close(); }
  if (c.act) {
    const [on, method] = c.at ? [page.locator(c.at), c.act] : c.act.includes(".") ? [page.keyboard, c.act.split(".")[1]] : [page, c.act];
    const value = await on[method](...(c.args || []));
    return typeof value === "object" && value !== null && !Array.isArray(value) && value.constructor !== Object ? null : value;
  }
  return await page.evaluate(async ([fn, a]) => (await window.phone[fn](...a)) ?? null, [c.run, c.args || []]);
}

process.stdout.write(JSON.stringify({ id: 0, ok: true, version: browser.version() }) + "\n");
for await (const line of createInterface({ input: process.stdin })) {
  const c = JSON.parse(line);
  obey(c).then((value) => ({ id: c.id, ok: true, value: value ?? null }), (e) => ({ id: c.id, ok: false, error: String(e.message) }))
    .then((r) => process.stdout.write(JSON.stringify(r) + "\n"));
}
await browser.close();
