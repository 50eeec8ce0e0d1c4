"""How long idle OpenMP threads look for work before they sleep."""

# Turns of the waiting loop of GCC's OpenMP (GOMP_SPINCOUNT). A step is hundreds of short parallel
# pieces: with threads that sleep at once (OMP_WAIT_POLICY=passive) it takes several times as long
# on free cores; threads that spin for long stop each other where a core has other work
# (docs/speed.md).
SPIN_COUNT = "1000"
# Where a scheduler gives the cores to one job.
OWN_CORES_SPIN_COUNT = "10000"
