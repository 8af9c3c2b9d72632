// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace peal {

// Where this user's measurements and compiled kernels are kept: $PEAL_CACHE_DIR, else
// $XDG_CACHE_HOME/peal, else $HOME/.cache/peal; none where no such variable is set. It need not
// exist.
[[nodiscard]] std::optional<std::filesystem::path> cache_folder();

// The same, made with mode 0700 if need be; without one, a folder of this process alone, which is
// removed when the process ends. What lies there is code that will run: throws Error where the
// folder cannot be made or written, is somebody else's, or may be written by others.
[[nodiscard]] std::filesystem::path made_cache_folder();

// Makes that folder of this process where it is needed, so that the processes that it forks have
// the same, which goes with this one.
void make_temporary_cache();

// What makes the file, as lstat() tells of it, one that others may have written: it is no regular
// file, is somebody else's, may be written by others, or has other names. Empty if nothing does.
[[nodiscard]] std::string distrust_of_file(const std::filesystem::path& path);

}  // namespace peal
