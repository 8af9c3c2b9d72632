// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// This folder answers questions about address ranges: is an address mapped (here), how much memory
// may the process use (machine_memory.h), and which parts of a range are free (free_ranges.h).
//
// True if this process can read memory at that address; also true if the system does not permit the
// test.
[[nodiscard]] bool is_memory(const void* address);

}  // namespace peal
