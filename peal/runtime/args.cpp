// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/args.h"

#include <fmt/format.h>

#include <cstring>

#include "peal/base/error.h"

namespace peal {

void check_copy(const char* what, const Array& to, const Array& from) {
  if (to.view().count == from.view().count && to.view().dtype == from.view().dtype) return;
  throw UsageError(fmt::format("{}: {} elements of {} to {} of {}; give as many of one type", what,
                               from.view().count, name(from.view().dtype), to.view().count,
                               name(to.view().dtype)));
}

void copy_elements(const View& to, const View& from) {
  if (!from.empty()) std::memmove(to.data, from.data, from.size_bytes());
}

}  // namespace peal
