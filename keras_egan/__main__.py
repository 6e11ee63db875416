"""`python -m keras_egan`."""

import sys

from keras_egan.cli import main

if __name__ == "__main__":
    sys.exit(main())
