#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs and checks every collective and algorithm under memcheck, which sees values that nobody has
# written, with odd numbers of ranks; then graphs, a kernel of each kind, and the examples beside
# the program. Takes the built `peal` and, if wanted, the ranks.
set -euo pipefail

peal=$1
shift
ranks=("${@:-}")
[[ -n ${ranks[0]} ]] || ranks=(1 2 3 5 16 33)
list=$(IFS=, && echo "${ranks[*]}")
log=$(mktemp)
trap 'rm -f "${log}"' EXIT
failed=0
# Rank programs have stacks of 256 KiB, which may lie beside that of a thread: who moves the stack
# pointer by more than half of that changes stacks.
options=(-q --error-exitcode=9 --max-stackframe=131072)
# One that does not end is killed; valgrind keeps a milder signal for itself.
limit=(timeout -s KILL 600)

# libhwy reads the clock with rdtscp when it is loaded, also where the processor does not tell of
# it, and then valgrind refuses the instruction. A function of that name that does not comes first.
if ! grep -qw rdtscp /proc/cpuinfo; then
  clock=$(mktemp --suffix=.so)
  trap 'rm -f "${log}" "${clock}"' EXIT
  echo 'namespace hwy::platform { double TimerResolution() { return 1e-9; } }' |
    c++ -x c++ -shared -fPIC -o "${clock}" -
  export LD_PRELOAD=${clock}
fi

memcheck() {
  if ! "${limit[@]}" valgrind "${options[@]}" "$@" >"${log}" 2>&1; then
    echo "memcheck: $* is not silent:"
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
    memcheck "${peal}" run "${collective}" -a "${algorithm}" -n "${count}" -c 7
  done
  memcheck "${peal}" check "${collective}" -a "${algorithm}" -n "${list}" -c 7
done
for graph in examples/graphs/*.toml; do memcheck "${peal}" graph "${graph}" --checks; done
for kernel in examples/kernels/ring_all_reduce.cpp examples/pto/all_reduce_ring; do
  for command in run check; do memcheck "${peal}" "${command}" "${kernel}" -n 3; done
done
# On simulated devices: memcheck knows no process descriptors, by which real ranks are watched.
for example in "$(dirname "${peal}")"/examples/[0-9]*; do
  for platform in a2a3sim a5sim hostsim; do memcheck "${example}" -p "${platform}"; done
done
exit "${failed}"
