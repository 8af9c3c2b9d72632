// SPDX-License-Identifier: Apache-2.0
#include "peal/base/expression.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::array<std::string_view, 2> variables = {"count", "ranks"};
constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();

std::int64_t value(std::string_view text, std::int64_t count = 0, std::int64_t ranks = 0) {
  return Expression::parse(text, variables).evaluate(std::array{count, ranks});
}

std::string error(std::string_view text, std::int64_t count = 0, std::int64_t ranks = 0) {
  try {
    return "no error but " + std::to_string(value(text, count, ranks));
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Expression, FollowsTheRulesOfCpp) {
  EXPECT_EQ(value("42"), 42);
  EXPECT_EQ(value("010"), 10);
  EXPECT_EQ(value("0x10 + 0Xff"), 271);
  EXPECT_EQ(value("9223372036854775807"), highest);
  EXPECT_EQ(value("1 + 2 * 3"), 7);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("10 - 4 - 3"), 3);
  EXPECT_EQ(value("100 / 10 / 5"), 2);
  EXPECT_EQ(value("-7 / 2"), -3);
  EXPECT_EQ(value("-7 % 3"), -1);
  EXPECT_EQ(value("2 - -3"), 5);
  EXPECT_EQ(value("- - 3"), 3);
  EXPECT_EQ(value("\t( count+\n1 )*ranks ", 6, 4), 28);
  EXPECT_EQ(value("(count + ranks - 1) / ranks", 9, 4), 3);
  EXPECT_EQ(value("-count", highest), -highest);
}

TEST(Expression, UnitsArePowersOf1024) {
  EXPECT_EQ(value("4K"), 4096);
  EXPECT_EQ(value("2*3M + 1G/1K"), 7 * 1048576);
  EXPECT_EQ(value("(1K)-1"), 1023);
  EXPECT_EQ(error("9007199254740992K"),
            "expression `9007199254740992K`: the number at column 1 is above "
            "9223372036854775807; use a smaller one");
  for (std::string_view text : {"4k", "4KB", "4 K", "0x4K", "4K2", "K", "4KK"}) {
    EXPECT_NE(error(text).find("expression `"), std::string::npos) << text << error(text);
  }
}

TEST(Expression, KnowsWhatItUses) {
  const Expression expression = Expression::parse("2 * min(ranks, 3) + 0", variables);
  EXPECT_FALSE(expression.uses(0));
  EXPECT_TRUE(expression.uses(1));
}

TEST(Expression, MinAndMaxTakeAnyNumberOfArguments) {
  EXPECT_EQ(value("min(5)"), 5);
  EXPECT_EQ(value("min(3, 1, 2)"), 1);
  EXPECT_EQ(value("max (3, 1 + 8, -2) * 2"), 18);
  EXPECT_EQ(value("min(max(count, 4), ranks)", 1, 9), 4);
}

TEST(Expression, AFunctionNameMayBeAVariable) {
  constexpr std::array<std::string_view, 1> names = {"min"};
  const Expression expression = Expression::parse("min(min, 4) + min", names);
  EXPECT_EQ(expression.evaluate(std::array<std::int64_t, 1>{7}), 11);
}

TEST(Expression, KeepsItsText) {
  EXPECT_EQ(Expression::parse(" 1 +count", variables).text(), " 1 +count");
}

TEST(Expression, NamesWhatIsExpectedAndWhere) {
  EXPECT_EQ(error(""),
            "expression ``: a number, a name or `(` is expected at column 1, where the text ends");
  EXPECT_EQ(error("2 * (count"),
            "expression `2 * (count`: an operator or `)` is expected at column 11, where the text "
            "ends");
  EXPECT_EQ(error("2 * * 3"),
            "expression `2 * * 3`: a number, a name or `(` is expected at column 5, but `*` is "
            "there");
  EXPECT_EQ(error("12ab"),
            "expression `12ab`: an operator or the end is expected at column 3, but `a` is there");
  for (std::string_view text : {")", "1 2", "+1", "min(", "min()", "min(1,)", "max(1 2)", "(1,2)",
                                "0x", "0x-1", "1.5", "count(1)", "1 &", "()", "2 -", "3 // 4"}) {
    EXPECT_NE(error(text).find("expected at column"), std::string::npos) << text << error(text);
  }
}

