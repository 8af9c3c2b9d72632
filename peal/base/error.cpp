// SPDX-License-Identifier: Apache-2.0
#include "peal/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace peal {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "peal: defect at %s:%d: %s does not hold; please report it\n", file, line,
               condition);
  std::abort();
}

}  // namespace peal
