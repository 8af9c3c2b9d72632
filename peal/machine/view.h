// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/error.h"
#include "peal/machine/dtype.h"
#include "peal/machine/rank.h"

namespace PEAL_API peal {

// `count` elements of `dtype` in this rank's memory that are only read: what a collective sends.
// The verbs of a Device take a View for their sources, too, because one RankView names what a verb
// reads or writes; Device::read() gives elements as const bytes.
struct ConstView {
  const std::byte* data = nullptr;
  std::size_t count = 0;
  DType dtype = DType::u8;

  [[nodiscard]] std::size_t size_bytes() const { return count * peal::size_bytes(dtype); }
  [[nodiscard]] bool empty() const { return count == 0; }

  // Elements first..first+length-1, which must lie within the view (not checked).
  [[nodiscard]] ConstView part(std::size_t first, std::size_t length) const {
    return {data + first * peal::size_bytes(dtype), length, dtype};
  }

  template <class T>
  [[nodiscard]] static ConstView of(std::span<const T> elements) {
    return {reinterpret_cast<const std::byte*>(elements.data()), elements.size(),
            DTypeOf<T>::value};
  }
};

// `count` elements of `dtype` in this rank's memory: its own window or any private memory. A view
// into a window names the same place in every peer's window.
struct View {
  std::byte* data = nullptr;
  std::size_t count = 0;
  DType dtype = DType::u8;

  [[nodiscard]] std::size_t size_bytes() const { return count * peal::size_bytes(dtype); }
  [[nodiscard]] bool empty() const { return count == 0; }

  // Elements first..first+length-1, which must lie within the view (not checked).
  [[nodiscard]] View part(std::size_t first, std::size_t length) const {
    return {data + first * peal::size_bytes(dtype), length, dtype};
  }

  // What may be written may be read; the other direction does not exist.
  operator ConstView() const { return {data, count, dtype}; }  // NOLINT: converts at the call

  template <class T>
  requires(!std::is_const_v<T>) [[nodiscard]] static View of(std::span<T> elements) {
    return {reinterpret_cast<std::byte*>(elements.data()), elements.size(), DTypeOf<T>::value};
  }
};

// `parts` chunks of elements; `chunks[i]` is chunk i modulo parts. Either a view cut into
// consecutive chunks whose lengths differ by at most one element (chunks are empty when there are
// more parts than elements), or equal blocks that lie a stride apart.
class Chunks {
 public:
  Chunks() = default;
  Chunks(const View& whole, int parts) : first_(whole.data), parts_(parts), dtype_(whole.dtype) {
    const auto count = static_cast<std::size_t>(parts);
    if ((count & (count - 1)) == 0) {  // a division takes as long as a small reduction
      length_ = whole.count >> std::countr_zero(count);
      longer_ = whole.count & (count - 1);
    } else {
      length_ = whole.count / count;
      longer_ = whole.count % count;
    }
    stride_ = length_;
  }
  // Blocks as long as `first`, each `stride` elements after the one before.
  Chunks(const View& first, int parts, std::size_t stride)
      : first_(first.data),
        length_(first.count),
        stride_(stride),
        parts_(parts),
        dtype_(first.dtype) {}

  [[nodiscard]] View operator[](int index) const {
    const auto chunk = static_cast<std::size_t>(is_within(index) ? index : wrapped(index));
    const std::size_t start = chunk * stride_ + std::min(chunk, longer_);
    return {first_ + start * peal::size_bytes(dtype_), length_ + (chunk < longer_ ? 1 : 0), dtype_};
  }
  [[nodiscard]] int parts() const { return parts_; }
  // All chunks as one view. Throws Error if there are gaps between them.
  [[nodiscard]] View whole() const {
    if (parts_ != 1 && stride_ != length_) {
      throw UsageError("chunks of " + std::to_string(length_) + " elements that lie " +
                       std::to_string(stride_) +
                       " apart are no single view; use each by its index");
    }
    return {first_, length_ * static_cast<std::size_t>(parts_) + longer_, dtype_};
  }

 private:
  [[nodiscard]] bool is_within(int index) const { return index >= 0 && index < parts_; }
  [[nodiscard]] int wrapped(int index) const {
    const int rest = index % parts_;
    return rest < 0 ? rest + parts_ : rest;
  }

  std::byte* first_ = nullptr;
  std::size_t length_ = 0;
  std::size_t longer_ = 0;  // how many of the first chunks have one element more
  std::size_t stride_ = 0;
  int parts_ = 1;
  DType dtype_ = DType::u8;
};

// A view on a named rank: its own memory, or the same place in that peer's window.
struct RankView {
  Rank rank;
  View view;
};

// A list of views on ranks; up to 16 without an allocation.
class RankViews {
 public:
  RankViews() {}
  RankViews(std::initializer_list<RankView> places) {
    for (const RankView& place : places) add(place);
  }
  // The same view on each of the ranks 0..ranks-1, in rank order.
  [[nodiscard]] static RankViews on_every_rank(int ranks, View view) {
    RankViews result;
    for (int rank = 0; rank < ranks; ++rank) result.add({Rank{rank}, view});
    return result;
  }

  void add(const RankView& place) {
    if (size_ < inline_capacity) {
      inline_.places[size_++] = place;
    } else {
      add_overflow(place);
    }
  }
  [[nodiscard]] std::span<const RankView> all() const {
    return {size_ > inline_capacity ? overflow_.data() : inline_.places, size_};
  }

 private:
  static constexpr std::size_t inline_capacity = 16;
  void add_overflow(const RankView& place) {
    if (size_ == inline_capacity) overflow_.assign(inline_.places, inline_.places + size_);
    overflow_.push_back(place);
    ++size_;
  }
  union Inline {  // leaves the unused places uninitialized
    Inline() {}
    RankView places[inline_capacity];
  };
  Inline inline_;
  std::size_t size_ = 0;
  std::vector<RankView> overflow_;
};

}  // namespace peal
