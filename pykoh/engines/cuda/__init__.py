"""The fast graph in own kernels for CUDA, written in Triton.

Nothing here is imported on a CPU. Triton comes with torch's CUDA wheels and is no dependency of
pykoh: where it is missing, the graph runs in plain torch operations.
"""
