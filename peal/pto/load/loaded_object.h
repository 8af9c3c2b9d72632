// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/pto/load/compiler.h"

namespace peal {

// The mangled name of peal_kernel(), which peal/machine/kernel.h declares.
inline constexpr const char* kernel_symbol = "_Z11peal_kernelv";

// Thrown for a source that compiles and does not define what a kernel of its language defines.
class MissingEntry : public UsageError {
 public:
  using UsageError::UsageError;
};

// This folder turns a kernel's source into code that runs in this process: compiler.h compiles it,
// kernel_cache.h and kernel_manifest.h decide when a compiled object may be reused, this class
// loads the object, fault_guard.h contains its faults. Read compiler.h next, then fault_guard.h.
//
// A source, compiled and loaded into this process with dlopen(). A PTO kernel gets the table of
// pto_host() through peal_pto_bind(); a Peal kernel links to the symbols that this program exports.
// The object's code counts as kernel code: a fault in it on a core is reported as the kernel's.
class LoadedObject {
 public:
  // Compiles or reuses the object, loads it, binds it, then runs its dynamic initialisers under a
  // FaultGuard. Throws Error where it does not compile, load or bind, or has thread_local
  // variables, RunError where an initialiser fails.
  LoadedObject(const std::string& source, KernelLanguage language, const CompileOptions& options);
  ~LoadedObject();
  LoadedObject(LoadedObject&& other) noexcept;
  LoadedObject& operator=(LoadedObject&&) = delete;

  // The address of a symbol, by its mangled name; nullptr if the object does not define it.
  [[nodiscard]] void* find(const char* symbol) const;

 private:
  void close();
  // Throws Error if it has thread-local storage, which is that of all ranks here.
  void refuse_thread_locals(const std::string& source);

  KernelObject object_;  // locked in the cache: its file holds the debug information
  void* handle_ = nullptr;
  void* code_ = nullptr;  // any address in its code, which identifies it to the fault guard
};

// Runs code of a loaded object while no core runs, such as an initialiser. Faults, exceptions and
// more than 5 s of processor time are thrown as RunError, whose text begins with `subject`; an
// Error that the code throws itself passes unchanged.
void run_kernel_code(const std::string& subject, const std::function<void()>& code);

}  // namespace peal
