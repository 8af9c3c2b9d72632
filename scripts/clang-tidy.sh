#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Looks through the library and the command line for bugs, by the checks of .clang-tidy:
# clang-tidy.sh [jobs]. Neighbouring sources are looked at together, since most of the time goes to
# headers.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${1:-$(nproc)}

scripts/install-dependencies.sh clang clang-tidy
cmake --preset tidy >/dev/null
echo "clang-tidy looks at peal/ and cli/ ..." >&2
python3 - build/tidy/compile_commands.json <<'LIST' |
import json, sys
for each in json.load(open(sys.argv[1])):
    print(each["file"], end="\0")
LIST
  xargs -0 -P "${jobs}" -n 1 clang-tidy -p build/tidy --quiet 2> >(grep -v "warnings generated" >&2)
echo "clang-tidy finds nothing" >&2
