// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/search/check.h"

namespace peal {

// The command that reproduces a finding; empty if the subject has no command.
[[nodiscard]] std::string again(const std::string& command, const CheckResult& result,
                                const CheckedFinding& found);

// The text of all findings with their commands, then the verdict.
[[nodiscard]] std::string describe(const std::string& command, const CheckResult& result);

}  // namespace peal
