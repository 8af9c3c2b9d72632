// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/orchestrator.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

const Callable& Orchestrator::find(CallableHandle callable) const {
  if (callable.worker() != worker_.id) {
    throw UsageError(
        callable.worker() == 0
            ? "submit: this callable is nothing; use what Worker::add has returned"
            : "submit: this callable is another worker's; use what this one's add() has "
              "returned");
  }
  return worker_.callables[callable.index()];
}

Task Orchestrator::copy(const Array& to, const Array& from, const Args& also) {
  if (!also.entries().empty()) {
    throw UsageError(
        fmt::format("copy: {} more arguments are given; it has none but the two arrays",
                    also.entries().size()));
  }
  check_copy("copy", to, from);
  return builder_.submit_host(
      [](const TaskArguments& args) { copy_elements(args.view(0), args.view(1)); },
      Args(also).out(to).in(from), "copy");
}

}  // namespace peal
