"""The benchmark, which compares this site with a FastAPI service and a stock Django project.

Run `python -m tests.bench`. The benchmark needs Linux, because it reads CPU time and memory from
/proc and from the kernel's clocks, and a machine with at least two cores. The servers run on one
core, the viewers on another.
"""
