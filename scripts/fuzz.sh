#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gives each parser of tests/fuzz inputs made by libFuzzer: scripts/fuzz.sh PROGRAM [OPTION...]
# What is found on the way is kept beside the program; PEAL_FUZZ names one parser instead of all.
set -euo pipefail

program=$(realpath "$1")
options=("${@:2}")
root=$(realpath "$(dirname "$0")/..")
kept=$(dirname "${program}")/corpus
export ASAN_OPTIONS=quarantine_size_mb=16:detect_leaks=0:allocator_may_return_null=0

for corpus in "${root}"/tests/fuzz/corpus/${PEAL_FUZZ:-*}/; do
  name=$(basename "${corpus}")
  mkdir -p "${kept}/${name}"
  echo "fuzz ${name}" >&2
  (cd "${kept}" && PEAL_FUZZ=${name} "${program}" -timeout=25 -rss_limit_mb=1024 -max_len=16384 \
    -artifact_prefix="${kept}/${name}-" -print_final_stats=1 -verbosity=0 "${options[@]}" \
    "${kept}/${name}" "${corpus}")
done
