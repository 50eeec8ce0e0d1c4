"""Run the command line as ``python -m pykoh``."""

from pykoh.cli import main

if __name__ == "__main__":
    main()
