#!/usr/bin/python3
"""check_tree.py ROOT: prints every problem of the tree; 0 if there is none."""

import sys

import checker


def main():
    root = sys.argv[1]
    count = sum(1 for path in checker.files_below(root) if path.endswith(checker.SOURCE_ENDINGS))
    if count < 100:
        sys.exit(f"{root} has {count} source files only: this is not the tree")
    problems = checker.check(root)
    print("\n".join(problems) or f"{count} source files keep the table of rooms")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
