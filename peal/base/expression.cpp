// SPDX-License-Identifier: Apache-2.0
#include "peal/base/expression.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <system_error>

#include "peal/base/error.h"

namespace peal {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

[[noreturn]] void fail(const std::string& text, const std::string& what) {
  throw UsageError("expression `" + text + "`: " + what);
}

}  // namespace

// Recursive descent, one function per level of precedence. Columns count from 1.
class Expression::Parser {
 public:
  Parser(Expression& result, std::span<const std::string_view> variables)
      : result_(result), text_(result.text_), variables_(variables) {}

  void parse() {
    sum();
    if (position_ < text_.size()) fail_expected("an operator or the end");
  }

 private:
  void sum() {
    product();
    while (at('+') || at('-')) {
      const Operation operation = at('+') ? Operation::add : Operation::subtract;
      const std::size_t column = take();
      product();
      emit({operation, column});
    }
  }

  void product() {
    unary();
    while (at('*') || at('/') || at('%')) {
      const Operation operation = at('*')   ? Operation::multiply
                                  : at('/') ? Operation::divide
                                            : Operation::remainder;
      const std::size_t column = take();
      unary();
      emit({operation, column});
    }
  }

  void unary() {
    if (++nesting_ > max_depth) fail_too_deep();
    if (at('-')) {
      const std::size_t column = take();
      unary();
      emit({Operation::negate, column});
    } else {
      primary();
    }
    --nesting_;
  }

  void primary() {
    skip_space();
    if (at('(')) {
      take();
      sum();
      expect(')');
    } else if (position_ < text_.size() && is_digit(text_[position_])) {
      number();
    } else if (position_ < text_.size() && is_letter(text_[position_])) {
      name();
    } else {
      fail_expected("a number, a name or `(`");
    }
  }

  void number() {
    const std::size_t column = position_ + 1;
    const bool hexadecimal =
        text_.compare(position_, 2, "0x") == 0 || text_.compare(position_, 2, "0X") == 0;
    if (hexadecimal) position_ += 2;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + position_, text_.data() + text_.size(),
                                              value, hexadecimal ? 16 : 10);
    // from_chars would accept a minus sign, which is an operator here.
    if (error == std::errc::invalid_argument || text_[position_] == '-') {
      fail_expected("a hexadecimal digit");
    }
    position_ = static_cast<std::size_t>(end - text_.data());
    const bool fits = error == std::errc{} && (hexadecimal || scale(value));
    if (!fits) {
      fail(text_, "the number at column " + std::to_string(column) + " is above " +
                      std::to_string(std::numeric_limits<std::int64_t>::max()) +
                      "; use a smaller one");
    }
    emit({Operation::literal, column, value});
  }

  // Consumes a suffix K, M or G that is not the begin of a longer word, and scales `value`; false
  // if the product overflows.
  bool scale(std::int64_t& value) {
    constexpr std::string_view units = "KMG";
    const auto stands = [this](std::size_t place) {
      return place < text_.size() && (is_letter(text_[place]) || is_digit(text_[place]));
    };
    if (!stands(position_) || stands(position_ + 1)) return true;
    const std::size_t unit = units.find(text_[position_]);
    if (unit == units.npos) return true;
    ++position_;
    return !__builtin_mul_overflow(value, std::int64_t{1} << (10 * (unit + 1)), &value);
  }

  void name() {
    const std::size_t begin = position_;
    while (position_ < text_.size() && (is_letter(text_[position_]) || is_digit(text_[position_])))
      ++position_;
    const std::string_view word(text_.data() + begin, position_ - begin);
    if ((word == "min" || word == "max") && at('(')) {
      arguments(word == "min" ? Operation::min : Operation::max, begin + 1);
      return;
    }
    const auto found = std::find(variables_.begin(), variables_.end(), word);
    if (found == variables_.end()) fail_unknown(word, begin + 1);
    emit({Operation::variable, begin + 1, found - variables_.begin()});
  }

  void arguments(Operation operation, std::size_t column) {
    expect('(');
    sum();
    while (at(',')) {
      take();
      sum();
      emit({operation, column});
    }
    expect(')');
  }

  void skip_space() {
    while (position_ < text_.size() && is_space(text_[position_])) ++position_;
  }

  bool at(char c) {
    skip_space();
    return position_ < text_.size() && text_[position_] == c;
  }

  // Consumes one character and returns its column.
  std::size_t take() { return ++position_; }

  void expect(char c) {
    if (!at(c)) fail_expected(c == ')' ? "an operator or `)`" : "`" + std::string(1, c) + "`");
    take();
  }

  void emit(const Instruction& instruction) {
    const bool pushes =
        instruction.operation == Operation::literal || instruction.operation == Operation::variable;
    if (pushes && ++depth_ > max_depth) fail_too_deep();
    if (!pushes && instruction.operation != Operation::negate) --depth_;
    result_.program_.push_back(instruction);
  }

  [[noreturn]] void fail_expected(const std::string& what) {
    skip_space();
    const std::string place = position_ < text_.size()
                                  ? "but `" + std::string(1, text_[position_]) + "` is there"
                                  : "where the text ends";
    fail(text_, what + " is expected at column " + std::to_string(position_ + 1) + ", " + place);
  }

  [[noreturn]] void fail_unknown(std::string_view word, std::size_t column) {
    std::string known;
    for (std::string_view variable : variables_) {
      if (!variable.empty()) known += std::string(variable) + ", ";
    }
    fail(text_, "`" + std::string(word) + "` at column " + std::to_string(column) +
                    " is unknown; use one of " + known + "min(...), max(...)");
  }

  [[noreturn]] void fail_too_deep() {
    fail(text_, "at column " + std::to_string(position_ + 1) + " it is nested deeper than " +
                    std::to_string(max_depth) + " levels; write it with fewer parentheses");
  }

  Expression& result_;
  const std::string& text_;
  std::span<const std::string_view> variables_;
  std::size_t position_ = 0;
  std::size_t nesting_ = 0;
  std::size_t depth_ = 0;
};

