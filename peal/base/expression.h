// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peal/base/api.h"

namespace PEAL_API peal {

// An integer expression over named variables, such as `2 * min(count, 4096) / ranks`: 64-bit
// signed, with + - * / % and unary minus as in C++, parentheses, min(a, ...), max(a, ...), decimal
// and 0x literals; a suffix K, M or G multiplies a decimal literal by 2^10, 2^20 or 2^30. Overflow
// and division by zero throw Error.
class Expression {
 public:
  // Throws Error if the text is malformed, nests too deep, or has a name that is not in
  // `variables`.
  [[nodiscard]] static Expression parse(std::string_view text,
                                        std::span<const std::string_view> variables);

  // The value for `values`, one per variable in the order given to parse(). Does not allocate
  // unless it throws Error (see above).
  [[nodiscard]] std::int64_t evaluate(std::span<const std::int64_t> values) const;

  // True if the text uses the variable with that index in parse()'s order.
  [[nodiscard]] bool uses(std::size_t variable) const;

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  class Parser;
  enum class Operation : std::uint8_t {
    literal,
    variable,
    negate,
    add,
    subtract,
    multiply,
    divide,
    remainder,
    min,
    max
  };
  // One step of a postfix program. `operand` is the value of a literal or the index of a variable.
  struct Instruction {
    Operation operation;
    std::size_t column;
    std::int64_t operand = 0;
  };
  static constexpr std::size_t max_depth = 64;

  [[nodiscard]] std::int64_t combine(const Instruction& instruction, std::int64_t left,
                                     std::int64_t right) const;

  std::string text_;
  std::vector<Instruction> program_;
  std::size_t variable_count_ = 0;
};

}  // namespace peal
