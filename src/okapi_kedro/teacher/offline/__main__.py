"""Serves the offline teacher on loopback: `python -m okapi_kedro.teacher.offline --port 8000`."""

import argparse
import sys

from okapi_kedro.teacher.offline.server import NOTICE, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m okapi_kedro.teacher.offline", description=NOTICE)
    parser.add_argument("--port", type=int, default=8000, help="port on 127.0.0.1; 0 takes a free one (default: 8000)")
    arguments = parser.parse_args()
    try:
        serve(arguments.port)
    except OSError as error:
        print(f"port {arguments.port}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
