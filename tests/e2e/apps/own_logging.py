"""An application that has set up logging itself."""

import logging

logging.basicConfig(level=logging.INFO, format="MINE %(message)s")

from plain import site as site  # noqa: E402
