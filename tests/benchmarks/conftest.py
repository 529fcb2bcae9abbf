"""Makes `benchmarks` importable: it is no part of the package, and lies beside the tests."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# At the end: `specter` stays the one that is installed.
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
