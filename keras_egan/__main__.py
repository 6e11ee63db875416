"""`python -m keras_egan`."""

import sys

from keras_egan.cli import main

sys.exit(main())
