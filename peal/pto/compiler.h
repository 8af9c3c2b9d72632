// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace peal {

// Against what a source is written: the PTO tile ISA, or Peal's own headers.
enum class KernelLanguage : bool { pto, peal };

// Compiles a source, unmodified, to a shared object in the user's cache ($PEAL_CACHE_DIR, else
// $XDG_CACHE_HOME/peal, else ~/.cache/peal) and returns the object's path. Nothing is compiled when
// the source, every header it includes, the compiler and its options are as they were. The compiler
// is $CXX or g++. Throws Error with the compiler's messages.
[[nodiscard]] std::string compile_source(const std::string& source, KernelLanguage language,
                                         const std::vector<std::string>& include_folders);

}  // namespace peal
