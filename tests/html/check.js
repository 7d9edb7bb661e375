// Opens an HTML report in Chromium as a person would and prints what was seen as JSON:
// node check.js SCENARIO FILE. With PROBITY_SCREENSHOTS=FOLDER it leaves pictures there.
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const puppeteer = require('puppeteer-core');

const [scenario, file] = process.argv.slice(2);
const address = pathToFileURL(file).href;

/** A page that keeps what it complained of and asked for. */
async function opened(browser, seen) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on('console', (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => seen.console.push(`error: ${error.message}`));
  page.on('dialog', async (dialog) => { seen.dialogs.push(dialog.message()); await dialog.dismiss(); });
  page.on('request', (request) => {
    const url = request.url();
    if (url.split('#')[0] !== address && !url.startsWith('data:,')) seen.requests.push(url);
  });
  return page;
}

const text = (page, selector) => page.$eval(selector, (element) => element.innerText);
const count = (page, selector) => page.$$eval(selector, (all) => all.length);
const hash = (page) => page.evaluate(() => location.hash);
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function picture(page, name, fullPage = true) {
  if (process.env.PROBITY_SCREENSHOTS) await page.screenshot({ path: join(process.env.PROBITY_SCREENSHOTS, `${name}.png`), fullPage });
}

/** Everything a person does with a page. */
async function tour(browser, seen) {
  const page = await opened(browser, seen);
  const began = Date.now();
  await page.goto(address);
  seen.milliseconds = Date.now() - began;
  const nodes = await page.evaluate(() => nodes.length);
  await picture(page, `light-${nodes}`);
  seen.verdict = await text(page, 'header.verdict');
  seen.plainIsGone = !(await page.$('#plain'));
  seen.nodes = nodes;
  seen.rows = await count(page, 'article.control');
  seen.order = await page.$$eval('.kind.bad article', (all) => all.map((one) => one.dataset.key.split('/')[1]));
  seen.summary = await text(page, '#count');

  // The first of the list that failed, opened.
  await page.click('article.bad .toggle');
  seen.opened = await text(page, 'article.bad .body');
  seen.hashOpen = await hash(page);
  await picture(page, `open-${nodes}`);

  // Only what failed, then that and what could not be checked, then all again.
  await page.click('.state.failed');
  seen.failedOnly = { hash: await hash(page), rows: await count(page, 'article.control'), bad: await count(page, 'article.bad') };
  await page.click('.state.errored');
  seen.bothOnly = (await hash(page)).split('&')[0];
  await page.click('.state.failed');
  await page.click('.state.errored');
  seen.allAgain = await count(page, 'article.control');
  await page.type('#search', 'no such word');
  await page.waitForFunction(() => location.hash.includes('q='));
  seen.nothingLeft = await text(page, '#controls');
  await page.click('#controls button');

  // Search, and its words in the address; the address opened anew shows the same.
  await page.type('#search', 'permitrootlogin');
  await page.waitForFunction(() => location.hash.includes('q=permitrootlogin'));
  seen.found = await page.$$eval('article.control', (all) => all.map((one) => one.dataset.key.split('/')[1]));
  const shared = await page.evaluate(() => location.href);
  const summary = await text(page, '#count');
  const again = await opened(browser, seen);
  await again.goto('about:blank');
  await again.goto(shared);
  seen.restored = { same: (await text(again, '#count')) === summary, search: await again.$eval('#search', (field) => field.value) };
  await again.close();
  // `/` goes to the search, where all is typed over and the answer is everything again.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('/');
  seen.slash = await page.evaluate(() => document.activeElement.id);
  await page.$eval('#search', (field) => field.select());
  await page.keyboard.press('Backspace');
  await page.waitForFunction(() => !location.hash.includes('q='));

  // A node is chosen in the table of nodes and shown with its facts.
  if (nodes > 1) await page.click('#nodes tbody .toggle');
  seen.facts = await text(page, '#nodes tr.detail');
  await page.click('#map-text summary');
  await page.waitForSelector('#map-text table');
  seen.mapText = await text(page, '#map-text');
  await page.click('#map-text summary');

  // A link within the page goes there and leaves the address alone.
  const before = await hash(page);
  await page.click('#jump a[href="#nodes-title"]');
  seen.jump = { stays: (await hash(page)) === before, focus: await page.evaluate(() => document.activeElement.id) };

  // The map by keyboard alone.
  const field = (await page.$('#map canvas')) ? '#map canvas' : '#map .tile';
  await page.focus(field);
  const tells = () => page.evaluate(() => document.getElementById('readout').textContent);
  const first = await tells();
  await page.keyboard.press('ArrowRight');
  const second = await tells();
  await page.keyboard.press('ArrowLeft');
  const back = await tells();
  await page.keyboard.press('Enter');
  seen.keyboard = { first, second, back, hash: await hash(page), focus: await page.evaluate(() => document.activeElement.tagName + document.activeElement.className) };
  seen.chosen = { rows: await count(page, 'article.control'), open: await count(page, 'article.control.open') };
  await picture(page, `chosen-${nodes}`);
  await page.keyboard.press('Escape');
  seen.cleared = await hash(page);
  // And by mouse: a click on the third row of a map, and the label of the first.
  if (field.includes('canvas')) {
    const box = await (await page.$(field)).boundingBox();
    const place = await page.evaluate(() => ({ top: map.top, width: map.width }));
    await page.mouse.click(box.x + 2.5 * Math.max(1, place.width), box.y + place.top + 2 * 20 + 8);
    seen.clicked = await hash(page);
    await page.keyboard.press('Escape');
    await page.click('.map-label');
    seen.label = await hash(page);
    await page.keyboard.press('Escape');
    seen.wider = (await page.$eval('#wider', (button) => button.hidden)) ? 'all are wide' : await page.evaluate(() => { const before = map.width; document.getElementById('wider').click(); return map.width > before; });
    await picture(page, `wider-${nodes}`, false);
    if (seen.wider === true) await page.click('#narrower');
  }
  // Whoever goes by Tab sees where they are, and gets to a toggle and opens it.
  await page.focus('#search');
  for (let press = 0; press < 200; press++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement.matches('article.bad .toggle'))) break;
  }
  seen.outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle + ' ' + document.activeElement.className);
  const expanded = () => page.evaluate(() => document.activeElement.getAttribute('aria-expanded'));
  seen.byKey = [await expanded()];
  await page.keyboard.press('Enter');
  seen.byKey.push(await expanded());
  await page.keyboard.press('Space');
  seen.byKey.push(await expanded());
  seen.unnamed = await page.$$eval('button, input, select, canvas, a', (all) => all.filter((one) => one.checkVisibility() && !(one.getAttribute('aria-label') || one.innerText || one.labels?.length)).map((one) => one.outerHTML.slice(0, 100)));

  // Dark by the system, then by the switch.
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  seen.light = await ground();
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
  seen.dark = await ground();
  await picture(page, `dark-${nodes}`);
  await page.click('#theme');
  await page.click('#theme');
  seen.lightAgain = await ground();
  await page.click('#theme');

  // Print: what is bad is open on paper, in dark colours nowhere, and closed again after.
  await page.click('#close-all');
  const printed = Date.now();
  const pdf = await page.pdf({ format: 'A4', timeout: 120000, path: process.env.PROBITY_SCREENSHOTS && join(process.env.PROBITY_SCREENSHOTS, `print-${nodes}.pdf`) });
  seen.print = { milliseconds: Date.now() - printed, bytes: pdf.length, isPdf: Buffer.from(pdf.slice(0, 5)).toString() };
  seen.afterPrint = await count(page, 'article.control.open');
  await page.emulateMediaType('print');
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  seen.onPaper = {
    ground: await ground(),
    bad: await count(page, 'article.bad'),
    open: await count(page, 'article.bad .body:not([hidden])'),
    names: (await count(page, '.names-on-paper')) > 0,
    bar: await page.$eval('#search', (one) => one.checkVisibility()),
    map: await count(page, nodes > 4 ? '.paper-map rect' : '#map .tile'),
    canvas: await count(page, 'canvas'),
    nodes: await count(page, '#nodes .nodes > tbody > tr:not(.detail)'),
  };
  await picture(page, `paper-${nodes}`);
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  await page.emulateMediaType('screen');
}

