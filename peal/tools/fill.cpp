// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/fill.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>

#include "peal/base/random.h"

namespace peal {
namespace {

constexpr std::uint64_t rank_step = 100;  // offset between the ramps of adjacent ranks
constexpr std::uint64_t call_step = 7;    // offset between the ramps of consecutive calls
constexpr std::uint64_t max_twos = 4;     // twos in a product: its value is at most 2^4

template <class T, class ElementAt>
void store(const View& view, ElementAt element_at) {
  for (std::size_t i = 0; i < view.count; ++i) {
    const T value = element_at(static_cast<std::uint64_t>(i));
    std::memcpy(view.data + i * sizeof(T), &value, sizeof(T));
  }
}

// The ramp of one rank and call, in type T.
template <class T>
struct Ramp {
  std::uint64_t rank, ranks, call;

  void modulo(std::uint64_t modulus, const View& view) const {
    std::uint64_t next = (rank * rank_step + call * call_step) % modulus;
    store<T>(view, [&](std::uint64_t) {
      const std::uint64_t value = next;
      next = value + 1 == modulus ? 0 : value + 1;
      return element_of<T>(value);
    });
  }

  // Pseudo-random numbers below `limit` per element and rank. For teams so large that a ramp modulo
  // the limit would repeat from rank to rank. If the sum of ones on all ranks would not be exact,
  // only `max_ones` ranks, different ones for each element, hold numbers that may be one.
  void drawn(std::uint64_t limit, std::uint64_t max_ones, const View& view) const {
    const std::uint64_t values = std::max<std::uint64_t>(limit, 2);
    store<T>(view, [&](std::uint64_t i) {
      const std::uint64_t value = Random::mix(scrambled(i) + rank) % values;
      return element_of<T>(turn(i) < max_ones ? value : 0);
    });
  }

  // Twos on up to max_twos ranks, and ones elsewhere; the ranks and their number vary with the
  // element, so that any two ranks differ in some element.
  void few_twos(const View& view) const {
    const std::uint64_t choices = std::min(max_twos, ranks) + 1;
    store<T>(view, [&](std::uint64_t i) {
      return element_of<T>(turn(i) < scrambled(i) % choices ? 2 : 1);
    });
  }

 private:
  // The rank's position in an order of the ranks that rotates with the element.
  [[nodiscard]] std::uint64_t turn(std::uint64_t i) const {
    return (rank + i + call * call_step) % ranks;
  }
  [[nodiscard]] std::uint64_t scrambled(std::uint64_t i) const {
    return Random::mix(i + call * call_step + 1);
  }
};

// The largest modulus up to `limit` that is coprime to rank_step, which is even; so it is also
// coprime to powers of two. Ramps of different ranks, and blocks of power-of-two lengths, then
// coincide as late as possible.
std::uint64_t coprime_modulus(std::uint64_t limit) {
  while (std::gcd(limit, rank_step) != 1) --limit;
  return limit;
}

template <class T>
void fill_ramp(const Ramp<T>& ramp, std::optional<ReduceOp> op, const View& view) {
  if (op == ReduceOp::prod) return ramp.few_twos(view);
  if constexpr (std::is_integral_v<T>) {
    return ramp.modulo(coprime_modulus(std::numeric_limits<T>::max()), view);
  } else {
    constexpr std::uint64_t exact = std::uint64_t{1} << exact_bits<T>();
    if (op != ReduceOp::sum) return ramp.modulo(coprime_modulus(exact), view);
    const std::uint64_t limit = exact / ramp.ranks + 1;  // ranks x (limit - 1) <= exact
    if (limit <= ramp.ranks) return ramp.drawn(limit, exact, view);
    ramp.modulo(coprime_modulus(limit), view);
  }
}

template <class T>
void fill_random(std::uint64_t key, bool product, const View& view) {
  constexpr std::uint64_t stride = 0x9e3779b97f4a7c15ULL;
  store<T>(view, [&](std::uint64_t i) {
    const std::uint64_t bits = Random::mix(key + i * stride);
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(bits);
    } else {
      // A multiple of the spacing of the type's numbers just below 1, and so exact in the type.
      constexpr int precision = exact_bits<T>();
      const auto steps = static_cast<double>(bits >> (65 - precision));
      const double unit = std::ldexp(steps, 1 - precision);  // in [0, 1)
      const double value = product ? 0.5 + unit : (bits & 1) != 0 ? unit : unit - 1;
      return element_of<T>(value);
    }
  });
}

}  // namespace

void Fill::apply(int rank, std::uint64_t call, const View& view) const {
  const auto member = static_cast<std::uint64_t>(rank);
  const auto team = static_cast<std::uint64_t>(ranks);
  with_type(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (kind == Kind::ramp) {
      fill_ramp(Ramp<T>{.rank = member, .ranks = team, .call = call}, op, view);
    } else {
      const std::uint64_t key = Random::mix(Random::mix(Random::mix(seed + 1) + member) + call);
      fill_random<T>(key, op == ReduceOp::prod, view);
    }
  });
}

}  // namespace peal
