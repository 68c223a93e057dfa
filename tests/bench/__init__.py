"""The benchmark: `python -m tests.bench`, this site beside a FastAPI service and a stock Django.

Everything runs on one machine with two cores or more: the server that is measured on one, the load
on the other. Linux only: what the servers cost is read from /proc.
"""
