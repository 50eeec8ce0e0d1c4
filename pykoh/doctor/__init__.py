"""What this machine can run: the checks behind ``pykoh doctor``.

Each check runs in a process of its own, so that a broken torch, MPI or LAMMPS ends that process
and not the doctor.
"""
