// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/orchestrator.h"

#include <fmt/format.h>

#include <cstring>

#include "peal/base/error.h"

namespace peal {

const Callable& Orchestrator::find(CallableHandle callable) const {
  if (callable.worker() != worker_.id) {
    throw Error(callable.worker() == 0
                    ? "submit: this callable is nothing; use what Worker::add has returned"
                    : "submit: this callable is another worker's; use what this one's add() has "
                      "returned");
  }
  return worker_.callables[callable.index()];
}

Task Orchestrator::copy(const Array& to, const Array& from, const Args& also) {
  if (!also.entries().empty()) {
    throw Error(fmt::format("copy: {} more arguments are given; it has none but the two arrays",
                            also.entries().size()));
  }
  if (to.view().count != from.view().count || to.view().dtype != from.view().dtype) {
    throw Error(fmt::format("copy: {} elements of {} to {} of {}; give as many of one type",
                            from.view().count, name(from.view().dtype), to.view().count,
                            name(to.view().dtype)));
  }
  return run_.submit_host(
      [](const TaskArguments& args) {
        const View dst = args.view(0), src = args.view(1);
        if (!src.empty()) std::memmove(dst.data, src.data, src.size_bytes());
      },
      Args(also).out(to).in(from), "copy");
}

}  // namespace peal
