"""Speed against what a user would pick instead: `python -m benchmarks` prints the tables.

Only ratios count. Contenders take turns in one process, so that whatever else the machine does
meets all of them; a table is measured in CPU time on one thread and in wall time on two.
"""