Expression Expression::parse(std::string_view text, std::span<const std::string_view> variables) {
  Expression result;
  result.text_ = text;
  result.variable_count_ = variables.size();
  Parser(result, variables).parse();
  return result;
}

std::int64_t Expression::evaluate(std::span<const std::int64_t> values) const {
  PEAL_CHECK(values.size() == variable_count_);
  PEAL_CHECK(!program_.empty());
  std::array<std::int64_t, max_depth> stack;
  std::size_t depth = 0;
  for (const Instruction& instruction : program_) {
    switch (instruction.operation) {
      case Operation::literal:
        stack[depth++] = instruction.operand;
        break;
      case Operation::variable:
        stack[depth++] = values[static_cast<std::size_t>(instruction.operand)];
        break;
      case Operation::negate:
        stack[depth - 1] = combine(instruction, 0, stack[depth - 1]);
        break;
      default:
        --depth;
        stack[depth - 1] = combine(instruction, stack[depth - 1], stack[depth]);
    }
  }
  return stack[0];
}

bool Expression::uses(std::size_t variable) const {
  return std::any_of(program_.begin(), program_.end(), [&](const Instruction& instruction) {
    return instruction.operation == Operation::variable &&
           static_cast<std::size_t>(instruction.operand) == variable;
  });
}

std::int64_t Expression::combine(const Instruction& instruction, std::int64_t left,
                                 std::int64_t right) const {
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  std::int64_t result = 0;
  bool overflows = false;
  switch (instruction.operation) {
    case Operation::add:
      overflows = __builtin_add_overflow(left, right, &result);
      break;
    case Operation::negate:
    case Operation::subtract:
      overflows = __builtin_sub_overflow(left, right, &result);
      break;
    case Operation::multiply:
      overflows = __builtin_mul_overflow(left, right, &result);
      break;
    case Operation::divide:
    case Operation::remainder:
      if (right == 0) {
        fail(text_, "the operator at column " + std::to_string(instruction.column) + " divides " +
                        std::to_string(left) + " by zero; give it another divisor");
      }
      overflows = left == lowest && right == -1;
      if (!overflows) {
        result = instruction.operation == Operation::divide ? left / right : left % right;
      }
      break;
    case Operation::min:
      return std::min(left, right);
    case Operation::max:
      return std::max(left, right);
    case Operation::literal:
    case Operation::variable:
      PEAL_CHECK(false);
  }
  if (overflows) {
    fail(text_, "the operator at column " + std::to_string(instruction.column) +
                    " overflows 64 bits with " + std::to_string(left) + " and " +
                    std::to_string(right) + "; use smaller values");
  }
  return result;
}

}  // namespace peal
