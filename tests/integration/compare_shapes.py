#!/usr/bin/env python3
"""Prints the tests that passed in one process, in a process of each service, and in a cluster on real servers, and that the
lists are equal but for what is said below.

usage: compare_shapes.py ALL.json SPLIT.json CLUSTER.json   (GoogleTest's reports of the three runs)
"""

import json
import pathlib
import sys

SHAPES = ["one process", "of each service", "cluster"]
# Not run in the cluster, and why; CMakeLists.txt leaves out the same.
NOT_IN_A_CLUSTER = {
    "Startup.ASecondProcessOnTheSameFolderIsRefused": "nobody holds the folder: its stores are on servers",
    "Startup.ADamagedStoreIsNamedAndNeverRepaired": "there is no file to damage: its stores are on servers",
}


def passed(path):
    """The names of the tests that ran and passed. Ends the program if one failed or was skipped."""
    names = set()
    for suite in json.loads(pathlib.Path(path).read_text())["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures") or test["result"] != "COMPLETED":
                sys.exit(f"{path}: {name} did not pass: {test['result']}")
            names.add(name)
    return names


def main():
    one, split, cluster = lists = [passed(path) for path in sys.argv[1:4]]
    width = max(map(len, set().union(*lists)), default=0)
    print(f"{'':<{width}}", *(f" {shape:<15}" for shape in SHAPES))
    for name in sorted(set().union(*lists)):
        print(f"{name:<{width}}", *(f" {'passed' if name in each else '-':<15}" for each in lists), NOT_IN_A_CLUSTER.get(name, ""))
    print(", ".join(f"{shape}: {len(each)} passed" for shape, each in zip(SHAPES, lists)))
    if not one or one != split or one - cluster != NOT_IN_A_CLUSTER.keys() or cluster - one:
        sys.exit("the lists are not what they should be")
    print(f"the lists are equal, but for {len(NOT_IN_A_CLUSTER)} that a cluster has no use for")


main()
