"""The command line from a checkout: ``python cli.py --help``.

The commands live in :mod:`pykoh.cli`; an installed pykoh has them as ``pykoh``.
"""

from pykoh.cli import main

if __name__ == "__main__":
    main()
