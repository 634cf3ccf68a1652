"""Serves the offline teacher on loopback: `python -m okapi_kedro.teacher.offline --port 8000`."""

import argparse
import asyncio
import inspect
import math
import os
import sys
import textwrap
from pathlib import Path

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.offline.fault_plan import FaultPlan, read_fault_plan
from okapi_kedro.teacher.offline.http_server import serve
from okapi_kedro.teacher.offline.server import NOTICE

_EPILOG = f"""\
GET /counts and GET /received tell what the server was asked. A fault plan is a JSON object of these, such as
{{"seed": 1, "overloaded": 0.02, "reset": 0.01}}:

{inspect.cleandoc(FaultPlan.__doc__ or "")}
"""


def main() -> int:
    arguments = _parser().parse_args()
    try:
        plan = read_fault_plan(arguments.faults) if arguments.faults else FaultPlan()
        asyncio.run(serve(arguments.port, plan, arguments.latency, arguments.batch_seconds))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"port {arguments.port}: {os.strerror(error.errno or 0)}; --port 0 takes a free one", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m okapi_kedro.teacher.offline",
        description=textwrap.fill(NOTICE, 100),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=port, default=8000, help="port on 127.0.0.1; 0 takes a free one (default: 8000)")
    parser.add_argument(
        "--faults", type=Path, metavar="FILE.json", help="what goes wrong and how often (default: nothing)"
    )
    parser.add_argument(
        "--latency", type=seconds, default=0.0, metavar="SECONDS", help="time that every answer takes (default: 0)"
    )
    parser.add_argument(
        "--batch-seconds",
        type=seconds,
        default=2.0,
        metavar="SECONDS",
        help="time that every batch takes (default: 2)",
    )
    return parser


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**16:
        raise argparse.ArgumentTypeError(f"{number} is no port: 0 to 65535")
    return number


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time: 0 or more seconds")
    return number


if __name__ == "__main__":
    sys.exit(main())
