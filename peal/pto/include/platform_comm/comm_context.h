// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// A kernel's view of its team: its rank and the address of every rank's window. Windows beyond rank
// 63 take the place of the original layout's windowsOut, which no kernel reads.
struct CommContext {
  std::uint64_t workSpace = 0;
  std::uint64_t workSpaceSize = 0;
  std::uint32_t rankId = 0;
  std::uint32_t rankNum = 0;
  std::uint64_t winSize = 0;
  std::uint64_t windowsIn[128] = {};  // last member: more ranks extend the object past it
};
static_assert(offsetof(CommContext, windowsIn) == 32 && sizeof(CommContext) == 1056);
