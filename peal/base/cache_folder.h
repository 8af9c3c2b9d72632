// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace peal {

// Where this user's measurements and compiled kernels are kept: $PEAL_CACHE_DIR, else
// $XDG_CACHE_HOME/peal, else ~/.cache/peal, else a folder for temporary files. It need not exist.
[[nodiscard]] std::filesystem::path cache_folder();

// The same, made if need be; throws Error when that fails.
[[nodiscard]] std::filesystem::path made_cache_folder();

}  // namespace peal
