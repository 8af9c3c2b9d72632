// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "peal/pto/load/compiler.h"

namespace peal {

// peal_kernel(), which peal/machine/kernel.h declares, as the linker knows it.
inline constexpr const char* kernel_symbol = "_Z11peal_kernelv";

// A source, compiled and loaded into this process; one of PTO is told where the simulator's
// functions are, one of Peal calls this program's. What happens in its code while it runs on a core
// is the kernel's own fault.
class LoadedObject {
 public:
  LoadedObject(const std::string& source, KernelLanguage language, const CompileOptions& options);
  ~LoadedObject();
  LoadedObject(LoadedObject&& other) noexcept;
  LoadedObject& operator=(LoadedObject&&) = delete;

  // The address of a symbol (as the linker knows it), or nullptr.
  [[nodiscard]] void* find(const char* symbol) const;

 private:
  void close();

  KernelObject object_;  // its file tells the lines of its code
  void* handle_ = nullptr;
  void* code_ = nullptr;  // an address in its code
};

// Runs code of a loaded object outside of every core. Whatever it does, short of ending the
// process, comes out as RunError, which begins with the subject.
void run_kernel_code(const std::string& subject, const std::function<void()>& code);

}  // namespace peal
