"""What this machine can run: the checks behind ``pykoh doctor``.

Each check runs in a process of its own: a broken torch, MPI or LAMMPS ends only this process.
"""
