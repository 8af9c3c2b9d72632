// SPDX-License-Identifier: Apache-2.0
#include "peal/base/error.h"

#include <stdio.h>
#include <unistd.h>

#include <cstdlib>

namespace peal {

void check_failed(const char* condition, const char* file, int line) {
  // Not a note: a handler of the program could call Peal again, which is not in order any more.
  ::dprintf(STDERR_FILENO, "peal: defect at %s:%d: %s does not hold; please report it\n", file,
            line, condition);
  std::abort();
}

}  // namespace peal
