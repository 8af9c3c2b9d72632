// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/order/operation_log.h"

#include <algorithm>
#include <cstdlib>

namespace peal {

std::uint32_t OperationLog::cell_id(std::uint64_t address) {
  const auto [entry, is_new] = ids_.try_emplace(address, static_cast<std::uint32_t>(cells_.size()));
  if (is_new) {
    by_address_[address] = entry->second;
    const MemoryRegions::Region* const region = regions_.find(address);
    Cell& cell = cells_.emplace_back();
    cell.address = address;
    cell.initial = cell.base = region == nullptr ? 0 : region->first_word;
  }
  return entry->second;
}

void OperationLog::add_word(std::uint64_t address, std::uint32_t size_bytes, std::uint64_t bits) {
  Cell& cell = cells_[cell_id(address)];
  cell.is_word = true;
  cell.size_bytes = size_bytes;
  cell.bits = word_of(bits, size_bytes);
  cell.initial = cell.base = static_cast<std::uint32_t>(bits);
}

Chain& OperationLog::chain(Cell& cell, std::uint32_t core) {
  for (Chain& chain : cell.chains) {
    if (chain.core == core) return chain;
  }
  Chain& chain = cell.chains.emplace_back();
  chain.core = core;
  return chain;
}

void OperationLog::append(Chain& chain, std::uint32_t number) {
  const Operation& operation = operations_[number];
  if (operation.replaces()) {
    chain.replacements.push_back(static_cast<std::uint32_t>(chain.operations.size()));
  }
  chain.operations.push_back(number);
  chain.sums.push_back(chain.sums.back() + (operation.replaces() ? 0 : operation.value));
  chain.raises.push_back(chain.raises.back() + (operation.may_raise() ? 1 : 0));
  chain.falls.push_back(chain.falls.back() + (operation.may_lower() ? 1 : 0));
}

void OperationLog::add(const Operation& operation) {
  Cell& cell = cells_[operation.cell];
  if (operation.replaces() || operation.value < 0) cell.only_adds = false;
  cell.min_add = std::min(cell.min_add, operation.value);
  cell.magnitude += std::abs(operation.value);
  operations_.push_back(operation);
  const std::size_t chains = cell.chains.size();
  Chain& own = chain(cell, operation.core);
  if (cell.chains.size() > chains) operations_.back().is_first_of_core = true;
  append(own, static_cast<std::uint32_t>(operations_.size() - 1));
}

void OperationLog::sort_chains() {
  for (Cell& cell : cells_) {
    for (Chain& chain : cell.chains) {
      const auto is_earlier = [this](std::uint32_t a, std::uint32_t b) {
        return operations_[a].number < operations_[b].number;
      };
      if (std::is_sorted(chain.operations.begin(), chain.operations.end(), is_earlier)) continue;
      std::vector<std::uint32_t> sorted;
      sorted.swap(chain.operations);
      std::stable_sort(sorted.begin(), sorted.end(), is_earlier);
      clear(chain);
      for (std::uint32_t number : sorted) append(chain, number);
    }
  }
}

void OperationLog::clear(Cell& cell) {
  cell.only_adds = true;
  cell.min_add = INT64_MAX;
  cell.magnitude = 0;
  for (Chain& chain : cell.chains) clear(chain);
}

void OperationLog::clear(Chain& chain) {
  chain.operations.clear();
  chain.replacements.clear();
  chain.sums.assign(1, 0);
  chain.raises.assign(1, 0);
  chain.falls.assign(1, 0);
}

// Folds operations into the base values, in run order. Adds commute; where a replacement is
// unordered with another operation, other schedules have other values, and that is a finding.
void OperationLog::take_effect(std::vector<Operation> folded) {
  std::sort(folded.begin(), folded.end(),
            [](const Operation& a, const Operation& b) { return a.moment < b.moment; });
  for (const Operation& operation : folded) {
    Cell& cell = cells_[operation.cell];
    const auto value = static_cast<std::uint32_t>(operation.value);
    cell.base = operation.replaces() ? value : cell.base + value;
    cell.bits = word_of(
        static_cast<std::uint64_t>(operation.value) + (operation.replaces() ? 0 : cell.bits),
        cell.size_bytes);
    cell.is_stored_to = cell.is_stored_to || operation.kind == Operation::Kind::store;
    if (operation.may_raise()) cell.raised_by.add(operation.core);
    if (operation.may_lower()) cell.lowered_by.add(operation.core);
  }
}

}  // namespace peal
