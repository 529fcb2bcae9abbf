"""`python -m specter`: the command line, for a Python whose commands are not on the path."""

from specter.cli import main

if __name__ == "__main__":
    main()
