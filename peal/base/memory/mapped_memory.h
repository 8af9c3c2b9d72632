// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// Whether this process has memory at that address that it may read; true where the system does not
// tell.
[[nodiscard]] bool is_memory(const void* address);

}  // namespace peal
