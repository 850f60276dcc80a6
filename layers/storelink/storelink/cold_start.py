"""What makes functions, and the local stack, start sooner. No app imports it, as it changes the whole process."""

import gc

gc.set_threshold(100_000)  # objects, not 2,000: what a start loads stays, and to look for garbage in it takes a while
