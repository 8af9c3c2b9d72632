// SPDX-License-Identifier: Apache-2.0
#include "peal/cases/case_node.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

constexpr std::size_t first_value = 3;  // variables in order: P, rank, call, the values, i

std::vector<std::string_view> names_in(NumberScope scope, const std::vector<CaseValue>& values) {
  std::vector<std::string_view> names;
  if (scope == NumberScope::constant) return names;
  const bool has_calls = scope != NumberScope::graph && scope != NumberScope::graph_element;
  names = {"P", "rank", has_calls ? "call" : ""};  // "" keeps the slot and matches no name
  for (const CaseValue& value : values) names.push_back(value.name);
  const bool has_elements = scope == NumberScope::element || scope == NumberScope::graph_element;
  if (has_elements) names.push_back("i");
  return names;
}

// Adds the dependences of the variable with that index to those of the number.
void depend(CaseNumber& number, std::size_t variable, const std::vector<CaseValue>& values) {
  if (variable == 1) number.by_rank = true;
  if (variable == 2) number.by_call = true;
  if (variable < first_value) return;
  if (variable == first_value + values.size()) {
    number.by_element = true;
    return;
  }
  const CaseNumber& value = values[variable - first_value].number;
  number.by_rank |= value.by_rank;
  number.by_call |= value.by_call;
}

}  // namespace

void CaseNode::refuse(const std::string& what) const { refuse_case(*subject_, key_, what); }

void CaseNode::must_be(std::string_view expected) const {
  std::ostringstream value;
  if (node_->is_table()) {
    value << "a table";
  } else if (const toml::array* array = node_->as_array(); array != nullptr) {
    value << "an array of " << array->size();
  } else {
    node_->visit([&](const auto& node) { value << node; });
  }
  refuse(fmt::format("is {}; it must be {}", value.str(), expected));
}

CaseNode CaseNode::child(std::string_view key, const toml::node& node) const {
  std::string full = key_.empty() ? std::string(key) : fmt::format("{}.{}", key_, key);
  return {*subject_, node, std::move(full), std::string(key)};
}

const toml::table& CaseNode::table() const {
  if (const toml::table* table = node_->as_table(); table != nullptr) return *table;
  must_be("a table");
}

void CaseNode::allow(std::initializer_list<std::string_view> keys) const {
  for (const CaseNode& entry : entries()) {
    if (std::find(keys.begin(), keys.end(), entry.name()) != keys.end()) continue;
    entry.refuse(fmt::format("is an unknown key; use one of {}", fmt::join(keys, ", ")));
  }
}

std::optional<CaseNode> CaseNode::find(std::string_view key) const {
  const toml::node* node = table().get(key);
  return node == nullptr ? std::nullopt : std::optional(child(key, *node));
}

CaseNode CaseNode::need(std::string_view key) const {
  if (const std::optional<CaseNode> node = find(key); node) return *node;
  child(key, *node_).refuse("is missing; see docs/case_files.md for what it says");
}

std::vector<CaseNode> CaseNode::entries() const {
  std::vector<CaseNode> result;
  for (const auto& [key, node] : table()) result.push_back(child(key.str(), node));
  const auto place = [](const CaseNode& entry) {
    const toml::source_position begin = entry.node_->source().begin;
    return std::pair(begin.line, begin.column);
  };
  std::stable_sort(result.begin(), result.end(),
                   [&](const CaseNode& a, const CaseNode& b) { return place(a) < place(b); });
  return result;
}

std::vector<CaseNode> CaseNode::elements() const {
  const toml::array* array = node_->as_array();
  if (array == nullptr) must_be("an array");
  std::vector<CaseNode> result;
  for (const toml::node& node : *array) {
    result.emplace_back(*subject_, node, fmt::format("{}[{}]", key_, result.size()));
  }
  return result;
}

const std::string& CaseNode::text() const {
  if (const auto* text = node_->as_string(); text != nullptr) return text->get();
  must_be("a text");
}

double CaseNode::tolerance() const {
  const auto value = node_->value<double>();
  if (!value || !(*value >= 0) || std::isinf(*value)) must_be("a number that is not negative");
  return *value;
}

bool CaseNode::flag() const {
  const auto value = node_->value_exact<bool>();
  if (!value) must_be("true or false");
  return *value;
}

void CaseNode::require_true() const {
  if (node_->value_exact<bool>() != true) must_be("true");
}

CaseNumber CaseNode::number(const std::vector<CaseValue>& values, NumberScope scope) const {
  if (is_text()) return number(text(), values, scope);
  const auto whole = node_->value_exact<std::int64_t>();
  if (!whole) must_be("a whole number or an expression in quotes");
  return number(std::to_string(*whole), values, scope);
}

CaseNumber CaseNode::number(std::string_view text, const std::vector<CaseValue>& values,
                            NumberScope scope) const {
  const std::vector<std::string_view> names = names_in(scope, values);
  CaseNumber number;
  number.key = key_;
  try {
    number.expression = Expression::parse(text, names);
  } catch (const Error& error) {
    refuse(fmt::format("cannot be read: {}", error.what()));
  }
  for (std::size_t variable = 0; variable < names.size(); ++variable) {
    if (number.expression.uses(variable)) depend(number, variable, values);
  }
  if (scope == NumberScope::setup && (number.by_rank || number.by_call)) {
    refuse(fmt::format(
        "is `{}`, which depends on {}; it is the same on every rank and at every call, use P", text,
        number.by_rank ? "rank" : "call"));
  }
  return number;
}

int CaseNode::constant(const Range& range) const {
  const CaseNumber parsed = number({}, NumberScope::constant);
  std::int64_t value = 0;
  try {
    value = parsed.expression.evaluate({});
  } catch (const Error& error) {
    refuse(fmt::format("has no value: {}", error.what()));
  }
  if (value < range.lowest || value > range.highest) {
    must_be(fmt::format("from {} to {}", range.lowest, range.highest));
  }
  return static_cast<int>(value);
}

DType CaseNode::dtype(std::string_view text) const {
  try {
    return parse_dtype(text);
  } catch (const Error& error) {
    refuse(fmt::format("cannot be read: {}", error.what()));
  }
}

ReduceOp CaseNode::reduce_op() const {
  const std::string& word = text();
  try {
    return parse_reduce_op(word);
  } catch (const Error& error) {
    refuse(fmt::format("cannot be read: {}", error.what()));
  }
}

}  // namespace peal
