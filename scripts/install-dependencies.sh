#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what building and testing needs on Debian 12, as far as it is missing; the arguments are
# further packages wanted.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache
  libfmt-dev libboost-context-dev libtomlplusplus-dev nlohmann-json3-dev libcli11-dev libdw-dev
  libhwy-dev libgtest-dev librapidcheck-dev libbenchmark-dev python3
  "$@"
)

if ! command -v dpkg-query >/dev/null; then
  echo "install-dependencies: this system has no dpkg; install the libraries of" \
    "docs/dependencies.md by hand" >&2
  exit 0
fi

format='${db:Status-Status} ${Package}\n'
installed=$(dpkg-query -W -f="${format}" "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "installed ${package}" <<<"${installed}" || missing+=("${package}")
done
((${#missing[@]} == 0)) && exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install-dependencies: ${missing[*]} missing, and there is neither root nor sudo to" \
      "install them; ask an administrator to" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
