// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace peal {

// Prints to stderr. Unlike fmt::print it does not throw where that is closed or full: whoever says
// something there goes on, and its exit code tells the rest.
template <class... T>
void say(fmt::format_string<T...> format, T&&... args) {
  const std::string text = fmt::format(format, std::forward<T>(args)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace peal
