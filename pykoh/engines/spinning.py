"""How long idle OpenMP threads look for work before they sleep."""

# Turns of GCC's waiting loop (GOMP_SPINCOUNT), some tens of microseconds. A step is hundreds of
# short parallel pieces: with threads that sleep at once (OMP_WAIT_POLICY=passive) it takes two to
# three times as long on free cores; threads that spin for long stop the others on busy ones.
SPIN_COUNT = "10000"
