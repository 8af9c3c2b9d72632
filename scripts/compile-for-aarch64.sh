#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles every source of the library for 64-bit Arm, which hosts of Ascend accelerators have; that
# nothing is left that only x86 has. The headers of libraries are this machine's, which do not
# differ. The argument is how many compilers run at once.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-dependencies.sh g++-aarch64-linux-gnu
flags=(
  -std=c++20 -O0 -fPIC -Wall -Wextra -Wno-restrict -Werror -I. -idirafter /usr/include
  -DTOML_HEADER_ONLY=0 -DTOML_SHARED_LIB=1 -DHWY_SHARED_DEFINE -DFMT_SHARED
  '-DPEAL_INCLUDE_FOLDER="include"' '-DPEAL_DATA_FOLDER="share"' '-DPEAL_LIBRARY_FOLDER="lib"'
  '-DPEAL_SOURCE_FOLDER="."' '-DPEAL_CONFIGURED_PREFIX="/usr/local"'
)
# What kernels are compiled with is no part of the library, but for one source.
find peal -name '*.cpp' ! -path 'peal/pto/include/*' -print0 |
  xargs -0 -P "${1:-$(nproc)}" -I{} \
    aarch64-linux-gnu-g++ "${flags[@]}" -Ipeal/pto/include -c {} -o /dev/null
echo "every source of the library compiles for aarch64"
