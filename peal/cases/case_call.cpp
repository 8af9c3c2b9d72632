// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>

#include "peal/base/error.h"
#include "peal/base/random.h"

namespace peal {
namespace {

constexpr std::int64_t highest_bytes = std::int64_t{1} << 40;
constexpr std::int64_t max_blocks = 4096;  // and cores; more than any chip has
constexpr std::int64_t max_calls = 1'000'000;
constexpr std::int64_t max_cores_of_all = 131072;
constexpr std::int64_t call_step = 7;  // between the inputs of one call and the next

// The value of the number. `scope`: P, rank, call, the values and, for elements, i.
std::int64_t value_of(const CaseFile& file, const CaseNumber& number,
                      std::span<const std::int64_t> scope) {
  try {
    return number.expression.evaluate(scope);
  } catch (const Error& error) {
    const std::string call = file.has_calls ? fmt::format(", call = {}", scope[2]) : "";
    refuse_case(file.subject, number.key,
                fmt::format("has no value for P = {}, rank = {}{}: {}", scope[0], scope[1], call,
                            error.what()));
  }
}

// The scope: P, rank, call and the values in their order. A value that `is_wanted` rejects is not
// evaluated and is 0.
template <class IsWanted>
std::vector<std::int64_t> make_scope(const CaseFile& file, const CasePoint& point,
                                     IsWanted is_wanted) {
  std::vector<std::int64_t> scope = {point.ranks, point.rank, point.call};
  for (const CaseValue& value : file.values) {
    scope.push_back(is_wanted(value.number) ? value_of(file, value.number, scope) : 0);
  }
  return scope;
}

struct Limits {
  std::int64_t lowest = 0, highest = 0;
  const char* what = "";
};

std::int64_t within(const CaseFile& file, const CaseNumber& number, std::int64_t value,
                    const Limits& limits) {
  if (value >= limits.lowest && value <= limits.highest) return value;
  refuse_case(
      file.subject, number.key,
      fmt::format("is {}, which gives {} {}; it must be from {} to {}", number.expression.text(),
                  value, limits.what, limits.lowest, limits.highest));
}

Limits elements_of(DType dtype, std::int64_t lowest) {
  return {lowest, highest_bytes / static_cast<std::int64_t>(size_bytes(dtype)), "elements"};
}

// A random element from random bits: any integer, or a float in [-1, 1) that is a multiple of the
// type's precision, so that no conversion can round it up to 1.
template <class T>
T random_element(std::uint64_t bits) {
  if constexpr (std::integral<T>) {
    return static_cast<T>(bits);
  } else {
    constexpr int digits = exact_bits<T>();
    const double value = std::ldexp(static_cast<double>(bits >> (64 - digits)), 1 - digits) - 1;
    return element_of<T>(value);
  }
}

template <class T>
void store(const View& view, std::size_t index, T element) {
  std::memcpy(view.data + index * sizeof(T), &element, sizeof(T));
}

template <class T>
T load(const View& view, std::size_t index) {
  T element;
  std::memcpy(&element, view.data + index * sizeof(T), sizeof(T));
  return element;
}

template <class T>
double distance(T a, T b) {
  if constexpr (std::integral<T>) {
    return static_cast<double>(a < b
                                   ? static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a)
                                   : static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
  } else if constexpr (std::is_floating_point_v<T>) {
    if (a == b || (std::isnan(a) && std::isnan(b))) return 0;  // equal infinities too
    const double difference = std::fabs(static_cast<double>(a) - static_cast<double>(b));
    return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
  } else {
    return distance(static_cast<float>(a), static_cast<float>(b));
  }
}

template <class T>
std::string shown(T element) {
  if constexpr (std::integral<T>) {
    return fmt::format(
        "{}", static_cast<std::conditional_t<std::signed_integral<T>, std::int64_t, std::uint64_t>>(
                  element));
  } else if constexpr (std::is_floating_point_v<T>) {
    return fmt::format("{}", element);
  } else {
    return fmt::format("{}", static_cast<float>(element));
  }
}

// The number of elements per block, from the length of the array that consists of a single block
// (for all_to_all, which has none, from `send` / ranks). `send` and `recv` are lengths of arrays.
std::size_t block_length(Collective collective, std::size_t send, std::size_t recv, int ranks) {
  switch (collective) {
    case Collective::all_to_all:
      return send / static_cast<std::size_t>(ranks);
    case Collective::broadcast:
    case Collective::scatter:
    case Collective::reduce_scatter:
      return recv;
    default:
      return send;
  }
}

}  // namespace

CaseSetup case_setup(const CaseFile& file, int ranks) {
  check_ranks(file, ranks);
  const auto scope =
      make_scope(file, {.ranks = ranks, .rank = 0, .call = 0},
                 [](const CaseNumber& number) { return !number.by_rank && !number.by_call; });
  const auto number = [&](const std::optional<CaseNumber>& given, std::int64_t otherwise,
                          const Limits& limits) {
    return given ? within(file, *given, value_of(file, *given, scope), limits) : otherwise;
  };
  CaseSetup setup;
  setup.blocks = static_cast<int>(number(file.blocks, 1, {1, max_blocks, "blocks"}));
  setup.cores = static_cast<int>(number(file.cores, setup.blocks, {1, max_blocks, "cores"}));
  if (setup.cores < setup.blocks) {
    refuse_case(file.subject, "cores",
                fmt::format("is {}, fewer than the {} blocks that run at the same time; give each "
                            "a core",
                            setup.cores, setup.blocks));
  }
  if (std::int64_t{setup.cores} * ranks > max_cores_of_all) {
    refuse_case(file.subject, "cores",
                fmt::format("is {} on each of {} ranks; a run has at most {} cores, so use fewer",
                            setup.cores, ranks, max_cores_of_all));
  }
  setup.calls = number(file.calls, 1, {1, max_calls, "calls"});
  for (const CaseWindow& window : file.windows) {
    const std::int64_t count = number(window.count, 0, elements_of(window.dtype, 1));
    setup.window_bytes.push_back(static_cast<std::size_t>(count) * size_bytes(window.dtype));
  }
  return setup;
}

void fill_poison(const View& view) {
  with_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::uint64_t bits = 0xcdcdcdcdcdcdcdcdULL;
    if (view.dtype == DType::f32) bits = 0x7fcdcdcdULL;
    if (view.dtype == DType::f64) bits = 0x7ffdcdcdcdcdcdcdULL;
    if (view.dtype == DType::f16) bits = 0x7ecdULL;
    if (view.dtype == DType::bf16) bits = 0x7fcdULL;
    for (std::size_t i = 0; i < view.count; ++i) {
      std::memcpy(view.data + i * sizeof(T), &bits, sizeof(T));
    }
  });
}

