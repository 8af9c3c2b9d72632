// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/kernel.h"

#include <fmt/format.h>

namespace peal {

PtoKernel::PtoKernel(const std::string& source, const std::vector<std::string>& include_folders,
                     CoreType core)
    // The chips' own compiler defines these macros.
    : object_(source, KernelLanguage::pto,
              {.include_folders = include_folders,
               .defines = {core == CoreType::aiv ? "__DAV_VEC__" : "__DAV_CUBE__"}}),
      entry_(reinterpret_cast<void (*)(std::int64_t*)>(object_.find("kernel_entry"))) {
  if (entry_ == nullptr) {
    throw MissingEntry(fmt::format(
        "kernel `{}` has no kernel_entry; define extern \"C\" void kernel_entry(int64_t* args)",
        source));
  }
}

}  // namespace peal
