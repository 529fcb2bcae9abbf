"""An application that takes long to import."""

import sys
import time

sys.stdout.write("http://importing\n")
sys.stdout.flush()
time.sleep(30)