CaseCall::CaseCall(const CaseFile& file, const CasePoint& point)
    : file_(file),
      point_(point),
      scope_(make_scope(file, point, [](const CaseNumber&) { return true; })) {
  check_ranks(file, point.ranks);
  for (const CaseArgument& argument : file.arguments) {
    std::int64_t number = 0;
    if (is_array(argument.kind)) {
      number =
          within(file, argument.number, evaluate(argument.number), elements_of(argument.dtype, 0));
    } else if (argument.kind == ArgumentKind::scalar) {
      number = evaluate(argument.number);
    }
    numbers_.push_back(number);
  }
  if (file.expected_collective) collective_ = evaluate(*file.expected_collective);
}

std::int64_t CaseCall::evaluate(const CaseNumber& number) const {
  return value_of(file_, number, scope_);
}

CaseCollectiveCall CaseCall::evaluate(const ExpectedCollective& expected) const {
  CaseCollectiveCall call{.collective = expected.collective, .op = expected.op};
  if (expected.root) {
    const Limits limits{0, point_.ranks - 1, "as the root"};
    call.root = static_cast<int>(within(file_, *expected.root, evaluate(*expected.root), limits));
  }
  call.send = expected.send;
  call.recv = expected.recv;
  const CollectiveShape blocks = shape(call.collective, point_.ranks);
  const std::size_t send = count(call.send), recv = count(call.recv);
  call.count = block_length(call.collective, send, recv, point_.ranks);
  const std::size_t needed_send = call.count * static_cast<std::size_t>(blocks.send_blocks);
  const std::size_t needed_recv = call.count * static_cast<std::size_t>(blocks.recv_blocks);
  const bool send_fits =
      send == needed_send || !peal::sends(call.collective, point_.rank, call.root);
  const bool recv_fits =
      recv == needed_recv || !peal::receives(call.collective, point_.rank, call.root);
  if (!send_fits || !recv_fits) {
    refuse_case(
        file_.subject, fmt::format("expect.{}", name(call.collective)),
        fmt::format("does not fit {} of {} elements and {} of {}: on {} ranks "
                    "blocks of {} are {} to send and {} to receive; change the counts",
                    file_.arguments[call.send].label, send, file_.arguments[call.recv].label, recv,
                    point_.ranks, call.count, needed_send, needed_recv));
  }
  return call;
}

