// SPDX-License-Identifier: Apache-2.0
#include "peal/reference/stretch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

namespace peal::reference {
namespace {

constexpr std::size_t block_elements = 4096;
constexpr double infinity = std::numeric_limits<double>::infinity();

// The type in which expected values are computed: f64 for floats.
template <class T>
using Value = std::conditional_t<std::is_integral_v<T>, T, double>;

template <class T>
Value<T> value_of(T element) {
  return static_cast<Value<T>>(element);
}
double value_of(Float16 element) { return static_cast<float>(element); }
double value_of(BFloat16 element) { return static_cast<float>(element); }

// Element i of a buffer; memcpy, because the buffer need not be aligned to its type.
template <class T>
Value<T> load(const View& view, std::size_t i) {
  T element;
  std::memcpy(&element, view.data + i * sizeof(T), sizeof(T));
  return value_of(element);
}

// Integers are computed in 64 unsigned bits, where overflow is defined, and truncated to their
// type.
template <class V>
V plus(V a, V b) {
  if constexpr (std::is_integral_v<V>) {
    return static_cast<V>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  } else {
    return a + b;
  }
}
template <class V>
V times(V a, V b) {
  if constexpr (std::is_integral_v<V>) {
    return static_cast<V>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  } else {
    return a * b;
  }
}
template <class V>
V least(V a, V b) {
  if constexpr (!std::is_integral_v<V>) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<V>::quiet_NaN();
    if (a == b) return std::signbit(a) ? a : b;  // -0 is less than 0
  }
  return std::min(a, b);
}
template <class V>
V greatest(V a, V b) {
  if constexpr (!std::is_integral_v<V>) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<V>::quiet_NaN();
    if (a == b) return std::signbit(a) ? b : a;
  }
  return std::max(a, b);
}

double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double difference = std::fabs(a - b);
  return std::isnan(difference) ? infinity : difference;
}
template <class V>
double distance(V a, V b) requires std::is_integral_v<V> {
  const V high = std::max(a, b), low = std::min(a, b);
  return static_cast<double>(static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low));
}

// The largest finite and the smallest positive (subnormal) number of a type.
struct FloatRange {
  double largest, smallest;
};
FloatRange float_range(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return {65504, 0x1p-24};
    case DType::bf16:
      return {0x1.fep127, 0x1p-133};
    case DType::f32:
      return {0x1.fffffep127, 0x1p-149};
    default:
      return {std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min()};
  }
}

template <class T>
class TypedComparer : public StretchComparer {
 public:
  TypedComparer(ReduceOp op, Tolerance tolerance) : op_(op), tolerance_(tolerance) {}

  void compare(const Stretch& stretch, Comparison& comparison) override {
    operations_ = static_cast<double>(stretch.sources.size());
    sources_ = stretch.sources;
    const std::size_t count = stretch.sources.front().count;
    const std::size_t longest = std::min(block_elements, count);
    if (expected_.size() < longest) expected_.resize(longest);
    if (tolerance_.rounds && growth_.size() < longest) growth_.resize(longest);
    for (std::size_t first = 0; first < count; first += block_elements) {
      const std::size_t length = std::min(block_elements, count - first);
      combine_block(stretch.sources, first, length);
      for (const Holder& holder : stretch.holders) {
        compare_block(holder, first, length,
                      comparison.ranks[static_cast<std::size_t>(holder.rank)]);
      }
      for (std::size_t i = 0; i < (tolerance_.rounds ? length : 1); ++i) {
        if (std::isfinite(allowed(i))) {
          comparison.tolerance = std::max(comparison.tolerance, allowed(i));
        }
      }
    }
  }

 private:
  using V = Value<T>;

  void combine_block(std::span<const View> sources, std::size_t first, std::size_t length) {
    for (std::size_t i = 0; i < length; ++i) expected_[i] = load<T>(sources[0], first + i);
    for (const View& source : sources.subspan(1)) {
      switch (op_) {
        case ReduceOp::sum:
          add_source(source, first, length, [](V a, V b) { return plus(a, b); });
          break;
        case ReduceOp::prod:
          add_source(source, first, length, [](V a, V b) { return times(a, b); });
          break;
        case ReduceOp::min:
          add_source(source, first, length, [](V a, V b) { return least(a, b); });
          break;
        case ReduceOp::max:
          add_source(source, first, length, [](V a, V b) { return greatest(a, b); });
          break;
      }
    }
    if (tolerance_.rounds) compute_growth(sources, first, length);
  }

  template <class Op>
  void add_source(const View& source, std::size_t first, std::size_t length, Op op) {
    for (std::size_t i = 0; i < length; ++i) {
      expected_[i] = op(expected_[i], load<T>(source, first + i));
    }
  }