TEST(Expression, ListsTheKnownNames) {
  EXPECT_EQ(error("1 + cuont"),
            "expression `1 + cuont`: `cuont` at column 5 is unknown; use one of count, ranks, "
            "min(...), max(...)");
  EXPECT_NE(error("min + 1").find("`min` at column 1 is unknown"), std::string::npos);
}

TEST(Expression, OverflowIsAnError) {
  EXPECT_EQ(error("count + 1", highest),
            "expression `count + 1`: the operator at column 7 overflows 64 bits with "
            "9223372036854775807 and 1; use smaller values");
  EXPECT_EQ(error("9223372036854775808"),
            "expression `9223372036854775808`: the number at column 1 is above "
            "9223372036854775807; use a smaller one");
  for (std::string_view text : {"count - 1", "-count", "count * 2", "count / -1", "count % -1"}) {
    EXPECT_NE(error(text, lowest).find("overflows 64 bits"), std::string::npos) << text;
  }
  EXPECT_EQ(value("count / 1", lowest), lowest);
}

TEST(Expression, DivisionByZeroIsAnError) {
  EXPECT_EQ(error("count / ranks", 7, 0),
            "expression `count / ranks`: the operator at column 7 divides 7 by zero; give it "
            "another divisor");
  EXPECT_NE(error("1 % 0").find("by zero"), std::string::npos);
}

TEST(Expression, DepthIsLimitedAndLengthIsNot) {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '(') + "1" + std::string(levels, ')');
  };
  EXPECT_EQ(value(nested(60)), 1);
  EXPECT_NE(error(nested(100000)).find("nested deeper than 64 levels"), std::string::npos);
  EXPECT_NE(error(std::string(100000, '-') + "1").find("nested deeper"), std::string::npos);
  std::string right_deep = "1";
  for (int level = 0; level < 40; ++level) right_deep = "1 + 1 * (" + right_deep + ")";
  EXPECT_NE(error(right_deep).find("nested deeper"), std::string::npos);
  std::string chain = "0";
  for (int term = 0; term < 10000; ++term) chain += " + 1";
  EXPECT_EQ(value(chain), 10000);
}

// A subexpression with the value it must have; nothing when it overflows or divides by zero.
struct Term {
  std::string text;
  int precedence;
  std::optional<std::int64_t> value;
};

std::optional<std::int64_t> combine(char operation, __int128 left, __int128 right) {
  if ((operation == '/' || operation == '%') && right == 0) return std::nullopt;
  const __int128 result = operation == '+'   ? left + right
                          : operation == '-' ? left - right
                          : operation == '*' ? left * right
                                             : left / right;
  if (result < lowest || result > highest) return std::nullopt;
  if (operation == '%') return static_cast<std::int64_t>(left - result * right);
  return static_cast<std::int64_t>(result);
}

std::string in_parentheses_below(int precedence, const Term& term) {
  return term.precedence < precedence ? "(" + term.text + ")" : term.text;
}

Term join(char operation, const Term& left, const Term& right) {
  const int precedence = operation == '+' || operation == '-' ? 1 : 2;
  Term result{in_parentheses_below(precedence, left) + " " + operation + " " +
                  in_parentheses_below(precedence + 1, right),
              precedence, std::nullopt};
  if (left.value && right.value) result.value = combine(operation, *left.value, *right.value);
  return result;
}

RC_GTEST_PROP(Expression, AgreesWithDirectEvaluation,
              (const std::vector<std::pair<std::uint8_t, std::int64_t>>& steps, std::int64_t count,
               std::int64_t ranks)) {
  std::vector<Term> terms = {{"count", 4, count}, {"ranks", 4, ranks}};
  for (const auto& [choice, literal] : steps) {
    const Term right = terms.back();
    if (choice % 7 == 0) {
      terms.push_back({std::to_string(literal & highest), 4, literal & highest});
    } else if (choice % 7 == 1) {
      Term negated{"-" + in_parentheses_below(3, right), 3, std::nullopt};
      if (right.value) negated.value = combine('-', 0, *right.value);
      terms.back() = negated;
    } else if (terms.size() > 1) {
      terms.pop_back();
      terms.back() = join("+-*/%"[choice % 7 - 2], terms.back(), right);
    }
  }
  const Expression expression = Expression::parse(terms.back().text, variables);
  const std::array values = {count, ranks};
  if (terms.back().value) {
    RC_ASSERT(expression.evaluate(values) == *terms.back().value);
  } else {
    RC_ASSERT_THROWS_AS(static_cast<void>(expression.evaluate(values)), Error);
  }
}

}  // namespace
}  // namespace peal