std::size_t CaseCall::count(std::size_t argument) const {
  PEAL_CHECK(is_array(file_.arguments.at(argument).kind));
  return static_cast<std::size_t>(numbers_[argument]);
}

std::uint64_t CaseCall::scalar(std::size_t argument) const {
  PEAL_CHECK(file_.arguments.at(argument).kind == ArgumentKind::scalar);
  return static_cast<std::uint64_t>(numbers_[argument]);
}

// Calls `consume` with the index and value of every element. Evaluates once if `i` is not used.
template <class Consume>
void CaseCall::each_element(const CaseNumber& number, std::size_t count, Consume consume) const {
  std::vector<std::int64_t> scope = scope_;
  scope.push_back(0);
  std::int64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    scope.back() = static_cast<std::int64_t>(i);
    if (i == 0 || number.by_element) value = value_of(file_, number, scope);
    consume(i, value);
  }
}

void CaseCall::fill(std::size_t argument, const View& view) const {
  const CaseArgument& array = file_.arguments.at(argument);
  PEAL_CHECK(view.dtype == array.dtype && view.count == count(argument));
  if (!array.fill) return fill_poison(view);
  const bool shifts = collective_ && collective_->send == argument && !array.fill->number.by_call;
  fill(*array.fill, view, shifts ? call_step * point_.call : 0);
}

void CaseCall::fill(const CaseFill& how, const View& view, std::int64_t shift_by) const {
  const CaseNumber& number = how.number;
  with_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (how.random) {
      std::uint64_t key = Random::mix(static_cast<std::uint64_t>(evaluate(number)) + 1);
      key = Random::mix(key + static_cast<std::uint64_t>(point_.rank));
      key = Random::mix(key + static_cast<std::uint64_t>(point_.call));
      for (std::size_t i = 0; i < view.count; ++i) {
        store<T>(view, i, random_element<T>(Random::mix(key + i)));
      }
      return;
    }
    const auto shift = static_cast<std::uint64_t>(shift_by);
    each_element(number, view.count, [&](std::size_t i, std::int64_t value) {
      store<T>(view, i,
               element_of<T>(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) + shift)));
    });
  });
}

bool CaseCall::receives(std::size_t argument) const {
  if (!collective_ || collective_->recv != argument) return true;
  return peal::receives(collective_->collective, point_.rank, collective_->root);
}

void CaseCall::expect(const ExpectedOutput& output, const View& view) const {
  with_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    each_element(output.number, view.count, [&](std::size_t i, std::int64_t value) {
      store<T>(view, i, element_of<T>(value));
    });
  });
}

CaseDifference CaseCall::compare(const ExpectedOutput& output, const View& actual) const {
  PEAL_CHECK(actual.count == count(output.argument));
  return compare(output.number, actual);
}

CaseDifference CaseCall::compare(const CaseNumber& number, const View& actual) const {
  CaseDifference result;
  with_type(actual.dtype, [&](auto zero) {
    using T = decltype(zero);
    each_element(number, actual.count, [&](std::size_t i, std::int64_t value) {
      const T expected = element_of<T>(value), element = load<T>(actual, i);
      const double difference = distance(element, expected);
      result.max = std::max(result.max, difference);
      if (difference > file_.tolerance && !result.mismatch) {
        result.mismatch = {i, shown(element), shown(expected)};
      }
    });
  });
  return result;
}

}  // namespace peal
