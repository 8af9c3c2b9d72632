// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace peal {

// "file:line" of an instruction's address in a loaded object, from its debug information; the
// object's name and the offset where it has none.
[[nodiscard]] std::string source_line(const void* address);

}  // namespace peal