/** Whether anything of a hostile page came to life. */
async function hostile(browser, seen) {
  const page = await opened(browser, seen);
  await page.goto(address);
  await picture(page, 'hostile');
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
    for (const article of document.querySelectorAll('article.control')) article.openBody(true);
    for (const toggle of document.querySelectorAll('#nodes .toggle')) toggle.click();
  });
  await pause(200);
  await page.evaluate(() => { for (const details of document.querySelectorAll('details')) details.open = true; });
  for (const button of await page.$$('#nodes .name')) { await button.click(); break; }
  await page.type('#search', '<img src=x onerror=hit()>');
  await pause(300);
  await page.evaluate(() => { location.hash = "q=%3Cimg src=x onerror=hit()%3E&node=%3Cscript%3Ehit()%3C/script%3E&sort=constructor&order=__proto__&open=__proto__"; });
  await pause(300);
  seen.fromAddress = await text(page, '#chosen');
  await page.evaluate(() => { location.hash = ''; });
  await pause(300);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  seen.body = await page.evaluate(() => document.body.innerText);
  seen.ran = await page.evaluate(() => window.hit !== undefined);
  const ours = ['NAV', 'svg', 'rect', 'text', 'A', 'ARTICLE', 'B', 'BODY', 'BUTTON', 'CANVAS', 'CODE', 'DD', 'DETAILS', 'DIV', 'DL', 'DT', 'H1', 'H2', 'H3', 'H4', 'H5', 'HEAD', 'HEADER', 'HTML', 'INPUT', 'KBD', 'LABEL', 'LI', 'LINK', 'MAIN', 'META', 'OPTION', 'P', 'PRE', 'SCRIPT', 'SECTION', 'SELECT', 'SMALL', 'SPAN', 'STRONG', 'STYLE', 'SUMMARY', 'TABLE', 'TBODY', 'TD', 'TH', 'THEAD', 'TIME', 'TITLE', 'TR', 'UL', 'CAPTION'];
  seen.foreign = await page.$$eval('*', (all, ours) => all.map((one) => one.tagName).filter((tag) => !ours.includes(tag)), ours);
  seen.scripts = await count(page, 'script');
  seen.handlers = await page.$$eval('*', (all) => all.flatMap((one) => [...one.attributes].filter((attribute) => attribute.name.startsWith('on')).map((attribute) => attribute.name)));
  seen.links = await page.$$eval('[href]', (all) => all.map((one) => one.getAttribute('href')));
  seen.styles = await page.$$eval('style', (all) => all.length);
  // The policy itself: even a script that got in would not run.
  seen.policy = await page.evaluate(() => {
    const script = document.createElement('script');
    try { script.text = 'window.injected = 1'; document.body.append(script); } catch { /* refused before it stood there */ }
    return window.injected === undefined;
  });
  seen.console = seen.console.filter((line) => !/TrustedScript|Content Security Policy/.test(line));
}

