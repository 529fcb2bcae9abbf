"""`specter new`: what it writes passes its own test and serves."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from e2e.served import Served, command

from specter._new import create


@pytest.mark.timeout(150)
def test_a_new_application_passes_its_own_test_and_serves(tmp_path: Path) -> None:
    made = command("new", "guest-book", folder=tmp_path)
    folder = tmp_path / "guest-book"

    assert made.returncode == 0, made.stderr
    assert "guest-book" in made.stdout

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=folder, capture_output=True, text=True, timeout=100
    )

    assert tested.returncode == 0, tested.stdout
    assert "4 passed" in tested.stdout

    with Served("run", "app:asgi", "--port", "0", folder=folder) as server:
        added = httpx.post(f"{server.url}/notes", json={"text": "hello"})
        notes = httpx.get(f"{server.url}/notes").json()
        code = server.stop()

    assert added.status_code == 201
    assert notes == {"notes": [{"text": "hello"}]}
    assert code == 0


def test_every_file_names_the_application(tmp_path: Path) -> None:
    create("shop", tmp_path)
    files = {path.name: path.read_text() for path in (tmp_path / "shop").iterdir()}

    assert set(files) == {"app.py", "test_app.py", "README.md", "requirements.txt", ".gitignore"}
    assert files["README.md"].startswith("# shop\n")
    assert files["app.py"].startswith('"""shop: ')
    assert not any("$" in text for text in files.values())


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()

    assert create("shop", tmp_path) == tmp_path / "shop"
    assert (tmp_path / "shop" / "app.py").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "mine.txt").touch()
    done = command("new", "shop", folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["mine.txt"]


def test_a_wrong_name_is_one_line(tmp_path: Path) -> None:
    done = command("new", "a\nb", folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["../up", "a/b", ".", "1st", "with space", "", "ünï", "-x-", "x" * 65, "a\nb", "a\n"])
def test_a_wrong_name_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name must be letters"):
        create(name, tmp_path)

    assert list(tmp_path.iterdir()) == []
