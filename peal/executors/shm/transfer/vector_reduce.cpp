// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/transfer/vector_reduce.h"

#include <cstdint>

// Highway compiles this file once for each vector instruction set, and chooses one at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peal/executors/shm/transfer/vector_reduce.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "peal/executors/shm/transfer/packet_box.h"

HWY_BEFORE_NAMESPACE();
namespace peal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

struct Sum {
  template <class V>
  V operator()(V a, V b) const {
    return hn::Add(a, b);
  }
};
struct Product {
  template <class V>
  V operator()(V a, V b) const {
    return hn::Mul(a, b);
  }
};
// NaN propagates: `a` if it is NaN, else `b` if it is NaN, else `otherwise`.
template <class D, class V>
V keep_nan(D, V a, V b, V otherwise) {
  if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
    return hn::IfThenElse(hn::IsNaN(a), a, hn::IfThenElse(hn::IsNaN(b), b, otherwise));
  } else {
    return otherwise;
  }
}
// 0 and -0 compare equal, and for them the instructions return one operand by its position. So min
// and max are computed in both orders: the results differ only in that case, in the sign bit, and
// the bitwise OR gives -0 for min, the AND gives 0 for max.
struct Smaller {
  template <class V>
  V operator()(V a, V b) const {
    const hn::DFromV<V> d;
    if constexpr (!hwy::IsFloat<hn::TFromV<V>>()) return hn::Min(a, b);
    return keep_nan(d, a, b, hn::Or(hn::Min(a, b), hn::Min(b, a)));
  }
};
struct Larger {
  template <class V>
  V operator()(V a, V b) const {
    const hn::DFromV<V> d;
    if constexpr (!hwy::IsFloat<hn::TFromV<V>>()) return hn::Max(a, b);
    return keep_nan(d, a, b, hn::And(hn::Max(a, b), hn::Max(b, a)));
  }
};

// Loads and stores elements of type T, as many as D has lanes.
template <class T, class D = hn::ScalableTag<T>>
struct Elements {
  using Lanes = D;
  using Stored = T;
  template <std::size_t max_lanes>
  using Capped = Elements<T, hn::CappedTag<T, max_lanes>>;

  static auto load(const std::byte* src, std::size_t at) {
    return hn::LoadU(D(), reinterpret_cast<const T*>(src) + at);
  }
  template <class V>
  static void store(V vector, std::byte* dst, std::size_t at) {
    hn::StoreU(vector, D(), reinterpret_cast<T*>(dst) + at);
  }
  template <class V>
  static void stream(V vector, std::byte* dst, std::size_t at) {
    hn::Stream(vector, D(), reinterpret_cast<T*>(dst) + at);
  }
};

// Loads and stores 16-bit floats, which are combined in f32 and rounded to nearest, ties to even. A
// NaN gets the same bits as from the conversions of machine/float16.h.
template <class Format, class D = hn::ScalableTag<float>>
struct SmallFloats {
  using Lanes = D;
  using Stored = std::uint16_t;
  using StoredLanes = hn::Rebind<std::uint16_t, D>;
  template <std::size_t max_lanes>
  using Capped = SmallFloats<Format, hn::CappedTag<float, max_lanes>>;

  static auto load(const std::byte* src, std::size_t at) {
    const auto bits = hn::LoadU(StoredLanes(), reinterpret_cast<const std::uint16_t*>(src) + at);
    return Format::widen(D(), bits);
  }
  template <class V>
  static void store(V vector, std::byte* dst, std::size_t at) {
    hn::StoreU(Format::narrow(D(), vector), StoredLanes(),
               reinterpret_cast<std::uint16_t*>(dst) + at);
  }
  template <class V>
  static void stream(V vector, std::byte* dst, std::size_t at) {
    hn::Stream(Format::narrow(D(), vector), StoredLanes(),
               reinterpret_cast<std::uint16_t*>(dst) + at);
  }
};

