// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "peal/base/source_place.h"

namespace peal {

// The place of a failure, whose texts outlive the kernel that failed: a source line, or where its
// source is unknown, an instruction's address.
struct FailurePlace {
  std::string file = {};       // empty if unknown
  std::uint32_t line = 0;      // 0 if unknown
  std::uintptr_t address = 0;  // given only where the file is unknown
  bool is_after = false;       // the place is that of the last instruction before the failure

  [[nodiscard]] static FailurePlace at(SourcePlace place);
  // After the last instruction of a kernel; unknown if it has issued none.
  [[nodiscard]] static FailurePlace after(SourcePlace last);
  [[nodiscard]] bool is_known() const { return !file.empty() || address != 0; }
};

// "file:line", "after file:line", "file", "address 0x...", or empty.
[[nodiscard]] std::string describe(const FailurePlace& place);

}  // namespace peal
