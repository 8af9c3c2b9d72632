// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/description/described_arguments.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

std::int64_t DescribedArguments::value(std::string_view name) const {
  const std::size_t fixed = scope_.size() - kernel_.values.size();  // P, rank, call
  for (std::size_t i = 0; i < kernel_.values.size(); ++i) {
    if (kernel_.values[i].name == name) return scope_[fixed + i];
  }
  refuse("value", name);
}

View DescribedArguments::buffer(std::string_view name) const {
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    if (kernel_.buffers[i].name == name) return buffers_[i];
  }
  refuse("buffer", name);
}

SignalRow DescribedArguments::signals(std::string_view name) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (kernel_.signals[i].name == name) return rows_[i];
  }
  refuse("row of signals", name);
}

void DescribedArguments::refuse(const char* what, std::string_view name) const {
  throw UsageError(fmt::format("kernel `{}` has no {} `{}`; add it to its description",
                               kernel_.name, what, name));
}

}  // namespace peal
