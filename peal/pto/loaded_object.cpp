// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/loaded_object.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

#include "peal/base/error.h"
#include "peal/pto/compiler.h"
#include "peal/pto/fault_guard.h"
#include "peal/pto/host.h"

namespace peal {
namespace {

constexpr const char* bind_symbol = "peal_pto_bind";

}  // namespace

LoadedObject::LoadedObject(const std::string& source,
                           const std::vector<std::string>& include_folders) {
  const std::string path = compile_pto_source(source, include_folders);
  handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    throw Error(fmt::format("kernel `{}` cannot be loaded: {}; define what it calls, or include it",
                            source, ::dlerror()));
  }
  const auto bind =
      reinterpret_cast<bool (*)(const pto_abi::Host*, std::uint32_t)>(find(bind_symbol));
  CHECK(bind != nullptr && bind(&pto_host(), pto_abi::version));
  add_kernel_object(find(bind_symbol));
}

LoadedObject::~LoadedObject() {
  if (handle_ == nullptr) return;
  remove_kernel_object(find(bind_symbol));
  ::dlclose(handle_);
}

LoadedObject::LoadedObject(LoadedObject&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)) {}

void* LoadedObject::find(const char* symbol) const { return ::dlsym(handle_, symbol); }

}  // namespace peal
