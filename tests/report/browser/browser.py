"""A headless Chromium, driven through its own protocol over a pipe: no driver, no packages.

It keeps what a careful reader would want to know: every message of the console, every uncaught
error, every address that was asked for.
"""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser():
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    def __init__(self, executable):
        self.profile = tempfile.mkdtemp(prefix="attnbench-browser-")
        to_browser, self.out = os.pipe()
        self.inn, from_browser = os.pipe()
        # Without a GPU and, as root in a container, without a sandbox of its own.
        words = [executable, "--headless", "--remote-debugging-pipe", "--user-data-dir=" + self.profile,
                 "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")
        # It reads from 3 and writes to 4. Out of their way first: ours may have these very numbers.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser, from_browser)]
        self.process = subprocess.Popen(words, pass_fds=(3, 4), env={**os.environ, "HOME": self.profile},
                                        stderr=subprocess.DEVNULL,
                                        preexec_fn=lambda: (os.dup2(ends[0], 3), os.dup2(ends[1], 4)))
        for end in ends:
            os.close(end)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.session = 0, b"", None
        self.console, self.requests = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.out)
        os.close(self.inn)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next_message()
            if answer.get("id") != self.number:
                continue
            if "error" in answer:
                raise RuntimeError("%s: %s" % (method, answer["error"]["message"]))
            return answer["result"]

    def next_message(self, limit_s=120):
        while b"\0" not in self.rest:
            if not select.select([self.inn], [], [], limit_s)[0]:
                raise TimeoutError("the browser is silent")
            piece = os.read(self.inn, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self.rest += piece
        line, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(line)
        self.note(message)
        return message

    def note(self, message):
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(arg.get("value")) for arg in told["args"]))
        elif method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded":
            self.console.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.console.append("dialog: " + told["message"])
            self.number += 1
            os.write(self.out, json.dumps({"id": self.number, "method": "Page.handleJavaScriptDialog",
                     "params": {"accept": True}, "sessionId": self.session}).encode() + b"\0")

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "error"))
        return result["result"].get("value")

    def open(self, file, limit_s=60):
        """Opens the page; returns the milliseconds until it was ready, as the page itself says."""
        self.console, self.requests = [], []
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url="file://" + str(file))
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            ready = self.evaluate("document.documentElement?.dataset.ready ?? null")
            if ready:
                return float(ready)
            time.sleep(0.05)
        raise TimeoutError("the page was not ready: %s" % self.console)

    def screen(self, width, height, is_phone=False, theme="light", media=""):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if is_phone else 1, mobile=is_phone)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": theme}])

    def press(self, key, text=""):
        codes = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowRight": 39, " ": 32}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text,
                      windowsVirtualKeyCode=codes.get(key, 0))

    def hover(self, selector):
        box = self.evaluate("(() => { const node = document.querySelector(%s); node.scrollIntoView({block: 'center'});"
                            "const box = node.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
                            % json.dumps(selector))
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])

    def picture(self, file):
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        with open(file, "wb") as out:
            out.write(base64.b64decode(shot["data"]))