  // An upper bound on every partial result in any order: sum of |x|, or product of max(1, |x|).
  void compute_growth(std::span<const View> sources, std::size_t first, std::size_t length) {
    std::fill_n(growth_.begin(), length, op_ == ReduceOp::prod ? 1.0 : 0.0);
    for (const View& source : sources) {
      for (std::size_t i = 0; i < length; ++i) {
        const double x = std::fabs(static_cast<double>(load<T>(source, first + i)));
        growth_[i] = op_ == ReduceOp::prod ? growth_[i] * (x < 1 ? 1 : x) : growth_[i] + x;
      }
    }
  }

  // The allowed error of element i of the block. A sum: each of the `operations_` roundings adds at
  // most epsilon times the bound on a partial result. A product: each rounding adds a relative
  // error of epsilon, and an absolute error of at most the smallest subnormal if the partial result
  // underflows; later factors multiply the latter by at most growth_[i].
  [[nodiscard]] double allowed(std::size_t i) const {
    if (!tolerance_.rounds) return tolerance_.absolute;
    if (op_ != ReduceOp::prod) {
      return tolerance_.absolute + operations_ * epsilon_ * growth_[i];
    }
    const double product = std::fabs(static_cast<double>(expected_[i]));
    return tolerance_.absolute + operations_ * (epsilon_ * product + range_.smallest * growth_[i]);
  }

  void compare_block(const Holder& holder, std::size_t first, std::size_t length,
                     RankDifference& rank) const {
    for (std::size_t i = 0; i < length; ++i) {
      const V value = load<T>(holder.view, first + i);
      const double difference = distance(value, expected_[i]);
      if (difference == 0 || left_range(value, first + i)) continue;
      rank.max = std::max(rank.max, difference);
      const bool close = std::isfinite(difference) && difference <= allowed(i);
      if (close || rank.mismatch) continue;
      rank.mismatch = {holder.first + first + i, fmt::format("{}", value),
                       fmt::format("{}", expected_[i])};
    }
  }

  // True if a result that is not finite is acceptable, because some order of the operations leaves
  // the range of the type, and no order is wrong.
  // - Inputs without infinities: if a bound on partial results exceeds the range, the result may be
  //   an infinity or (infinity - infinity, infinity x 0) NaN.
  // - Inputs with an infinity: the result may be NaN instead of infinite, if other partial results
  //   overflow (infinity - infinity) or, in a product, underflow to zero (infinity x 0). Otherwise
  //   arithmetic with infinities gives the same in every order, and the result must match.
  // - An input that is NaN makes the result NaN in every order, so it must match as well.
  [[nodiscard]] bool left_range(V value, std::size_t element) const {
    if constexpr (std::is_integral_v<V>) return false;
    if (!tolerance_.rounds) return false;
    if (std::isfinite(static_cast<double>(value))) return false;
    if (op_ != ReduceOp::sum && op_ != ReduceOp::prod) return false;
    bool has_infinity = false;
    double largest = op_ == ReduceOp::prod ? 1 : 0, smallest = 1;  // bounds on partial results
    for (const View& source : sources_) {
      const double x = std::fabs(static_cast<double>(load<T>(source, element)));
      if (std::isnan(x)) return false;
      if (std::isinf(x)) {
        has_infinity = true;
      } else if (op_ == ReduceOp::sum) {
        largest += x;
      } else {
        largest *= std::max(1.0, x);
        smallest *= x == 0 ? 1 : std::min(1.0, x);
      }
    }
    const bool overflows = largest * (1 + operations_ * epsilon_) > range_.largest;
    const bool vanishes = op_ == ReduceOp::prod && smallest < range_.smallest;
    if (!has_infinity) return overflows;
    return (overflows || vanishes) && std::isnan(static_cast<double>(value));
  }

  const ReduceOp op_;
  const Tolerance tolerance_;
  const double epsilon_ = reference::epsilon(DTypeOf<T>::value);
  const FloatRange range_ = float_range(DTypeOf<T>::value);
  double operations_ = 0;
  std::span<const View> sources_;
  std::vector<V> expected_;
  std::vector<double> growth_;
};

}  // namespace

std::unique_ptr<StretchComparer> make_stretch_comparer(DType dtype, ReduceOp op,
                                                       Tolerance tolerance) {
  return with_type(dtype, [&](auto zero) -> std::unique_ptr<StretchComparer> {
    return std::make_unique<TypedComparer<decltype(zero)>>(op, tolerance);
  });
}

}  // namespace peal::reference
