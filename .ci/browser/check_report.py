"""Opens the page of `evenkeel demo --report` in Chromium and looks at it as a reader would.

usage: check_report.py FILE.html [ACTS]

Checks on a phone and on a desk, in light and in dark: that the page loads nothing but itself and says nothing to the
console, that each act (8, or ACTS) has a chart that can be seen, that nothing sticks out, and that everything can be
read. Needs chromium and chromedriver on PATH, and selenium. Prints "N passed, M failed" last; exit 0 when none failed.
"""

import json
import pathlib
import shutil
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

WIDTHS = {"phone": 360, "desk": 1280}
SCHEMES = ["light", "dark"]
# In CSS pixels: smaller letters are hard to read on a phone.
SMALLEST_FONT = 11
# WCAG 2, level AA, for text of any size.
LEAST_CONTRAST = 4.5
BROWSERS_OWN = ("about:", "chrome://", "chrome-extension://", "chrome-untrusted://")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Each function below gives a list of what is wrong. Helpers that several of them use:
HELPERS = """
const seen = element => element.checkVisibility({visibilityProperty: true});
const name = element => element.outerHTML.slice(0, 90);
const charts = [...document.querySelectorAll('[role=img]')];
const texts = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() && !parent.closest('svg') && seen(parent)) found.add(parent);
  }
  return [...found];
};
const wrong = [];
"""

CHARTS = """
if (charts.length !== arguments[0]) wrong.push(`${charts.length} charts`);
for (const chart of charts) {
  const box = chart.getBoundingClientRect();
  if (box.width < 200 || box.height < 100) wrong.push(`a chart of ${box.width} x ${box.height}`);
  if (!chart.getAttribute('aria-label')) wrong.push('a chart without words');
  const bands = [...chart.querySelectorAll('path.band')];
  if (!bands.length) wrong.push('a chart without bands: ' + chart.getAttribute('aria-label'));
  for (const band of bands) {
    const drawn = band.getBBox(), shown = band.getBoundingClientRect();
    if (!(drawn.width > 0 && drawn.height > 0)) wrong.push('an empty band: ' + name(band));
    if (!(shown.width > 1 && shown.height > 1)) wrong.push('a band that cannot be seen: ' + name(band));
    if (shown.left < box.left - 1 || shown.right > box.right + 1 || shown.top < box.top - 1 || shown.bottom > box.bottom + 1)
      wrong.push('a band outside its chart: ' + name(band));
    if (getComputedStyle(band).fill === 'none') wrong.push('a band without colour: ' + name(band));
  }
}
return wrong;
"""

OVERFLOW = """
const page = document.scrollingElement;
if (window.innerWidth !== arguments[0]) wrong.push(`the window is ${window.innerWidth} wide`);
if (page.scrollWidth > window.innerWidth) {
  wrong.push(`the page is ${page.scrollWidth} wide`);
  for (const element of document.body.querySelectorAll('*'))
    if (seen(element) && element.getBoundingClientRect().right > window.innerWidth + 1) wrong.push(name(element));
}
return wrong;
"""

FONTS = """
for (const element of texts()) {
  const size = parseFloat(getComputedStyle(element).fontSize);
  if (size < arguments[0]) wrong.push(`${size} px: ` + name(element));
}
if (document.querySelector('svg text')) wrong.push('text that is stretched with its drawing');
return wrong;
"""

TAGS = """
const selector = '.tag, .said, .fail, .name';
for (const chart of charts) {
  const box = chart.getBoundingClientRect();
  const tags = [...chart.querySelectorAll(selector)].filter(seen);
  for (const tag of tags) {
    const its = tag.getBoundingClientRect();
    if (its.left < box.left - 1 || its.right > box.right + 1 || its.top < box.top - 1 || its.bottom > box.bottom + 1)
      wrong.push('outside its chart: ' + name(tag));
  }
  tags.forEach((one, index) => tags.slice(index + 1).forEach(other => {
    const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 0.5 && high > 0.5) wrong.push(name(one) + ' lies over ' + name(other));
  }));
  if (chart.querySelector('path.line') && !tags.some(tag => tag.matches('.tag'))) wrong.push('lines without tags');
}
return wrong;
"""

VERDICTS = """
const words = {problem: ['shown', 'not shown'], remedy: ['holds', 'does not hold'], trouble: ['survived', 'not survived']};
const signs = {};
const sections = [...document.querySelectorAll('main section')];
if (sections.length !== arguments[0]) wrong.push(`${sections.length} sections`);
for (const section of sections) {
  const verdict = section.querySelector('.verdict');
  const role = section.querySelector('.role').innerText.trim();
  if (!verdict || !seen(verdict) || !words[role] || !words[role].includes(verdict.innerText.trim()))
    wrong.push('no verdict: ' + name(section));
  else if (!verdict.classList.contains('broken'))
    signs[role] = getComputedStyle(verdict).color + verdict.querySelector('path').getAttribute('d');
}
const links = [...document.querySelectorAll('nav a')];
if (links.length !== arguments[0]) wrong.push(`${links.length} links`);
for (const link of links) {
  if (!document.querySelector(link.getAttribute('href'))) wrong.push('leads nowhere: ' + name(link));
  if (!/(shown|holds|does not hold|survived)$/.test(link.innerText.trim())) wrong.push('no verdict: ' + name(link));
}
if (new Set(Object.values(signs)).size !== Object.keys(signs).length) wrong.push('roles look alike');
const went = sections.filter(section => !section.querySelector('.verdict.broken')).length;
const outcome = document.querySelector('.outcome').innerText;
if (outcome !== `${went} of ${sections.length} acts went as claimed`) wrong.push('it says ' + outcome);
return wrong;
"""

