"""The benchmark, which compares this site with other servers in the same run.

- a FastAPI service on uvicorn, with a queue or a loop for each viewer
- a stock Django project on Daphne
- nginx with Nchan, where the machine has them (Debian: nginx-light, libnginx-mod-nchan)
- the floor: an epoll loop in C that keeps nothing, where the machine has a C compiler

Run `python -m tests.bench`. The benchmark needs Linux, because it reads CPU time and memory from
/proc and from the kernel's clocks, and a machine with at least two cores. The servers run on one
core, the viewers on another. The scenarios with 10,000 viewers need as many open files.

    python -m tests.bench                          # three rounds, 20 minutes
    python -m tests.bench --short                  # one round of the most important part
    python -m tests.bench --only viewers streams   # how the cost grows
    python -m tests.bench --only live --servers daphne fastapi floor
    python -m tests.bench --show bench.json --markdown  # the tables of the guide, from a file

A busy machine disturbs wall-clock figures, such as polls a second, more than CPU time. Compare the
ratios of one run.
"""
