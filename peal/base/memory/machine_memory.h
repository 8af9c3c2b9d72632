// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace peal {

// The bytes of memory that this process may fill: those of the machine, or of the container that it
// runs in. What asks for more would end by the system's choice, without a word.
[[nodiscard]] std::size_t machine_memory_bytes();

// The bytes of a page of memory on this host.
[[nodiscard]] std::size_t page_size_bytes();

}  // namespace peal
