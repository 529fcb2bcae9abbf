"""``python -m benchmarks``, as it is typed."""

import subprocess
import sys
from pathlib import Path

from benchmarks.report import BEGIN, END
from benchmarks.results import Results

ROOT = Path(__file__).parent.parent.parent


def benchmarks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)


def test_a_run_is_shown_kept_and_put_into_a_page(tmp_path: Path) -> None:
    kept, page = tmp_path / "found.json", tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")

    ran = benchmarks("spawn", "--only", "plain", "--quick", "--json", kept)
    reported = benchmarks("report", kept, "--into", page)

    assert (ran.returncode, reported.returncode) == (0, 0), ran.stderr + reported.stderr
    assert "spawn a plain function" in ran.stdout
    (area,) = Results.read(kept).areas
    assert area.rows[0].figure("specter") and area.rows[0].figure("specter_gevent")
    assert "A quick run" in page.read_text() and "| specter |" in page.read_text()


def test_an_unknown_area_is_refused_with_those_that_there_are() -> None:
    refused = benchmarks("bsu")

    assert refused.returncode == 2
    assert "no such area: bsu" in refused.stderr and "bus" in refused.stderr


def test_an_environment_without_the_old_package_is_refused() -> None:
    refused = benchmarks("bus", "--old", sys.executable)

    assert refused.returncode == 2
    assert "no specter-runtime 0.1.1" in refused.stderr


def test_a_profile_names_the_functions_that_take_the_time() -> None:
    profiled = benchmarks("profile", "store", "--only", "Store.get")

    assert profiled.returncode == 0, profiled.stderr
    assert "specter: Store.get of a key" in profiled.stdout
    assert "store.py" in profiled.stdout


def test_a_report_says_where_the_time_goes(tmp_path: Path) -> None:
    kept = tmp_path / "found.json"

    ran = benchmarks("store", "--only", "Store.get", "--quick", "--profile", "--json", kept)
    reported = benchmarks("report", kept)

    assert (ran.returncode, reported.returncode) == (0, 0), ran.stderr + reported.stderr
    titles = [profile.title for profile in Results.read(kept).areas[0].profiles]
    assert "Store.get of a key" in titles
    (line,) = [line for line in reported.stdout.splitlines() if line.startswith("| Store.get of a key (specter)")]
    assert "`specter/store.py get`" in line and "benchmarks" not in line
