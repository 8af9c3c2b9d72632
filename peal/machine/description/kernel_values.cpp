// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/description/kernel_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "peal/base/error.h"

namespace peal {
namespace {

bool is_value_name(std::string_view word) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto fits = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !word.empty() && is_letter(word.front()) && std::all_of(word.begin(), word.end(), fits);
}

// Names with a fixed meaning in every expression.
constexpr std::string_view taken_names[] = {"P", "rank", "call", "i", "min", "max"};

}  // namespace

KernelValues::KernelValues(const Kernel& kernel) : kernel_(kernel), names_{"P", "rank", "call"} {
  for (const KernelValue& value : kernel.values) {
    const auto refuse = [&](const std::string& what) {
      throw UsageError(fmt::format("kernel `{}`: value `{}` {}", kernel.name, value.name, what));
    };
    if (!is_value_name(value.name)) refuse("has no name; use letters, digits and `_`");
    if (std::ranges::find(taken_names, value.name) != std::end(taken_names)) {
      refuse("means something else in expressions; rename it");
    }
    if (std::ranges::find(names_, value.name) != names_.end()) {
      refuse("is there twice; give each its own name");
    }
    try {
      expressions_.push_back(Expression::parse(value.value, names_));
    } catch (const Error& error) {
      refuse(fmt::format("is `{}`, which makes no sense: {}", value.value, error.what()));
    }
    names_.emplace_back(value.name);
  }
}

std::vector<std::int64_t> KernelValues::evaluate(const Point& point) const {
  std::vector<std::int64_t> scope = {point.ranks, point.rank, point.call};
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    try {
      scope.push_back(expressions_[i].evaluate(scope));
    } catch (const Error& error) {
      throw UsageError(fmt::format("kernel `{}`: value `{}` is `{}`, which cannot be evaluated: {}",
                                   kernel_.name, kernel_.values[i].name, kernel_.values[i].value,
                                   error.what()));
    }
  }
  return scope;
}

}  // namespace peal
