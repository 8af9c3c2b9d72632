// SPDX-License-Identifier: Apache-2.0
#include "peal/base/memory/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace peal {

std::size_t page_size_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t machine_memory_bytes() {
  const auto whole = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * page_size_bytes();
  std::ifstream container("/sys/fs/cgroup/memory.max");  // the word `max` if there is no limit
  std::size_t limit = 0;
  return container >> limit ? std::min(whole, limit) : whole;
}

}  // namespace peal
