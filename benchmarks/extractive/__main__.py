"""python -m benchmarks.extractive: see `run`."""

from benchmarks.extractive.run import main

main()
