// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/shm/vector_reduce.h"

#include <cstdint>

// Compiled once for each set of vector instructions; the processor's own is chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peal/executors/shm/vector_reduce.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

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
// A NaN on either side is kept, the left one before the right one.
template <class D, class V>
V keep_nan(D, V a, V b, V otherwise) {
  if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
    return hn::IfThenElse(hn::IsNaN(a), a, hn::IfThenElse(hn::IsNaN(b), b, otherwise));
  } else {
    return otherwise;
  }
}
// The left one of two that are equal, such as 0 and -0.
struct Smaller {
  template <class V>
  V operator()(V a, V b) const {
    const hn::DFromV<V> d;
    return keep_nan(d, a, b, hn::IfThenElse(hn::Lt(b, a), b, a));
  }
};
struct Larger {
  template <class V>
  V operator()(V a, V b) const {
    const hn::DFromV<V> d;
    return keep_nan(d, a, b, hn::IfThenElse(hn::Lt(a, b), b, a));
  }
};

// From element `done` on, as many as fit into whole vectors of D, each written by
// `store(vector, address)`; returns where it ends.
template <class D, class Op, class Store>
std::size_t reduce_each(D d, std::span<std::byte* const> dsts,
                        std::span<const std::byte* const> srcs, std::size_t done, std::size_t count,
                        Op op, Store store) {
  using T = hn::TFromD<D>;
  const std::size_t lanes = hn::Lanes(d);
  const auto source = [&](std::size_t index) {
    return hn::LoadU(d, reinterpret_cast<const T*>(srcs[index]) + done);
  };
  for (; done + lanes <= count; done += lanes) {
    auto sum = source(0);
    for (std::size_t i = 1; i < srcs.size(); ++i) sum = op(sum, source(i));
    for (std::byte* dst : dsts) store(sum, reinterpret_cast<T*>(dst) + done);
  }
  return done;
}

// The same through the caches.
template <class D, class Op>
std::size_t reduce_with(D d, std::span<std::byte* const> dsts,
                        std::span<const std::byte* const> srcs, std::size_t done, std::size_t count,
                        Op op) {
  using T = hn::TFromD<D>;
  const std::size_t lanes = hn::Lanes(d);
  const auto source = [&](std::size_t index, std::size_t at) {
    return hn::LoadU(d, reinterpret_cast<const T*>(srcs[index]) + at);
  };
  if (srcs.size() == 2 && dsts.size() <= 2) {  // by far the most
    T* const first_dst = reinterpret_cast<T*>(dsts.front());
    T* const last_dst = reinterpret_cast<T*>(dsts.back());
    for (; done + 2 * lanes <= count; done += 2 * lanes) {
      const auto first = op(source(0, done), source(1, done));
      const auto second = op(source(0, done + lanes), source(1, done + lanes));
      hn::StoreU(first, d, first_dst + done);
      hn::StoreU(second, d, first_dst + done + lanes);
      if (dsts.size() == 1) continue;
      hn::StoreU(first, d, last_dst + done);
      hn::StoreU(second, d, last_dst + done + lanes);
    }
  }
  return reduce_each(d, dsts, srcs, done, count, op,
                     [d](auto vector, T* to) { hn::StoreU(vector, d, to); });
}

// Whether all destinations lie alike within the vectors of `bytes`.
bool are_congruent(std::span<std::byte* const> dsts, std::size_t bytes) {
  const auto place = [&](const std::byte* at) {
    return reinterpret_cast<std::uintptr_t>(at) % bytes;
  };
  for (const std::byte* dst : dsts) {
    if (place(dst) != place(dsts.front())) return false;
  }
  return true;
}

// The same with stores that pass the caches by.
template <class D, class Op>
std::size_t stream_with(D d, std::span<std::byte* const> dsts,
                        std::span<const std::byte* const> srcs, std::size_t done, std::size_t count,
                        Op op) {
  using T = hn::TFromD<D>;
  done = reduce_each(d, dsts, srcs, done, count, op,
                     [d](auto vector, T* to) { hn::Stream(vector, d, to); });
  hwy::FlushStream();
  return done;
}

