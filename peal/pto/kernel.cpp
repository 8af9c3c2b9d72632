// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/kernel.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

#include "peal/base/error.h"
#include "peal/pto/compiler.h"
#include "peal/pto/fault_guard.h"
#include "peal/pto/host.h"

namespace peal {

PtoKernel::PtoKernel(const std::string& source, const std::vector<std::string>& include_folders) {
  const std::string path = compile_pto_source(source, include_folders);
  object_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object_ == nullptr) {
    throw Error(fmt::format("kernel `{}` cannot be loaded: {}; define what it calls, or include it",
                            source, ::dlerror()));
  }
  const auto bind = reinterpret_cast<bool (*)(const pto_abi::Host*, std::uint32_t)>(
      ::dlsym(object_, "peal_pto_bind"));
  CHECK(bind != nullptr && bind(&pto_host(), pto_abi::version));
  add_kernel_object(reinterpret_cast<const void*>(bind));
  entry_ = reinterpret_cast<void (*)(std::int64_t*)>(::dlsym(object_, "kernel_entry"));
  if (entry_ == nullptr) {
    remove_kernel_object(reinterpret_cast<const void*>(bind));
    ::dlclose(std::exchange(object_, nullptr));
    throw Error(fmt::format(
        "kernel `{}` has no kernel_entry; define extern \"C\" void kernel_entry(int64_t* args)",
        source));
  }
}

PtoKernel::~PtoKernel() {
  if (object_ == nullptr) return;
  remove_kernel_object(reinterpret_cast<const void*>(entry_));
  ::dlclose(object_);
}

PtoKernel::PtoKernel(PtoKernel&& other) noexcept
    : object_(std::exchange(other.object_, nullptr)), entry_(other.entry_) {}

}  // namespace peal
