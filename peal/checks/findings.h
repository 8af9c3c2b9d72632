// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peal/base/source_place.h"
#include "peal/checks/finding.h"

namespace peal {

// A source place by its number in a table of places.
using SourceId = std::uint32_t;

// Numbers for the places of a run, so that an access is small; the names are copied, because a
// kernel's are gone when it is unloaded.
class SourceTable {
 public:
  [[nodiscard]] SourceId id(SourcePlace place);
  [[nodiscard]] const FindingLine& line(SourceId id) const { return lines_[id]; }

 private:
  struct Key {
    const char* file;
    std::uint32_t line;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return reinterpret_cast<std::size_t>(key.file) * 31 + key.line;
    }
  };
  struct Recent {
    Key key{nullptr, 0};
    SourceId id = 0;
  };
  std::array<Recent, 64> recent_{};  // by line, before the map is asked
  std::unordered_map<Key, SourceId, Hash> ids_;
  std::map<std::pair<std::string, std::uint32_t>, SourceId> by_name_;
  std::vector<FindingLine> lines_;
};

// The findings of a run: those of one class about one pair of lines are one, with a count.
class Findings {
 public:
  [[nodiscard]] SourceTable& places() { return places_; }
  [[nodiscard]] const SourceTable& places() const { return places_; }

  // Counts a finding; `make` is called for the first of its kind only.
  void add(FindingClass kind, SourceId first, SourceId second,
           const std::function<Finding()>& make);
  // The same for one that is about no line, and so is one of its own.
  void add_apart(Finding finding) { found_.push_back(std::move(finding)); }
  // By class, and then in the order in which they were met.
  [[nodiscard]] std::vector<Finding> sorted() const;
  // The number of each core of the run within its rank, which reports name it by.
  void add_core(int number) { core_numbers_.push_back(number); }
  [[nodiscard]] Finding with_core_numbers(Finding finding) const;
  // Whether there is nothing but advice.
  [[nodiscard]] bool is_clean() const;

 private:
  struct Key {
    FindingClass kind;
    SourceId first, second;
    auto operator<=>(const Key&) const = default;
  };
  SourceTable places_;
  std::vector<int> core_numbers_;
  std::map<Key, std::size_t> index_;
  std::vector<Finding> found_;
};

}  // namespace peal
