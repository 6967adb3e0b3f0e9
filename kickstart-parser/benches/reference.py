# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Times pykickstart: --bench FILE --version VERSION -n COUNT prints one JSON object.

What is timed is the parse alone. The interpreter's start, the imports and the making of the handler, which
pykickstart needs for every file, are left out.
"""

import argparse
import json
import statistics
import sys
import time
import warnings

import pykickstart
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion


def parse_seconds(text, version):
    parser = KickstartParser(makeVersion(version), followIncludes=False, missingIncludeIsFatal=False)
    start = time.perf_counter()
    parser.readKickstartFromString(text)
    return time.perf_counter() - start


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bench", action="store_true", required=True)
    arguments.add_argument("--version", required=True)
    arguments.add_argument("-n", type=int, required=True)
    arguments.add_argument("file")
    given = arguments.parse_args()
    with open(given.file, encoding="utf-8", newline="") as file:
        text = file.read()
    warnings.simplefilter("ignore")
    median = statistics.median(parse_seconds(text, given.version) for _ in range(given.n))
    versions = {"pykickstart": pykickstart.__version__, "python": sys.version.split()[0]}
    print(json.dumps({"median_s": median, **versions}))


main()