MEANINGS = """
const said = element => element && seen(element) && element.innerText.trim().length > 5;
for (const section of document.querySelectorAll('main section'))
  if (!said(section.querySelector('.meaning'))) wrong.push('an act without meaning: ' + name(section));
for (const figure of document.querySelectorAll('figure'))
  if (!said(figure.querySelector('figcaption'))) wrong.push('a chart without meaning: ' + name(figure));
for (const figure of document.querySelectorAll('dl > div'))
  if (!said(figure.querySelector('.means'))) wrong.push('a figure without meaning: ' + name(figure));
return wrong;
"""

POD_COLOURS = """
const colours = {};
const note = (pod, colour) => { (colours[pod] ??= new Set()).add(colour); };
for (const row of document.querySelectorAll('tbody tr'))
  note(row.querySelector('th').childNodes[1].data.trim(), getComputedStyle(row.querySelector('.key')).borderTopColor);
for (const band of document.querySelectorAll('path.band'))
  note(band.querySelector('title').textContent.split(':')[0], getComputedStyle(band).fill);
if (!Object.keys(colours).length) wrong.push('no pods');
for (const [pod, its] of Object.entries(colours))
  if (its.size !== 1) wrong.push(`${pod} has the colours ${[...its].join(', ')}`);
const all = Object.values(colours).map(its => [...its][0]);
if (new Set(all).size !== all.length) wrong.push('two pods share a colour');
return wrong;
"""

CONTRAST = """
const parse = colour => {
  const [red, green, blue, alpha = 1] = colour.match(/[\\d.]+/g).map(Number);
  return {rgb: [red, green, blue], alpha};
};
const over = (top, alpha, below) => top.map((value, index) => value * alpha + below[index] * (1 - alpha));
const background = element => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((below, {rgb, alpha}) => over(rgb, alpha, below), [255, 255, 255]);
};
const luminance = rgb => {
  const [red, green, blue] = rgb.map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
for (const element of texts()) {
  const below = background(element);
  const {rgb, alpha} = parse(getComputedStyle(element).color);
  const [a, b] = [luminance(over(rgb, alpha, below)), luminance(below)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < arguments[0]) wrong.push(`${contrast.toFixed(2)}: ` + name(element));
}
return wrong;
"""


class Checks:
    """Counts what passed and says what did not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, what, wrong):
        if wrong:
            self.failed += 1
            print(f"FAILED {what}")
            for line in wrong[:5]:
                print(f"    {line}")
            if len(wrong) > 5:
                print(f"    and {len(wrong) - 5} more")
        else:
            self.passed += 1
            print(f"ok     {what}")


def start(profile):
    options = Options()
    options.binary_location = shutil.which("chromium")
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    browser.set_page_load_timeout(60)
    return browser


def requests(browser):
    """The addresses that were asked for since the last time, but for what the browser shows of itself."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [address for address in sent if not address.startswith(BROWSERS_OWN)]


def emulate(browser, width, scheme):
    # Not as a mobile: that would widen its window to whatever sticks out, and hide it.
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def look(browser, address, acts, checks):
    # Away from the browser's own first page, whose requests are none of ours.
    browser.get("about:blank")
    requests(browser)
    browser.get(address)
    asked = requests(browser)
    checks.that("the page asks for itself and nothing else", [] if asked == [address] else asked or ["nothing"])
    said = [f"{entry['level']}: {entry['message']}" for entry in browser.get_log("browser")]
    checks.that("the console is silent", said)

    backgrounds = {}
    for device, width in WIDTHS.items():
        for scheme in SCHEMES:
            emulate(browser, width, scheme)
            where = f"({device}, {scheme})"
            checks.that(f"each act has a chart to see {where}", browser.execute_script(HELPERS + CHARTS, acts))
            checks.that(f"nothing sticks out {where}", browser.execute_script(HELPERS + OVERFLOW, width))
            checks.that(f"no font is too small {where}", browser.execute_script(HELPERS + FONTS, SMALLEST_FONT))
            checks.that(f"tags are within their chart, apart {where}", browser.execute_script(HELPERS + TAGS))
            checks.that(f"verdicts are said in words {where}", browser.execute_script(HELPERS + VERDICTS, acts))
            checks.that(f"acts, charts and figures say what they mean {where}", browser.execute_script(HELPERS + MEANINGS))
            checks.that(f"a pod has one colour of its own {where}", browser.execute_script(HELPERS + POD_COLOURS))
            checks.that(f"texts stand out {where}", browser.execute_script(HELPERS + CONTRAST, LEAST_CONTRAST))
            script = "return getComputedStyle(document.body).backgroundColor"
            backgrounds[scheme] = browser.execute_script(script)
    same = backgrounds["light"] == backgrounds["dark"]
    checks.that("light and dark differ", [f"both are {backgrounds['light']}"] if same else [])
    later = requests(browser)
    checks.that("nothing is asked for later either", later)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    page = pathlib.Path(sys.argv[1]).resolve()
    acts = int(sys.argv[2]) if len(sys.argv) == 3 else 8
    checks = Checks()
    missing = [tool for tool in ("chromium", "chromedriver") if shutil.which(tool) is None]
    if not page.is_file():
        missing.append(str(page))
    if missing:
        checks.that("everything needed is there", [f"{thing} is missing" for thing in missing])
    else:
        with tempfile.TemporaryDirectory(prefix="evenkeel-report-", ignore_cleanup_errors=True) as profile:
            browser = start(profile)
            try:
                look(browser, page.as_uri(), acts, checks)
            finally:
                browser.quit()
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
