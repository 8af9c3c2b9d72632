// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <type_traits>
#include <vector>

#include "peal/base/api.h"
#include "peal/run/executor.h"

namespace PEAL_API peal {

// What a rank can return by run_ranks<T>(), from another process if need be: its bytes are copied.
// So it may not point to memory of the rank: a pointer, a span or a string_view does not compile,
// and a struct that holds one returns an address that means nothing to the caller.
template <class T>
concept PlainResult =
    std::is_trivially_copyable_v<T> && std::is_object_v<T> && !std::is_const_v<T> &&
    !std::is_array_v<T> && !std::is_pointer_v<T> && !std::ranges::view<T>;

// Copies a result to bytes and back.
template <class T>
struct ResultBytes;
template <PlainResult T>
struct ResultBytes<T> {
  [[nodiscard]] static std::string pack(const T& result) {
    return {reinterpret_cast<const char*>(std::addressof(result)), sizeof(T)};
  }
  [[nodiscard]] static T unpack(const std::string& bytes, std::size_t index = 0) {
    std::array<std::byte, sizeof(T)> raw;
    std::memcpy(raw.data(), bytes.data() + index * sizeof(T), sizeof(T));
    return std::bit_cast<T>(raw);  // T may have no default constructor
  }
};
template <PlainResult T>
requires(!std::is_same_v<T, bool>)  // the elements of a std::vector<bool> are bits
    struct ResultBytes<std::vector<T>> {
  [[nodiscard]] static std::string pack(const std::vector<T>& result) {
    return {reinterpret_cast<const char*>(result.data()), result.size() * sizeof(T)};
  }
  [[nodiscard]] static std::vector<T> unpack(const std::string& bytes) {
    std::vector<T> result;
    result.reserve(bytes.size() / sizeof(T));
    for (std::size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
      result.push_back(ResultBytes<T>::unpack(bytes, i));
    }
    return result;
  }
};
template <>
struct ResultBytes<std::string> {
  [[nodiscard]] static std::string pack(std::string result) { return result; }
  [[nodiscard]] static std::string unpack(std::string bytes) { return bytes; }
};

// What run_ranks<T>() can return for each rank: a trivially copyable type, or a std::vector of
// such, or a std::string.
template <class T>
concept RankResult = requires {
  sizeof(ResultBytes<T>);
};

// Runs `program` on each of `ranks` ranks of the executor and returns what each has returned, by
// rank. Where ranks are processes, their bytes, of any number, come back through a file in memory.
// Throws as Executor::run() does, and then no rank has a result.
[[nodiscard]] std::vector<std::string> collect_from_ranks(
    Executor& executor, int ranks, const std::function<std::string(Team&)>& program,
    const RunOptions& options);

}  // namespace peal
