// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "peal/pto/load/kernel_cache.h"

namespace peal {

// What a source is written in: the instructions of the PTO tile ISA, or Peal's own verbs.
enum class KernelLanguage : bool { pto, peal };

struct CompileOptions {
  std::vector<std::string> include_folders = {};
  std::vector<std::string> defines = {};  // names of macros, each defined as 1
};

// A shared object in the cache. Cleaning does not remove it while `in_use` holds its lock.
struct KernelObject {
  std::string path;
  CacheLock in_use;
};

// Compiles a source, unmodified, to a shared object in the user's cache ($PEAL_CACHE_DIR, else
// $XDG_CACHE_HOME/peal, else ~/.cache/peal). The compiler is $CXX, or g++. Reuses a cached object
// if the source, every header that it includes, the compiler and its options are unchanged. The
// object is named by the hash of the preprocessed text that it was compiled from, so saving the
// source during a compilation cannot mix two versions. Throws QuotedError with the compiler's
// messages, and Error if there is no compiler or the cache cannot be used.
[[nodiscard]] KernelObject compile_source(const std::string& source, KernelLanguage language,
                                          const CompileOptions& options);

}  // namespace peal
