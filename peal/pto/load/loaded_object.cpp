// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/load/loaded_object.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <exception>
#include <utility>

#include "peal/base/error.h"
#include "peal/pto/isa/host.h"
#include "peal/pto/load/fault_guard.h"

namespace peal {
namespace {

constexpr const char* bind_symbol = "peal_pto_bind";
constexpr const char* initialise_symbol = "peal_run_initialisers";

// Processor time that an initialiser or peal_kernel() may take.
constexpr double max_seconds = 5;

}  // namespace

LoadedObject::LoadedObject(const std::string& source, KernelLanguage language,
                           const CompileOptions& options) {
  object_ = compile_source(source, language, options);
  handle_ = ::dlopen(object_.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    throw UsageError(
        fmt::format("kernel `{}` cannot be loaded: {}; define what it calls, or include it", source,
                    ::dlerror()));
  }
  refuse_thread_locals(source);
  code_ = find(bind_symbol);
  const auto bind = reinterpret_cast<bool (*)(const pto_abi::Host*, std::uint32_t)>(code_);
  const auto initialise = reinterpret_cast<void (*)()>(find(initialise_symbol));
  if (bind == nullptr || initialise == nullptr || !bind(&pto_host(), pto_abi::version)) {
    ::dlclose(std::exchange(handle_, nullptr));
    throw UsageError(
        fmt::format("kernel `{}` was compiled against headers of another Peal, or its "
                    "compiler leaves functions out; install Peal again, or set CXX to g++",
                    source));
  }
  add_kernel_object(code_);
  try {
    run_kernel_code(fmt::format("kernel `{}`: a dynamic initialiser", source), initialise);
  } catch (...) {
    close();
    throw;
  }
}

void LoadedObject::refuse_thread_locals(const std::string& source) {
  std::size_t module = 0;  // of the object's thread-local storage; 0: it has none
  if (::dlinfo(handle_, RTLD_DI_TLS_MODID, &module) != 0 || module == 0) return;
  ::dlclose(std::exchange(handle_, nullptr));
  throw UsageError(
      fmt::format("kernel `{}` has a thread_local variable, which all ranks here would share; a "
                  "device has none, so keep it on the stack or in a buffer",
                  source));
}

void run_kernel_code(const std::string& subject, const std::function<void()>& code) {
  const FaultGuard guard(max_seconds);
  try {
    run_guarded(subject, code);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw RunError(fmt::format("{} throws an exception: {}", subject, error.what()));
  } catch (...) {
    throw RunError(fmt::format("{} throws an exception, which is no std::exception", subject));
  }
}

void LoadedObject::close() {
  if (handle_ == nullptr) return;
  remove_kernel_object(code_);
  ::dlclose(std::exchange(handle_, nullptr));
  forget_source_places();
}

LoadedObject::~LoadedObject() { close(); }

LoadedObject::LoadedObject(LoadedObject&& other) noexcept
    : object_(std::move(other.object_)),
      handle_(std::exchange(other.handle_, nullptr)),
      code_(std::exchange(other.code_, nullptr)) {}

void* LoadedObject::find(const char* symbol) const { return ::dlsym(handle_, symbol); }

}  // namespace peal