// The elements that fill no whole vector; returns `count`.
template <class D, class Op>
std::size_t reduce_rest([[maybe_unused]] D d, std::span<std::byte* const> dsts,
                        std::span<const std::byte* const> srcs, std::size_t done, std::size_t count,
                        Op op) {
  using T = hn::TFromD<D>;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  if constexpr (sizeof(T) >= 4) {  // masked lanes are not touched there
    const auto mask = hn::FirstN(d, count - done);
    const auto source = [&](std::size_t index) {
      return hn::MaskedLoad(mask, d, reinterpret_cast<const T*>(srcs[index]) + done);
    };
    auto sum = source(0);
    for (std::size_t i = 1; i < srcs.size(); ++i) sum = op(sum, source(i));
    for (std::byte* dst : dsts) hn::BlendedStore(sum, mask, d, reinterpret_cast<T*>(dst) + done);
    return count;
  }
#endif
  return reduce_with(hn::CappedTag<T, 1>(), dsts, srcs, done, count, op);
}

template <class T, class Op>
std::size_t reduce_vectors(std::span<std::byte* const> dsts, std::span<const std::byte* const> srcs,
                           std::size_t count, Stores stores, Op op) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const std::size_t vector_bytes = hn::Lanes(d) * sizeof(T);
  std::size_t done = 0;
  if (stores == Stores::streaming && are_congruent(dsts, vector_bytes)) {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(dsts.front()) % vector_bytes;
    if (past % sizeof(T) == 0) {
      const std::size_t head = past == 0 ? 0 : (vector_bytes - past) / sizeof(T);
      done = reduce_with(one, dsts, srcs, 0, head < count ? head : count, op);
      done = stream_with(d, dsts, srcs, done, count, op);
    }
  }
  done = reduce_with(d, dsts, srcs, done, count, op);
  return done == count ? done : reduce_rest(d, dsts, srcs, done, count, op);
}

template <class T>
std::size_t reduce_type(std::span<std::byte* const> dsts, std::span<const std::byte* const> srcs,
                        std::size_t count, ReduceOp op, Stores stores) {
  switch (op) {
    case ReduceOp::sum:
      return reduce_vectors<T>(dsts, srcs, count, stores, Sum{});
    case ReduceOp::prod:
      if constexpr (sizeof(T) == 4 || hwy::IsFloat<T>()) {
        return reduce_vectors<T>(dsts, srcs, count, stores, Product{});
      } else {
        return 0;
      }
    case ReduceOp::min:
      return reduce_vectors<T>(dsts, srcs, count, stores, Smaller{});
    case ReduceOp::max:
      break;
  }
  return reduce_vectors<T>(dsts, srcs, count, stores, Larger{});
}

std::size_t reduce_any(std::span<std::byte* const> dsts, std::span<const std::byte* const> srcs,
                       std::size_t count, DType dtype, ReduceOp op, Stores stores) {
  switch (dtype) {
    case DType::f32:
      return reduce_type<float>(dsts, srcs, count, op, stores);
    case DType::f64:
      return reduce_type<double>(dsts, srcs, count, op, stores);
    case DType::i8:
      return reduce_type<std::int8_t>(dsts, srcs, count, op, stores);
    case DType::u8:
      return reduce_type<std::uint8_t>(dsts, srcs, count, op, stores);
    case DType::i16:
      return reduce_type<std::int16_t>(dsts, srcs, count, op, stores);
    case DType::u16:
      return reduce_type<std::uint16_t>(dsts, srcs, count, op, stores);
    case DType::i32:
      return reduce_type<std::int32_t>(dsts, srcs, count, op, stores);
    case DType::u32:
      return reduce_type<std::uint32_t>(dsts, srcs, count, op, stores);
    case DType::i64:
      return reduce_type<std::int64_t>(dsts, srcs, count, op, stores);
    case DType::u64:
      return reduce_type<std::uint64_t>(dsts, srcs, count, op, stores);
    case DType::f16:
    case DType::bf16:
      break;
  }
  return 0;
}

}  // namespace
}  // namespace peal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peal {

HWY_EXPORT(reduce_any);

std::size_t vector_reduce(std::span<std::byte* const> dsts, std::span<const std::byte* const> srcs,
                          std::size_t count, DType dtype, ReduceOp op, Stores stores) {
  return HWY_DYNAMIC_DISPATCH(reduce_any)(dsts, srcs, count, dtype, op, stores);
}

}  // namespace peal
#endif
