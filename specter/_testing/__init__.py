"""What both harnesses share, and the pytest plugin. Importing this imports no runtime."""
