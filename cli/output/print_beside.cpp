// SPDX-License-Identifier: Apache-2.0
#include "cli/output/print_beside.h"

#include <cstdio>

namespace peal {

void print_beside(bool stdout_is_taken, std::string_view text) {
  std::FILE* const stream = stdout_is_taken ? stderr : stdout;
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace peal
