#!/usr/bin/env python3
"""Prints the tests that passed in one process and in a process of each service, and that the two lists are equal.

usage: compare_shapes.py ALL.json SPLIT.json   (GoogleTest's reports of the two runs)
"""

import json
import pathlib
import sys


def passed(path):
    """The names of the tests that ran and passed. Ends the program if one failed or was skipped."""
    names = []
    for suite in json.loads(pathlib.Path(path).read_text())["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures") or test["result"] != "COMPLETED":
                sys.exit(f"{path}: {name} did not pass: {test['result']}")
            names.append(name)
    return sorted(names)


def main():
    one, split = map(passed, sys.argv[1:3])
    width = max(map(len, one + split), default=0)
    print(f"{'':<{width}}  --target=all  a process of each service")
    for name in sorted({*one, *split}):
        print(f"{name:<{width}}  {'passed' if name in one else '-':<12}  {'passed' if name in split else '-'}")
    print(f"{len(one)} passed in one process, {len(split)} in a process of each service")
    if one != split or not one:
        sys.exit("the two lists are not equal")
    print("the two lists are equal")


main()
