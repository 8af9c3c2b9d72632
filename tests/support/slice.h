// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <vector>

namespace peal::tests {

// What a test goes through: all of it in the release build (`make test-release`), and a slice of it
// in builds with sanitizers, where the same takes ten times as long.
template <class T>
[[nodiscard]] std::vector<T> all_or_slice([[maybe_unused]] std::initializer_list<T> all,
                                          [[maybe_unused]] std::initializer_list<T> slice) {
#ifdef PEAL_TESTS_TAKE_ALL
  return all;
#else
  return slice;
#endif
}

}  // namespace peal::tests
