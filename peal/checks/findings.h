// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peal/base/api.h"
#include "peal/base/source_place.h"
#include "peal/checks/finding.h"

namespace PEAL_API peal {

// A source place, as an index in a SourceTable.
using SourceId = std::uint32_t;

// Interns the source places of a run, so that an access stores a number. File names are copied,
// because those of a kernel are unmapped when it is unloaded.
class SourceTable {
 public:
  [[nodiscard]] SourceId id(SourcePlace place);
  [[nodiscard]] const FindingLine& line(SourceId id) const { return lines_[id]; }

 private:
  struct Key {
    const char* file;
    std::uint32_t line;
    SourceOrigin origin;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return reinterpret_cast<std::size_t>(key.file) * 31 + key.line;
    }
  };
  struct Recent {
    Key key{nullptr, 0, SourceOrigin::kernel};
    SourceId id = 0;
  };
  std::array<Recent, 64> recent_{};  // direct-mapped cache in front of ids_, by line
  std::unordered_map<Key, SourceId, Hash> ids_;
  std::map<std::tuple<std::string, std::uint32_t, SourceOrigin>, SourceId> by_name_;
  std::vector<FindingLine> lines_;
};

// The findings of a run. Those of one class about one pair of lines are merged into one, with a
// count.
class Findings {
 public:
  // Subjects and reasons are to call ranks by these names.
  explicit Findings(RankNamer name_of = rank_name) : name_of_(std::move(name_of)) {}

  [[nodiscard]] std::string name_of(int rank) const { return name_of_(rank); }
  [[nodiscard]] SourceTable& places() { return places_; }
  [[nodiscard]] const SourceTable& places() const { return places_; }

  // Counts a finding; `make` is called only for the first with this class and pair of lines.
  void add(FindingClass kind, SourceId first, SourceId second,
           const std::function<Finding()>& make);
  // Adds a finding without a line, which is never merged.
  void add_apart(Finding finding) { found_.push_back(std::move(finding)); }
  // By class, then in the order in which they were added.
  [[nodiscard]] std::vector<Finding> sorted() const;
  // Adds the run's next core; `number` is its number within its rank, by which reports name it.
  void add_core(int number) { core_numbers_.push_back(number); }
  // The finding with core numbers of the run replaced by those within the rank.
  [[nodiscard]] Finding with_core_numbers(Finding finding) const;
  // True if every finding is advice.
  [[nodiscard]] bool is_clean() const;

 private:
  struct Key {
    FindingClass kind;
    SourceId first, second;
    auto operator<=>(const Key&) const = default;
  };
  RankNamer name_of_;
  SourceTable places_;
  std::vector<int> core_numbers_;
  std::map<Key, std::size_t> index_;
  std::vector<Finding> found_;
};

}  // namespace peal
