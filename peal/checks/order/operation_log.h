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

// The cells and the operations on them that are kept. An operation that is known to all (lemma 6 of
// signal_order.h) is folded into its cell's base value and forgotten.
class OperationLog {
 public:
  explicit OperationLog(const MemoryRegions& regions) : regions_(regions) {}

  // The number of the cell at this address, which is created on first use.
  std::uint32_t cell_id(std::uint64_t address);
  void add(const Operation& operation);
  // Declares these bytes a polled word that holds `bits`.
  void add_word(std::uint64_t address, std::uint32_t size_bytes, std::uint64_t bits);
  // Restores program order in the chains: stores by pipes are added late.
  void sort_chains();
  // Applies the operations for which `is_known_to_all(operation)` holds to their cells' base
  // values, in the order of the run, and forgets them. Invalidates operation numbers.
  template <class IsKnownToAll>
  void fold_if(IsKnownToAll&& is_known_to_all) {
    std::vector<Operation> kept;
    kept.swap(operations_);
    for (Cell& cell : cells_) clear(cell);
    std::vector<Operation> folded;
    for (const Operation& operation : kept) {
      if (is_known_to_all(operation)) {
        folded.push_back(operation);
      } else {
        add(operation);
      }
    }
    take_effect(std::move(folded));
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
  void take_effect(std::vector<Operation> folded);

  const MemoryRegions& regions_;
  std::unordered_map<std::uint64_t, std::uint32_t> ids_;
  std::map<std::uint64_t, std::uint32_t> by_address_;
  std::vector<Cell> cells_;
  std::vector<Operation> operations_;
};

}  // namespace peal
