// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace peal {

// The type of the exception that is being handled, as it is written in C++; empty if there is none,
// or if other code than C++ has thrown it.
[[nodiscard]] std::string type_of_exception();

}  // namespace peal
