"""Transport, proton hops, hydrogen bonds and structure from trajectories."""
