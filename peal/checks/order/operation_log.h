// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peal/checks/memory/memory_regions.h"
#include "peal/checks/order/operation.h"

namespace peal {

// The cells and what is done to them, as far as not everybody is known to come after it; of the
// rest, what each cell holds.
class OperationLog {
 public:
  explicit OperationLog(const MemoryRegions& regions) : regions_(regions) {}

  std::uint32_t cell_id(std::uint64_t address);
  void add(const Operation& operation);
  // These bytes are a polled word that holds `bits`.
  void add_word(std::uint64_t address, std::uint32_t size_bytes, std::uint64_t bits);
  // Puts operations that were added out of the order of their core in their places.
  void sort_chains();
  // Forgets the operations for which `is_settled` says yes; the cells hold what those give them.
  template <class IsSettled>
  void settle(IsSettled&& is_settled) {
    std::vector<Operation> kept;
    kept.swap(operations_);
    for (Cell& cell : cells_) clear(cell);
    std::vector<Operation> settled;
    for (const Operation& operation : kept) {
      if (is_settled(operation)) {
        settled.push_back(operation);
      } else {
        add(operation);
      }
    }
    take_effect(std::move(settled));
  }

  [[nodiscard]] bool is_cell(std::uint64_t address) const { return ids_.contains(address); }
  [[nodiscard]] bool is_word(std::uint64_t address) const {
    const auto found = ids_.find(address);
    return found != ids_.end() && cells_[found->second].is_word;
  }
  [[nodiscard]] std::uint32_t id_of(std::uint64_t address) const { return ids_.at(address); }
  [[nodiscard]] bool has_cell_in(std::uint64_t begin, std::uint64_t end) const {
    const auto cell = by_address_.lower_bound(begin);
    return cell != by_address_.end() && cell->first < end;
  }
  // Calls `visit(cell, address)` for the cells in [begin, end).
  template <class Visit>
  void cells_in(std::uint64_t begin, std::uint64_t end, Visit&& visit) const {
    for (auto cell = by_address_.lower_bound(begin); cell != by_address_.end() && cell->first < end;
         ++cell) {
      visit(cell->second, cell->first);
    }
  }
  [[nodiscard]] const Cell& cell(std::uint32_t id) const { return cells_[id]; }
  [[nodiscard]] Cell& cell(std::uint32_t id) { return cells_[id]; }
  [[nodiscard]] std::vector<Cell>& cells() { return cells_; }
  [[nodiscard]] const Operation& operator[](std::uint32_t number) const {
    return operations_[number];
  }
  [[nodiscard]] Operation& operator[](std::uint32_t number) { return operations_[number]; }
  [[nodiscard]] std::vector<Operation>& operations() { return operations_; }
  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  [[nodiscard]] std::size_t size() const { return operations_.size(); }

 private:
  static void clear(Cell& cell);
  static void clear(Chain& chain);
  static Chain& chain(Cell& cell, std::uint32_t core);
  void append(Chain& chain, std::uint32_t number);
  void take_effect(std::vector<Operation> settled);

  const MemoryRegions& regions_;
  std::unordered_map<std::uint64_t, std::uint32_t> ids_;
  std::map<std::uint64_t, std::uint32_t> by_address_;
  std::vector<Cell> cells_;
  std::vector<Operation> operations_;
};

}  // namespace peal
