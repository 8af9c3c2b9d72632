// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// What a kernel knows of its team: its rank and where every rank's window lies. With more than 64
// ranks the array runs on over windowsOut, which no kernel reads.
struct CommContext {
  std::uint64_t workSpace = 0;
  std::uint64_t workSpaceSize = 0;
  std::uint32_t rankId = 0;
  std::uint32_t rankNum = 0;
  std::uint64_t winSize = 0;
  std::uint64_t windowsIn[128] = {};  // the last member: more ranks only make the object longer
};
static_assert(offsetof(CommContext, windowsIn) == 32 && sizeof(CommContext) == 1056);
