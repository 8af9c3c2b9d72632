// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/options/check_request.h"

namespace peal {

// Runs a collective or a kernel under every check and prints the findings; returns the exit code.
[[nodiscard]] int check_command(const CheckCommandRequest& request);

}  // namespace peal
