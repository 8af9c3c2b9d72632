// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace peal {

// Prints what a command has to say: on stdout, or on stderr where an output goes to stdout.
void print_beside(bool stdout_is_taken, std::string_view text);

}  // namespace peal