struct BFloat16Format {
  template <class D, class V>
  static auto widen(D d, V bits) {
    const hn::RebindToUnsigned<D> du;
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, bits)));
  }
  template <class D, class V>
  static auto narrow(D, V vector) {
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, vector), upper = hn::ShiftRight<16>(bits);
    const auto half = hn::Add(hn::Set(du, 0x7fffu), hn::And(upper, hn::Set(du, 1u)));
    const auto quiet = hn::Or(upper, hn::Set(du, 0x40u));
    const auto is_nan = hn::RebindMask(du, hn::IsNaN(vector));
    const auto rounded = hn::IfThenElse(is_nan, quiet, hn::ShiftRight<16>(hn::Add(bits, half)));
    return hn::DemoteTo(hn::Rebind<std::uint16_t, D>(),
                        hn::BitCast(hn::RebindToSigned<D>(), rounded));
  }
};

#undef PEAL_VECTOR_FLOAT16
#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86
#define PEAL_VECTOR_FLOAT16 1
struct Float16Format {
  template <class D, class V>
  static auto widen(D d, V bits) {
    return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, D>(), bits));
  }
  template <class D, class V>
  static auto narrow(D d, V vector) {
    const hn::RebindToUnsigned<D> du;
    const auto sign = hn::And(hn::BitCast(du, vector), hn::Set(du, 0x80000000u));
    const auto quiet = hn::BitCast(d, hn::Or(sign, hn::Set(du, 0x7fc00000u)));
    const auto known = hn::IfThenElse(hn::IsNaN(vector), quiet, vector);
    return hn::BitCast(hn::Rebind<std::uint16_t, D>(),
                       hn::DemoteTo(hn::Rebind<hwy::float16_t, D>(), known));
  }
};
#else
#define PEAL_VECTOR_FLOAT16 0
#endif

// Combines whole vectors from element `done` on, with streaming stores to the last `streamed`
// destinations. Returns the first element that is not done.
template <class E, class Op>
std::size_t reduce_each(const Reduction& all, std::size_t done, std::size_t count,
                        std::size_t streamed) {
  const std::size_t lanes = hn::Lanes(typename E::Lanes());
  const auto cached_dsts = all.dsts.first(all.dsts.size() - streamed);
  const auto streamed_dsts = all.dsts.last(streamed);
  for (; done + lanes <= count; done += lanes) {
    auto sum = E::load(all.srcs[0], done);
    for (std::size_t i = 1; i < all.srcs.size(); ++i) {
      sum = Op()(sum, E::load(all.srcs[i], done));
    }
    for (std::byte* dst : cached_dsts) E::store(sum, dst, done);
    for (std::byte* dst : streamed_dsts) E::stream(sum, dst, done);
  }
  return done;
}

// The same with ordinary stores only.
template <class E, class Op>
std::size_t reduce_with(const Reduction& all, std::size_t done, std::size_t count) {
  const std::size_t lanes = hn::Lanes(typename E::Lanes());
  if (all.srcs.size() == 2 && all.dsts.size() <= 2) {  // the most frequent case
    const std::byte *const left = all.srcs[0], *const right = all.srcs[1];
    std::byte *const first_dst = all.dsts.front(), *const last_dst = all.dsts.back();
    for (; done + 2 * lanes <= count; done += 2 * lanes) {
      const auto first = Op()(E::load(left, done), E::load(right, done));
      const auto second = Op()(E::load(left, done + lanes), E::load(right, done + lanes));
      E::store(first, first_dst, done);
      E::store(second, first_dst, done + lanes);
      if (first_dst == last_dst) continue;
      E::store(first, last_dst, done);
      E::store(second, last_dst, done + lanes);
    }
  }
  return reduce_each<E, Op>(all, done, count, 0);
}

// True if all destinations have the same offset modulo `bytes`, so that one head aligns them all.
bool are_congruent(std::span<std::byte* const> dsts, std::size_t bytes) {
  const auto place = [&](const std::byte* at) {
    return reinterpret_cast<std::uintptr_t>(at) % bytes;
  };
  for (const std::byte* dst : dsts) {
    if (place(dst) != place(dsts.front())) return false;
  }
  return true;
}

