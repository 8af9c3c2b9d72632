// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peal/cases/case_file.h"
#include "peal/machine/dtype.h"

namespace peal {

// The names that an expression may use.
enum class NumberScope : std::uint8_t {
  constant,      // nothing
  setup,         // P, and values that depend on it alone
  call,          // P, rank, call and values
  element,       // i too
  graph,         // P, rank and values; a graph has no calls
  graph_element  // i too
};

// A value of a case file together with its key, so that every error can name its place. Accessors
// throw Error if the value is not of their type. Holds references to `subject` and the TOML node,
// which have to outlive it.
class CaseNode {
 public:
  CaseNode(const std::string& subject, const toml::node& node, std::string key = {},
           std::string name = {})
      : subject_(&subject), node_(&node), key_(std::move(key)), name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const { return name_; }  // the last part of the key
  [[nodiscard]] const std::string& key() const { return key_; }

  // Throw Error: "<subject>: `<key>` <what>", and "... is <value>; it must be <expected>".
  [[noreturn]] void refuse(const std::string& what) const;
  [[noreturn]] void must_be(std::string_view expected) const;

  // For a table. allow() refuses entries with other keys; need() refuses a missing key; entries()
  // are in the file's order.
  void allow(std::initializer_list<std::string_view> keys) const;
  [[nodiscard]] std::optional<CaseNode> find(std::string_view key) const;
  [[nodiscard]] CaseNode need(std::string_view key) const;
  [[nodiscard]] std::vector<CaseNode> entries() const;
  // For an array; its elements have keys such as `args[0]`.
  [[nodiscard]] std::vector<CaseNode> elements() const;

  [[nodiscard]] bool is_text() const { return node_->is_string(); }
  [[nodiscard]] bool is_array() const { return node_->is_array(); }
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool flag() const;
  [[nodiscard]] double tolerance() const;
  void require_true() const;

  // Parses the node, an integer or an expression in quotes, with the names of the scope.
  [[nodiscard]] CaseNumber number(const std::vector<CaseValue>& values, NumberScope scope) const;
  // The same for `text`, which is a part of this node's text or replaces it.
  [[nodiscard]] CaseNumber number(std::string_view text, const std::vector<CaseValue>& values,
                                  NumberScope scope) const;
  struct Range {
    int lowest = 0, highest = 0;
  };
  // An integer that depends on nothing; refuses it outside of lowest..highest.
  [[nodiscard]] int constant(const Range& range) const;
  [[nodiscard]] DType dtype() const { return dtype(text()); }
  [[nodiscard]] DType dtype(std::string_view text) const;
  [[nodiscard]] ReduceOp reduce_op() const;

 private:
  [[nodiscard]] CaseNode child(std::string_view key, const toml::node& node) const;
  [[nodiscard]] const toml::table& table() const;

  const std::string* subject_;
  const toml::node* node_;
  std::string key_, name_;
};

}  // namespace peal
