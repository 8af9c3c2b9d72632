// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace peal {

// A PTO source, compiled and loaded into this process, and told where the simulator's functions
// are. What happens in its code while it runs on a core is the kernel's own fault.
class LoadedObject {
 public:
  LoadedObject(const std::string& source, const std::vector<std::string>& include_folders);
  ~LoadedObject();
  LoadedObject(LoadedObject&& other) noexcept;
  LoadedObject& operator=(LoadedObject&&) = delete;

  // The address of a symbol, or nullptr.
  [[nodiscard]] void* find(const char* symbol) const;

 private:
  void* handle_ = nullptr;
};

}  // namespace peal