/** What is there without scripts, and as Jenkins serves it: without scripts and styles. */
async function bare(browser, seen) {
  const page = await opened(browser, seen);
  await page.setJavaScriptEnabled(false);
  await page.goto(address);
  seen.withoutScripts = await text(page, 'body');
  await picture(page, 'no-script');
  await page.close();
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';" });
    response.end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const other = await browser.newPage();
  await other.setViewport({ width: 1280, height: 900 });
  await other.goto(`http://127.0.0.1:${server.address().port}/`);
  seen.inJenkins = await text(other, 'body');
  seen.inJenkinsApp = await other.$eval('#app', (one) => one.checkVisibility());
  await picture(other, 'jenkins');
  server.close();
}

/** The nodes a page lists, and what it says where there is nothing to list. */
async function listed(browser, seen) {
  const page = await opened(browser, seen);
  await page.goto(address);
  seen.nodes = await page.$$eval('#nodes .nodes > tbody > tr:not(.detail)', (all) => all.map((one) => one.innerText.replace(/\s+/g, ' ').trim()));
  seen.body = await text(page, 'main');
}

(async () => {
  const seen = { console: [], dialogs: [], requests: [] };
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    // As root Chromium has no sandbox of its own; the pages are our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    protocolTimeout: 240000,
  });
  try {
    await { tour, hostile, bare, listed }[scenario](browser, seen);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(seen));
})().catch((error) => { console.error(error); process.exit(1); });
