#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every collective and algorithm under memcheck, which sees values that nobody has written,
# with odd numbers of ranks; then checks and a graph. Takes the built `peal` and, if wanted, the
# ranks.
set -euo pipefail

peal=$1
shift
ranks=("${@:-}")
[[ -n ${ranks[0]} ]] || ranks=(1 2 3 5 16 33)
log=$(mktemp)
trap 'rm -f "${log}"' EXIT
failed=0

memcheck() {
  if ! valgrind -q --error-exitcode=9 "${peal}" "$@" >"${log}" 2>&1; then
    echo "memcheck: peal $* is not silent:"
    head -n 30 "${log}"
    failed=1
  fi
}

mapfile -t algorithms < <("${peal}" list --json | python3 -c '
import json, sys
for collective in json.load(sys.stdin)["collectives"]:
    for algorithm in collective["algorithms"]:
        print(collective["name"], algorithm["name"])')
for each in "${algorithms[@]}"; do
  read -r collective algorithm <<<"${each}"
  for count in "${ranks[@]}"; do
    memcheck run "${collective}" -a "${algorithm}" -n "${count}" -c 7
  done
  memcheck check "${collective}" -a "${algorithm}" -n 3 -c 7
done
memcheck graph examples/graphs/two_sums.toml
exit "${failed}"
