// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace peal {

// An option that has no effect on a target.
struct UnusedOption {
  const char* option;
  bool given;
  const char* instead;  // what to do instead, as the end of a sentence
};

// Throws Error for the first of them that was given.
void refuse_unused(std::string_view target, std::span<const UnusedOption> options);

}  // namespace peal
