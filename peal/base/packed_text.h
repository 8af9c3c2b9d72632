// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

#include "peal/base/error.h"

namespace peal {

// Serialises texts and counts into one text. Each text is preceded by its length, so it may hold
// any bytes.
class PackedText {
 public:
  PackedText& add(std::string_view text) {
    add(text.size());
    text_ += text;
    return *this;
  }
  PackedText& add(std::size_t count) {
    text_ += std::to_string(count);
    text_ += ' ';
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Reads them back in the order in which they were added. Malformed input fails a PEAL_CHECK.
class UnpackedText {
 public:
  // Precondition: the text outlives this object.
  explicit UnpackedText(std::string_view text) : rest_(text) {}

  [[nodiscard]] std::size_t count() {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    PEAL_CHECK(error == std::errc() && end != rest_.data() + rest_.size() && *end == ' ');
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()) + 1);
    return value;
  }
  [[nodiscard]] std::string text() {
    const std::size_t size = count();
    PEAL_CHECK(size <= rest_.size());
    std::string result(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return result;
  }

 private:
  std::string_view rest_;
};

}  // namespace peal
