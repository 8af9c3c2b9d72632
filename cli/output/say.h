// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

namespace peal {

// Prints to stderr. Unlike fmt::print, it ignores a write error (stderr closed or full), so that
// the caller continues and its exit code still reports the result.
template <class... T>
void say(fmt::format_string<T...> format, T&&... args) {
  const std::string text = fmt::format(format, std::forward<T>(args)...);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace peal