// Combines as many elements as streaming stores allow, which need aligned destinations. Returns the
// first element that is not done.
template <class E, class Op>
std::size_t stream_with(const Reduction& all) {
  using T = typename E::Stored;
  const std::size_t vector_bytes = hn::Lanes(typename E::Lanes()) * sizeof(T);
  const auto streamed_dsts = all.dsts.last(all.streamed);
  if (!are_congruent(streamed_dsts, vector_bytes)) return 0;
  const std::size_t past = reinterpret_cast<std::uintptr_t>(streamed_dsts.front()) % vector_bytes;
  if (past % sizeof(T) != 0) return 0;
  const std::size_t head = past == 0 ? 0 : (vector_bytes - past) / sizeof(T);
  std::size_t done =
      reduce_with<typename E::template Capped<1>, Op>(all, 0, head < all.count ? head : all.count);
  done = reduce_each<E, Op>(all, done, all.count, all.streamed);
  hwy::FlushStream();
  return done;
}

// Combines the elements after the last whole vector, with vectors of half the length at each step.
// Returns all.count. A masked load would need one step, but it also touches the next cache line,
// which a peer may be writing.
template <class E, class Op, std::size_t max_lanes>
std::size_t reduce_rest(const Reduction& all, std::size_t done) {
  done = reduce_each<typename E::template Capped<max_lanes>, Op>(all, done, all.count, 0);
  if constexpr (max_lanes > 1) {
    if (done < all.count) return reduce_rest<E, Op, max_lanes / 2>(all, done);
  }
  return done;
}

template <class E, class Op>
std::size_t reduce_vectors(const Reduction& all) {
  std::size_t done = 0;
  if (all.count >= hn::Lanes(typename E::Lanes())) {
    if (all.streamed > 0) done = stream_with<E, Op>(all);
    done = reduce_with<E, Op>(all, done, all.count);
    if (done == all.count) return done;
  }
  // For short types such elements are rare, and each length is one more instantiation.
  constexpr std::size_t element = sizeof(typename E::Stored);
  constexpr std::size_t max_lanes = element < 4 ? 1 : 32 / element;
  return reduce_rest<E, Op, max_lanes>(all, done);
}

// Combines elements `done` to `count` of a line of packets, with vectors of half the length at each
// step.
template <class E, class Op, std::size_t lanes>
void reduce_line(const PacketReduction& all, std::size_t line, std::size_t done,
                 std::size_t count) {
  using Part = typename E::template Capped<lanes>;
  const std::size_t step = hn::Lanes(typename Part::Lanes());
  const auto source = [&](const PacketSource& src) { return src.data + line * src.stride; };
  for (; done + step <= count; done += step) {
    auto sum = Part::load(source(all.srcs[0]), done);
    for (std::size_t i = 1; i < all.srcs.size(); ++i) {
      sum = Op()(sum, Part::load(source(all.srcs[i]), done));
    }
    Part::store(sum, all.dst + line * PacketLine::data_bytes, done);
  }
  if constexpr (lanes > 1) reduce_line<E, Op, lanes / 2>(all, line, done, count);
}

// Combines the vectors that begin at elements `a` and `b` of a line. They may overlap, and `dst`
// may be a source: both are read before either is written.
template <class E, class Op>
void reduce_pair(const PacketReduction& all, std::size_t line, std::size_t a, std::size_t b) {
  const auto source = [&](const PacketSource& src) { return src.data + line * src.stride; };
  const std::byte* const first = source(all.srcs[0]);
  auto left = E::load(first, a), right = E::load(first, b);
  for (std::size_t i = 1; i < all.srcs.size(); ++i) {
    const std::byte* const next = source(all.srcs[i]);
    left = Op()(left, E::load(next, a));
    right = Op()(right, E::load(next, b));
  }
  std::byte* const dst = all.dst + line * PacketLine::data_bytes;
  E::store(left, dst, a);
  E::store(right, dst, b);
}

// The same for all whole lines of two sources, the most frequent case. Returns their number.
template <class E, class Op>
std::size_t reduce_two(const PacketReduction& all, std::size_t a, std::size_t b) {
  constexpr std::size_t line_count = PacketLine::data_bytes / sizeof(typename E::Stored);
  const std::byte *first = all.srcs[0].data, *second = all.srcs[1].data;
  const std::size_t first_stride = all.srcs[0].stride, second_stride = all.srcs[1].stride;
  std::byte* dst = all.dst;
  const std::size_t lines = all.count / line_count;
  for (std::size_t line = 0; line < lines; ++line) {
    const auto left = Op()(E::load(first, a), E::load(second, a));
    const auto right = Op()(E::load(first, b), E::load(second, b));
    E::store(left, dst, a);
    E::store(right, dst, b);
    first += first_stride;
    second += second_stride;
    dst += PacketLine::data_bytes;
  }
  return lines;
}

