// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace peal {

// The bytes of memory that this process may use: those of the machine, or the limit of its
// container if that is lower. A process that uses more is killed by the kernel without a message.
[[nodiscard]] std::size_t machine_memory_bytes();

// The bytes of a page of memory on this host.
[[nodiscard]] std::size_t page_size_bytes();

}  // namespace peal
