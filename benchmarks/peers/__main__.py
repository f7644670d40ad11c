"""python -m benchmarks.peers: see `run`."""

from benchmarks.peers.run import main

main()