template <class E, class Op>
void reduce_lines(const PacketReduction& all) {
  constexpr std::size_t element = sizeof(typename E::Stored);
  constexpr std::size_t line_count = PacketLine::data_bytes / element;
  constexpr std::size_t half = 32 / element, quarter = 16 / element, eighth = 8 / element;
  using Halves = typename E::template Capped<half>;
  using Quarters = typename E::template Capped<quarter>;
  const bool has_halves = hn::Lanes(typename Halves::Lanes()) == half;
  const bool has_quarters = hn::Lanes(typename Quarters::Lanes()) == quarter;
  std::size_t line = 0;
  if (has_halves && all.srcs.size() == 2) {
    line = reduce_two<Halves, Op>(all, 0, line_count - half);
  }
  std::size_t left = all.count - line * line_count;
  for (; left >= line_count; left -= line_count, ++line) {
    if (has_halves) {
      reduce_pair<Halves, Op>(all, line, 0, line_count - half);
    } else if (has_quarters) {
      reduce_pair<Quarters, Op>(all, line, 0, quarter);
      reduce_pair<Quarters, Op>(all, line, half, line_count - quarter);
    } else {
      reduce_line<E, Op, eighth>(all, line, 0, line_count);
    }
  }
  if (left > 0) reduce_line<E, Op, half>(all, line, 0, left);
}

std::size_t reduce_none(const Reduction&) { return 0; }
constexpr VectorReductions no_reductions = {reduce_none, nullptr};

template <class E, class Op>
VectorReductions reductions_of() {
  return {reduce_vectors<E, Op>, reduce_lines<E, Op>};
}

template <class E>
VectorReductions reductions_as(ReduceOp op) {
  using T = hn::TFromD<typename E::Lanes>;
  switch (op) {
    case ReduceOp::sum:
      return reductions_of<E, Sum>();
    case ReduceOp::prod:
      if constexpr (sizeof(T) == 4 || hwy::IsFloat<T>()) {
        return reductions_of<E, Product>();
      } else {
        return no_reductions;
      }
    case ReduceOp::min:
      return reductions_of<E, Smaller>();
    case ReduceOp::max:
      break;
  }
  return reductions_of<E, Larger>();
}

VectorReductions find_reductions(DType dtype, ReduceOp op) {
  switch (dtype) {
    case DType::f32:
      return reductions_as<Elements<float>>(op);
    case DType::f64:
      return reductions_as<Elements<double>>(op);
    case DType::i8:
      return reductions_as<Elements<std::int8_t>>(op);
    case DType::u8:
      return reductions_as<Elements<std::uint8_t>>(op);
    case DType::i16:
      return reductions_as<Elements<std::int16_t>>(op);
    case DType::u16:
      return reductions_as<Elements<std::uint16_t>>(op);
    case DType::i32:
      return reductions_as<Elements<std::int32_t>>(op);
    case DType::u32:
      return reductions_as<Elements<std::uint32_t>>(op);
    case DType::i64:
      return reductions_as<Elements<std::int64_t>>(op);
    case DType::u64:
      return reductions_as<Elements<std::uint64_t>>(op);
    case DType::bf16:
      return reductions_as<SmallFloats<BFloat16Format>>(op);
    case DType::f16:
      break;
  }
#if PEAL_VECTOR_FLOAT16
  return reductions_as<SmallFloats<Float16Format>>(op);
#else
  return no_reductions;
#endif
}

}  // namespace
}  // namespace peal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peal {

HWY_EXPORT(find_reductions);

VectorReductions vector_reductions(DType dtype, ReduceOp op) {
  return HWY_DYNAMIC_DISPATCH(find_reductions)(dtype, op);
}

}  // namespace peal
#endif
