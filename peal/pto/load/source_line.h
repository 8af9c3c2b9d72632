// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/base/source_place.h"

namespace peal {

// The place of an instruction's address in a loaded object, from its debug information; without a
// file where it has none. The file's name lives as long as the process.
[[nodiscard]] SourcePlace source_place(const void* address);

// The same as "file:line", or as the address where there is no debug information.
[[nodiscard]] std::string source_line(const void* address);

}  // namespace peal
