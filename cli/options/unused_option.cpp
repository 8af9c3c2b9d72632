// SPDX-License-Identifier: Apache-2.0
#include "cli/options/unused_option.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

void refuse_unused(std::string_view target, std::span<const UnusedOption> options) {
  for (const UnusedOption& unused : options) {
    if (!unused.given) continue;
    throw UsageError(
        fmt::format("{} has no use for {}; {}", target, unused.option, unused.instead));
  }
}

}  // namespace peal
