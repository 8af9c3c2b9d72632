// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/loaded_object.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

#include "peal/base/error.h"
#include "peal/pto/fault_guard.h"
#include "peal/pto/host.h"

namespace peal {
namespace {

constexpr const char* bind_symbol = "peal_pto_bind";

}  // namespace

LoadedObject::LoadedObject(const std::string& source, KernelLanguage language,
                           const std::vector<std::string>& include_folders) {
  const std::string path = compile_source(source, language, include_folders);
  handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    throw Error(fmt::format("kernel `{}` cannot be loaded: {}; define what it calls, or include it",
                            source, ::dlerror()));
  }
  code_ = find(language == KernelLanguage::pto ? bind_symbol : kernel_symbol);
  if (language == KernelLanguage::pto) {
    const auto bind = reinterpret_cast<bool (*)(const pto_abi::Host*, std::uint32_t)>(code_);
    CHECK(bind != nullptr && bind(&pto_host(), pto_abi::version));
  }
  if (code_ != nullptr) add_kernel_object(code_);
}

LoadedObject::~LoadedObject() {
  if (handle_ == nullptr) return;
  if (code_ != nullptr) remove_kernel_object(code_);
  ::dlclose(handle_);
  forget_source_places();
}

LoadedObject::LoadedObject(LoadedObject&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), code_(std::exchange(other.code_, nullptr)) {}

void* LoadedObject::find(const char* symbol) const { return ::dlsym(handle_, symbol); }

}  // namespace peal
