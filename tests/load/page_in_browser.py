#!/usr/bin/python3
"""The page of rondel-load in Chromium: all charts are drawn, in light and dark, and the browser complains about nothing.

Skipped (77) without chromium and chromedriver. RONDEL_PAGE_PICTURES=FOLDER keeps pictures of it.
"""

import base64
import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from erring_server import LOAD, PATIENCE, ErringServer, expect  # noqa: E402

# What a person would see, as numbers.
LOOK = """
const figures = [...document.querySelectorAll('figure')].map(figure => ({
  title: figure.querySelector('figcaption').firstChild.textContent,
  lines: [...figure.querySelectorAll('path.line')].map(path => path.getTotalLength()),
  bars: [...figure.querySelectorAll('rect.bar')].map(bar => bar.getBoundingClientRect().width),
  texts: [...figure.querySelectorAll('svg text')].filter(text => text.getBoundingClientRect().height > 5).length,
  outside: [...figure.querySelectorAll('svg text, path.line, rect.bar')].filter(part => {
    const inner = part.getBoundingClientRect(), outer = figure.getBoundingClientRect();
    return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
  }).map(part => part.textContent || part.className.baseVal),
  colours: [...figure.querySelectorAll('path.line')].map(path => getComputedStyle(path).stroke),
}));
return {figures, wide: document.documentElement.scrollWidth > innerWidth,
        background: getComputedStyle(document.body).backgroundColor,
        ink: getComputedStyle(document.body).color,
        requests: performance.getEntriesByType('resource').map(entry => entry.name),
        text: document.body.innerText};
"""


class Browser:
    """Chromium, by the WebDriver protocol (W3C); use as a context manager."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self.log = open(os.path.join(self.folder, "driver.log"), "w+", encoding="utf-8")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=self.log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30 * PATIENCE
        self.port = None
        while self.port is None:
            with open(self.log.name, encoding="utf-8") as log:
                words = log.read().split("successfully on port ")
            if len(words) > 1:
                self.port = int(words[1].split(".")[0])
            elif time.monotonic() > deadline or self.driver.poll() is not None:
                self.driver.kill()
                sys.exit("chromedriver does not start: " + words[0])
            else:
                time.sleep(0.05)
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            f"--user-data-dir={self.folder}/profile", "--window-size=1280,1400"]}
        self.session = ""
        value = self.ask("", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = "/" + value["sessionId"]
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.ask("", None, "DELETE")
        self.driver.terminate()
        self.driver.wait(20)
        self.log.close()

    def ask(self, path, body, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        connection.request(method, f"/session{self.session}{path}", None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            sys.exit(f"the browser: {value['error']}: {value['message']}")
        return value

    def prefer(self, scheme):
        self.ask("/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def picture(self, path):
        size = self.ask("/goog/cdp/execute", {"cmd": "Page.getLayoutMetrics", "params": {}})["cssContentSize"]
        data = self.ask("/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {
            "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"],
                                                    "height": size["height"], "scale": 1}}})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))


def make_results(folder):
    """Two servers, one of which loses messages; the server is this very process."""
    paths = []
    for label, fault in (("One & <only>", None), ("Another", "drops")):
        paths.append(os.path.join(folder, f"{len(paths)}.json"))
        with ErringServer(fault) as server:
            subprocess.run([LOAD, "chat", "--server", f"127.0.0.1:{server.port}", "--domain", "localhost", "--mechanism",
                            "PLAIN", "--password", "secret", "--users", "20", "--rate", "5000", "--duration", "4",
                            "--warm-up", "0.5", "--patience", "2", "--interval", "0.2", "--label", label, "--quiet",
                            "--pid", str(os.getpid()), "--json", paths[-1]], timeout=60 * PATIENCE, check=False,
                           stdout=subprocess.DEVNULL)
    return paths


TITLES = ["Server CPU per message", "Memory per session", "Latency by percentile", "Messages over time",
          "Latency over time", "CPU over time", "Server memory over time", "Sessions over time"]


def check_page(browser, page, labels):
    seen = {}
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        browser.ask("/url", {"url": "file://" + page})
        seen[scheme] = look = browser.ask("/execute/sync", {"script": LOOK, "args": []})
        titles = [figure["title"] for figure in look["figures"]]
        wanted = TITLES if labels > 1 else TITLES[2:]   # Bars compare.
        expect(f"{scheme}: all charts are there", titles == wanted, titles)
        for figure in look["figures"]:
            title = f"{scheme}: {figure['title']}"
            marks = figure["lines"] or figure["bars"]
            expect(f"{title}: each server is drawn", len(marks) in (labels, 2 * labels) and min(marks) > 1, figure)
            expect(f"{title}: axes have texts", figure["texts"] >= 4, figure)
            expect(f"{title}: nothing stands outside", not figure["outside"], figure["outside"])
            expect(f"{title}: servers have colours of their own", len(set(figure["colours"])) in (0, labels), figure)
        expect(f"{scheme}: nothing was loaded from elsewhere", not look["requests"], look["requests"])
        pictures = os.environ.get("RONDEL_PAGE_PICTURES")
        if pictures:
            browser.picture(os.path.join(pictures, f"{scheme}-{labels}.png"))
    expect("light is not dark", seen["light"]["background"] != seen["dark"]["background"]
           and seen["light"]["ink"] != seen["dark"]["ink"])
    # A telephone.
    browser.ask("/window/rect", {"width": 500, "height": 900})
    browser.ask("/url", {"url": "file://" + page})
    look = browser.ask("/execute/sync", {"script": LOOK, "args": []})
    expect("a narrow window needs no scrolling aside", not look["wide"])
    browser.ask("/window/rect", {"width": 1280, "height": 1400})
    problems = browser.ask("/se/log", {"type": "browser"})
    expect("the browser complains about nothing", not problems, problems)
    return look["text"]


def main():
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        print("SKIPPED: there is no chromium with chromedriver here")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        results = make_results(folder)
        both, one = os.path.join(folder, "both.html"), os.path.join(folder, "one.html")
        subprocess.run([LOAD, "page", both, *results], check=True)
        subprocess.run([LOAD, "page", one, results[0]], check=True)
        with Browser(folder) as browser:
            text = check_page(browser, both, 2)
            expect("a name is shown as it is", "One & <only>" in text, text)
            expect("what was lost is told", " lost" in text and "each delivered once" in text, text)
            check_page(browser, one, 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
