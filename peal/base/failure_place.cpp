// SPDX-License-Identifier: Apache-2.0
#include "peal/base/failure_place.h"

#include <fmt/format.h>

namespace peal {

FailurePlace FailurePlace::at(SourcePlace place) {
  return {.file = place.file == nullptr ? "" : place.file, .line = place.line};
}

FailurePlace FailurePlace::after(SourcePlace last) {
  if (last.file == nullptr || *last.file == '\0') return {};
  return {.file = last.file, .line = last.line, .is_after = true};
}

std::string describe(const FailurePlace& place) {
  if (place.file.empty()) {
    return place.address == 0 ? std::string() : fmt::format("address {:#x}", place.address);
  }
  const std::string text = (place.is_after ? "after " : "") + place.file;
  return place.line == 0 ? text : fmt::format("{}:{}", text, place.line);
}

}  // namespace peal
