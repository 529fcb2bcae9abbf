"""The fixtures of tests that pytest-asyncio runs, each on the event loop of its test."""
