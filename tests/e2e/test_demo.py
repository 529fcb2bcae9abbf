"""`specter demo` in Chromium: the page, and what happens in it when something happens in the folder."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from e2e.served import MAIN, Served, command
from npm import Browser

NAMES = "[...document.querySelectorAll('#activity-list .base')].map(node => node.textContent)"
EVIL = "<img src=x onerror=alert(1)><b>bold.txt"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bit of everything."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "readme.md").write_text("# Hello\n\nworld\n")
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("print('hello')\n" * 20)
    (folder / "src" / "deep" / "data.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "node_modules" / "left").mkdir(parents=True)
    (folder / "node_modules" / "left" / "index.js").write_text("1")
    (folder / "loop").symlink_to(folder)
    (folder / "system").symlink_to("/")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Served]:
    with Served("demo", str(folder), folder=folder) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, demo: Served) -> Browser:
    """The page of the demo, connected; the same for all tests, as long as it is not left."""
    if browser.run("location.origin") != demo.url:
        browser.open(demo.url)
    browser.wait("document.body.dataset.link === 'live'")
    return browser


def text(page: Browser, id: str) -> str:
    content: str = page.run(f"document.getElementById('{id}').textContent")
    return content


def has(name: str) -> str:
    return f"{NAMES}.includes({name!r})"


def test_the_page_is_complete_and_complains_of_nothing(page: Browser, folder: Path) -> None:
    page.wait("document.getElementById('total-files').textContent === '3'")
    page.wait("document.querySelectorAll('#kinds-list li').length === 3")
    page.wait("document.getElementById('usage-exit').textContent === 'exit code 0'")
    page.wait("document.querySelectorAll('#services .ok').length >= 7")

    assert text(page, "folder-name") == folder.name
    assert text(page, "folder-path") == str(folder)
    assert page.errors() == []


def test_the_page_asks_no_other_host(page: Browser, demo: Served) -> None:
    page.wait("document.querySelectorAll('#kinds-list li').length > 0")
    own = (demo.url, demo.url.replace("http", "ws"), "data:")

    assert [url for url in page.requests() if not url.startswith(own)] == []


def test_a_file_that_is_written_appears_with_its_hash(page: Browser, folder: Path) -> None:
    (folder / "fresh.txt").write_text("one\ntwo\n")

    page.wait(has("fresh.txt"))
    # sha256 of the content.
    page.wait("document.getElementById('activity-list').textContent.includes('c3f9c8c2')")


def test_a_file_in_a_new_folder_appears(page: Browser, folder: Path) -> None:
    (folder / "new" / "below").mkdir(parents=True)
    (folder / "new" / "below" / "inner.txt").write_text("x")
    page.wait(has("inner.txt"))
    (folder / "new" / "below" / "later.txt").write_text("x")

    page.wait(has("later.txt"))


def test_a_file_that_is_deleted_is_told(page: Browser, folder: Path) -> None:
    (folder / "short.txt").write_text("x")
    page.wait(has("short.txt"))
    (folder / "short.txt").unlink()

    page.wait("[...document.querySelectorAll('#activity-list li')].some(row => "
              "row.querySelector('.deleted') && row.textContent.includes('short.txt'))")  # fmt: skip


def test_an_evil_name_is_text(page: Browser, folder: Path) -> None:
    (folder / EVIL).write_text("x")
    page.wait(has(EVIL))

    assert page.run("document.querySelectorAll('main img, main b').length") == 0
    assert page.errors() == []


def test_a_name_that_is_no_text_is_shown(page: Browser, folder: Path) -> None:
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "w"):
        pass

    page.wait(has("caf\ufffd.txt"))


def test_a_new_pattern_leaves_files_out(page: Browser, folder: Path) -> None:
    (folder / "noise.log").write_text("x")
    page.wait(has("noise.log"))
    page.type("#pattern", "*.log")
    page.wait("document.getElementById('patterns').textContent.includes('*.log')")
    page.wait("document.getElementById('activity-list').textContent.includes('1 file left out')")
    (folder / "more.log").write_text("x")
    (folder / "heard.txt").write_text("x")
    page.wait(has("heard.txt"))

    assert not page.run(has("more.log"))


def test_another_hash_reads_every_file_again(page: Browser, folder: Path) -> None:
    (folder / "hashed.txt").write_text("one\ntwo\n")
    page.wait(has("hashed.txt"))
    page.click("#algorithm label:has([value=md5])")

    page.wait("document.getElementById('activity-list').textContent.includes('2094b601')")


def test_a_setting_that_is_wrong_is_told_at_its_field(page: Browser) -> None:
    page.type("#pattern", "x" * 300)
    page.wait("!document.getElementById('error-ignore').hidden")

    assert not page.run("document.getElementById('patterns').textContent.includes('xxx')")


def test_the_process_can_be_started_again(page: Browser) -> None:
    page.wait("!document.getElementById('usage-measure').disabled")
    # What stands there from the run before would do as well.
    page.run("['usage-lines', 'usage-exit'].map(id => document.getElementById(id).textContent = '')")
    page.click("#usage-measure")
    page.wait("document.getElementById('usage-lines').textContent.includes('together')")
    page.wait("document.getElementById('usage-exit').textContent === 'exit code 0'")


def test_the_page_fits_a_phone(browser: Browser, demo: Served) -> None:
    browser.open(demo.url, viewport={"width": 375, "height": 700}, colorScheme="dark")
    browser.wait("document.body.dataset.link === 'live'")

    assert browser.run("document.documentElement.scrollWidth") <= 375


def test_the_settings_are_refused_field_by_field(demo: Served) -> None:
    answer = httpx.put(f"{demo.url}/api/settings", json={"algorithm": "rot13", "pause": -1})

    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"algorithm", "pause", "ignore"}


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}], ids=str
)
@pytest.mark.parametrize("path", ["/", "/api/board", "/static/main.js", "/socket.io/?EIO=4&transport=polling"])
def test_other_sites_are_refused(demo: Served, path: str, headers: dict[str, str]) -> None:
    if path.startswith("/socket.io"):
        connected = _connect_by_polling(demo.url + path, headers)

        assert "40{" not in connected
    else:
        answer = httpx.get(demo.url + path, headers=headers)

        assert answer.status_code == 403
        assert "hello" not in answer.text


def _connect_by_polling(url: str, headers: dict[str, str]) -> str:
    """Open an Engine.IO session and ask to be let in; what the server says."""
    with httpx.Client(headers=headers) as client:
        opened = client.get(url)
        if opened.status_code != 200:
            return opened.text
        url += "&sid=" + json.loads(opened.text[1:])["sid"]
        client.post(url, content="40")
        return client.get(url).text


def test_no_path_leads_to_the_files(demo: Served) -> None:
    for path in ("/readme.md", "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"):
        assert httpx.get(demo.url + path).status_code == 404


def test_the_page_is_back_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with Served("demo", str(tmp_path), "--port", port, folder=tmp_path) as first:
        browser.open(first.url)
        browser.wait("document.body.dataset.link === 'live'")
        assert first.stop(signal.SIGINT) == 0
        browser.wait("document.getElementById('link-text').textContent === 'reconnecting…'")
    (tmp_path / "meanwhile.txt").write_text("x")
    with Served("demo", str(tmp_path), "--port", port, folder=tmp_path):
        browser.wait("document.body.dataset.link === 'live'")
        browser.wait("document.getElementById('total-files').textContent === '1'")


def test_a_folder_that_goes_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "first.txt").write_text("x")
    with Served("demo", str(folder), folder=tmp_path) as demo:
        browser.open(demo.url)
        browser.wait("document.getElementById('total-files').textContent === '1'")
        shutil.rmtree(folder)
        browser.wait("!document.getElementById('banner').hidden")
        folder.mkdir()
        (folder / "second.txt").write_text("x")
        browser.wait("document.getElementById('banner').hidden")
        browser.wait(has("second.txt"))

        assert demo.stop() == 0


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with Served("demo", str(tmp_path), folder=tmp_path) as demo:
        httpx.get(f"{demo.url}/api/board")

        assert demo.stop(signal.SIGINT) == 0
        assert "Traceback" not in demo.said()


@pytest.mark.parametrize("wrong", ["nowhere", "file.txt"])
def test_what_is_no_folder_is_one_line(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "file.txt").touch()
    done = command("demo", wrong, folder=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert wrong in done.stderr


@pytest.mark.parametrize("package", ["watchfiles", "quart"])
def test_a_missing_package_is_one_line(tmp_path: Path, package: str) -> None:
    script = f"import sys; sys.modules[{package!r}] = None; {MAIN}"
    done = subprocess.run(
        [sys.executable, "-c", script, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=20
    )

    assert done.returncode == 2
    assert done.stderr == f"Error: the demo needs the package {package!r}: pip install 'specter-runtime[demo]'\n"


def test_a_port_that_is_taken_is_one_line(demo: Served, tmp_path: Path) -> None:
    done = command("demo", "--port", demo.url.rpartition(":")[2], folder=tmp_path)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
