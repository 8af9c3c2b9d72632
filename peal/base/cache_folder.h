// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace peal {

// The folder of this user's measurements and compiled kernels: $PEAL_CACHE_DIR, else
// $XDG_CACHE_HOME/peal, else $HOME/.cache/peal; std::nullopt if none of these variables is set. The
// folder need not exist.
[[nodiscard]] std::optional<std::filesystem::path> cache_folder();

// Returns cache_folder(), created with mode 0700 if it does not exist; if there is none, a
// temporary folder of this process, which is removed when the process ends. Code in the folder is
// executed, so this throws Error if the folder cannot be created, belongs to another user, or is
// writable by others.
[[nodiscard]] std::filesystem::path made_cache_folder();

// Creates the temporary folder now if made_cache_folder() would need one. To be called before
// fork(): the children then share the folder, and only this process removes it.
void make_temporary_cache();

// The reason why others may have written the file, by lstat(): it is not a regular file, belongs to
// another user, is writable by others, or has further hard links. Empty if there is none.
[[nodiscard]] std::string distrust_of_file(const std::filesystem::path& path);

}  // namespace peal
