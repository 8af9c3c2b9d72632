// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peal {

// Something that reads what people write or keep, and the little that is done with what it says.
// Whatever the text is, `parse` returns, or throws peal::Error.
struct FuzzParser {
  std::string_view name;  // that of its folder in tests/fuzz/corpus
  void (*parse)(const std::string& text) = nullptr;
};

[[nodiscard]] std::span<const FuzzParser> fuzz_parsers();

// Throws Error for a name that no parser has.
[[nodiscard]] const FuzzParser& find_fuzz_parser(std::string_view name);

}  // namespace peal
