"""Reading trajectories as a stream of frames."""
