// SPDX-License-Identifier: Apache-2.0
#include "peal/search/output_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

#include "peal/machine/dtype.h"

namespace peal {
namespace {

template <class T>
double number_of(T value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(value);
  } else {
    return static_cast<double>(static_cast<float>(value));
  }
}

}  // namespace

std::optional<Difference> find_difference(const std::vector<WrittenOutput>& first,
                                          const std::vector<RunOutput>& other) {
  std::optional<Difference> found;
  for (std::size_t i = 0; i < std::min(first.size(), other.size()); ++i) {
    const RunOutput& a = first[i].output;
    const RunOutput& b = other[i];
    if (a.bytes == b.bytes || a.bytes.size() != b.bytes.size()) continue;
    with_type(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (std::size_t element = 0; element < a.bytes.size() / sizeof(T); ++element) {
        T left, right;
        std::memcpy(&left, a.bytes.data() + element * sizeof(T), sizeof(T));
        std::memcpy(&right, b.bytes.data() + element * sizeof(T), sizeof(T));
        if (std::memcmp(&left, &right, sizeof(T)) == 0) continue;
        const double x = number_of(left), y = number_of(right);
        if (x == y) continue;  // +0 and -0
        const bool is_mild = !std::is_integral_v<T> && std::abs(x - y) <= a.tolerance;
        if (found && (is_mild || !found->is_mild)) continue;
        found = {i, element, x, y, is_mild};
      }
    });
  }
  return found;
}

Finding unstable(const Difference& difference, const WrittenOutput& first,
                 const std::string& first_schedule, const WrittenOutput& other,
                 const std::string& schedule) {
  Finding finding{.kind = FindingClass::unstable_result,
                  .subject = fmt::format("{} element {} is {} under schedule {} and {} under {}",
                                         first.output.name, difference.element, difference.first,
                                         first_schedule, difference.other, schedule),
                  .sides = {},
                  .reason = {}};
  const std::uint64_t address =
      first.output.address + difference.element * size_bytes(first.output.dtype);
  for (const WrittenOutput* written : {&first, &other}) {
    for (const Checker::LastWrite& write : written->writes) {
      if (address < write.begin || address >= write.end) continue;
      FindingSide side = write.side;
      side.what += fmt::format(" under {}", written == &first ? first_schedule : schedule);
      finding.sides.push_back(std::move(side));
    }
  }
  finding.is_mild = difference.is_mild;
  finding.reason = difference.is_mild ? "another order of floating-point additions can give this"
                                      : "the value depends on the order in which ranks come";
  return finding;
}

}  // namespace peal
