// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/pto/load/kernel_cache.h"

namespace peal {

// Against what a source is written: the PTO tile ISA, or Peal's own headers.
enum class KernelLanguage : bool { pto, peal };

struct CompileOptions {
  std::vector<std::string> include_folders = {};
  std::vector<std::string> defines = {};  // of macros, as 1
};

// A shared object in the cache, which stays there while this lives.
struct KernelObject {
  std::string path;
  CacheLock in_use;
};

// Compiles a source, unmodified, to a shared object in the user's cache ($PEAL_CACHE_DIR, else
// $XDG_CACHE_HOME/peal, else ~/.cache/peal). The source is read once, by the preprocessor; what it
// gives is compiled and named by its hash, so that a source that is saved meanwhile is another one.
// Nothing is compiled when the source, every header it includes, the compiler and its options are
// as they were. The compiler is $CXX or g++. Throws QuotedError with the compiler's messages, and
// Error where there is no compiler or the cache cannot be used.
[[nodiscard]] KernelObject compile_source(const std::string& source, KernelLanguage language,
                                          const CompileOptions& options);

}  // namespace peal
