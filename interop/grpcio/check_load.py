"""Judges what `evenkeel load -o json` says about grpcio's servers.

usage: check_load.py NAME,NAME... <report.json

Every named server must have had its fair share, within five points, and no call may have failed.
"""

import json
import sys


def main():
    names = sorted(sys.argv[1].split(","))
    report = json.load(sys.stdin)
    shares = {endpoint["name"]: endpoint["share"] for endpoint in report["endpoints"]}
    fair = 1 / len(names)
    good = (
        report["ok"] == report["calls"] > 0
        and report["failed"] == {}
        and sorted(shares) == names
        and all(abs(share - fair) <= 0.05 for share in shares.values())
    )
    print(f"{report['calls']} calls, failed {report['failed']}, shares {shares}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
