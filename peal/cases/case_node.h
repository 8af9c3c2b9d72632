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

// What a number of a case may depend on.
enum class NumberScope : std::uint8_t {
  constant,      // nothing
  setup,         // P, and values that depend on it alone
  call,          // P, rank, call and values
  element,       // i too
  graph,         // P, rank and values: graphs have no calls
  graph_element  // i too
};

// A value in a case file that knows its key, so that whoever finds it wrong can say where it is.
// Every method throws Error for what it cannot be. It refers to the case's subject and the value.
class CaseNode {
 public:
  CaseNode(const std::string& subject, const toml::node& node, std::string key = {},
           std::string name = {})
      : subject_(&subject), node_(&node), key_(std::move(key)), name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const { return name_; }  // the last part of the key
  [[nodiscard]] const std::string& key() const { return key_; }

  // `what` follows the key; `expected` follows "it must be".
  [[noreturn]] void refuse(const std::string& what) const;
  [[noreturn]] void must_be(std::string_view expected) const;

  // Of a table: its entries, in the file's order for all of them.
  void allow(std::initializer_list<std::string_view> keys) const;
  [[nodiscard]] std::optional<CaseNode> find(std::string_view key) const;
  [[nodiscard]] CaseNode need(std::string_view key) const;
  [[nodiscard]] std::vector<CaseNode> entries() const;
  // Of an array.
  [[nodiscard]] std::vector<CaseNode> elements() const;

  [[nodiscard]] bool is_text() const { return node_->is_string(); }
  [[nodiscard]] bool is_array() const { return node_->is_array(); }
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool flag() const;
  [[nodiscard]] double tolerance() const;
  void require_true() const;

  [[nodiscard]] CaseNumber number(const std::vector<CaseValue>& values, NumberScope scope) const;
  // A part of this node's text as a number.
  [[nodiscard]] CaseNumber number(std::string_view text, const std::vector<CaseValue>& values,
                                  NumberScope scope) const;
  struct Range {
    int lowest = 0, highest = 0;
  };
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
