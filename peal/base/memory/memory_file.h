// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// Makes a file in memory (memfd) of that name, and returns its number, or -1 with errno. Programs
// that this process executes get it only if it `is_inherited`. The number is above those of the
// standard streams: had the caller closed stderr, the file would get its number, and other code
// would write messages into it.
[[nodiscard]] int make_memory_file(const char* name, bool is_inherited);

}  // namespace peal
