// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

#include "peal/machine/dtype.h"
#include "peal/machine/rank.h"

namespace peal {

// `count` elements of `dtype` in this rank's memory: its own window or any private memory. A view
// into a window names the same place in every peer's window.
struct View {
  std::byte* data = nullptr;
  std::size_t count = 0;
  DType dtype = DType::u8;

  [[nodiscard]] std::size_t size_bytes() const { return count * peal::size_bytes(dtype); }
  [[nodiscard]] bool empty() const { return count == 0; }

  // Elements first..first+length-1; the caller keeps within the view.
  [[nodiscard]] View part(std::size_t first, std::size_t length) const {
    return {data + first * peal::size_bytes(dtype), length, dtype};
  }

  template <class T>
  [[nodiscard]] static View of(std::span<T> elements) {
    return {reinterpret_cast<std::byte*>(elements.data()), elements.size(), DTypeOf<T>::value};
  }
};

// A view cut into `parts` consecutive chunks whose lengths differ by at most one element; chunks
// are empty when there are more parts than elements. `chunks[i]` is chunk i modulo parts.
class Chunks {
 public:
  Chunks() = default;
  Chunks(View whole, int parts) : whole_(whole), parts_(parts) {}

  [[nodiscard]] View operator[](int index) const {
    const int wrapped = index % parts_;
    const auto chunk = static_cast<std::size_t>(wrapped < 0 ? wrapped + parts_ : wrapped);
    const auto parts = static_cast<std::size_t>(parts_);
    const std::size_t length = whole_.count / parts, longer = whole_.count % parts;
    return whole_.part(chunk * length + std::min(chunk, longer), length + (chunk < longer ? 1 : 0));
  }
  [[nodiscard]] int parts() const { return parts_; }
  [[nodiscard]] const View& whole() const { return whole_; }

 private:
  View whole_;
  int parts_ = 1;
};

// A view on a named rank: its own memory, or the same place in that peer's window.
struct Place {
  Rank rank;
  View view;
};

// A short list of places; up to 16 are kept without allocating.
class Places {
 public:
  Places(std::initializer_list<Place> places) {
    for (const Place& place : places) add(place);
  }
  // The same view on each of the ranks 0..ranks-1, in rank order.
  [[nodiscard]] static Places on_every_rank(int ranks, View view) {
    Places result{};
    for (int rank = 0; rank < ranks; ++rank) result.add({Rank{rank}, view});
    return result;
  }

  void add(const Place& place) {
    if (size_ == inline_capacity) overflow_.assign(inline_, inline_ + size_);
    if (size_ >= inline_capacity) {
      overflow_.push_back(place);
    } else {
      inline_[size_] = place;
    }
    ++size_;
  }
  [[nodiscard]] std::span<const Place> all() const {
    return {size_ > inline_capacity ? overflow_.data() : inline_, size_};
  }

 private:
  static constexpr std::size_t inline_capacity = 16;
  Place inline_[inline_capacity];
  std::size_t size_ = 0;
  std::vector<Place> overflow_;
};

}  // namespace peal
