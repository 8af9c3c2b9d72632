// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "cli/output/run_record.h"

namespace peal {
namespace {

constexpr std::size_t longest_phrase = 80;

using Text = std::back_insert_iterator<std::string>;

std::string headline(const RunRecord& record) {
  const auto& [request, plan, outcome] = record;
  std::string text = fmt::format("{} {}{} on {}: {} rank{}", name(plan.collective),
                                 plan.algorithm->name, plan.chosen_by_cost ? " (auto)" : "",
                                 request.platform, plan.ranks, plan.ranks == 1 ? "" : "s");
  Text out(text);
  if (request.devices) fmt::format_to(out, " (devices {})", *request.devices);
  if (plan.shape.recv_blocks > 0) {
    fmt::format_to(out, ", count {}, {}", plan.count, name(plan.dtype));
  }
  if (plan.shape.has_op) fmt::format_to(out, ", {}", name(plan.op));
  if (plan.shape.has_root) fmt::format_to(out, ", root {}", plan.root);
  if (plan.compares()) {
    if (plan.input) {
      fmt::format_to(out, ", input {}", *request.input);
    } else if (plan.fill.kind == Fill::Kind::rand) {
      fmt::format_to(out, ", seed {}", plan.fill.seed);
    }
  }
  if (request.schedule != "virtual") fmt::format_to(out, ", schedule {}", request.schedule);
  if (plan.calls > 1) fmt::format_to(out, ", {} calls", plan.calls);
  return text;
}

void add_rank_lines(const RunRecord& record, Text out) {
  const auto& [request, plan, outcome] = record;
  for (int rank = 0; rank < plan.ranks; ++rank) {
    const auto index = static_cast<std::size_t>(rank);
    if (plan.collective == Collective::barrier) {
      fmt::format_to(out, "rank {}: returned when {} of {} ranks had entered\n", rank,
                     outcome.entered[index], plan.ranks);
    } else if (!receives(plan.collective, rank, plan.root)) {
      fmt::format_to(out, "rank {}: nothing to receive\n", rank);
    } else {
      fmt::format_to(out, "rank {}: max |out - expected| = {:.3e}\n", rank,
                     outcome.comparison.ranks[index].max);
    }
  }
}

std::string tolerance_text(const RunPlan& plan, const RunOutcome& outcome) {
  const double largest = outcome.comparison.tolerance;
  if (!outcome.rule.rounds) return largest == 0 ? "0" : fmt::format("{:.3e}", largest);
  return fmt::format("{} ranks x 2^{} x {}, at most {:.3e}", plan.ranks,
                     std::lround(std::log2(reference::epsilon(plan.dtype))),
                     plan.op == ReduceOp::prod ? "|product|" : "sum of |inputs|", largest);
}

// A range of ranks as text: `3` or `1-2`.
void add_run_of_ranks(std::string& list, std::size_t first, std::size_t last) {
  if (!list.empty()) list += ",";
  list += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

// Returns nothing if the text would not be short.
std::string grouped_text(std::span<const std::uint64_t> figures) {
  std::vector<std::pair<std::uint64_t, std::string>> groups;
  std::map<std::uint64_t, std::size_t> group_of;
  std::size_t length = 0;
  for (std::size_t first = 0; first < figures.size();) {
    std::size_t last = first;
    while (last + 1 < figures.size() && figures[last + 1] == figures[first]) ++last;
    const auto [entry, is_new] = group_of.try_emplace(figures[first], groups.size());
    if (is_new) groups.emplace_back(figures[first], "");
    std::string& list = groups[entry->second].second;
    length -= list.size();
    add_run_of_ranks(list, first, last);
    length += list.size();
    if (length > longest_phrase) return "";
    first = last + 1;
  }
  std::string text;
  for (const auto& [figure, list] : groups) {
    const bool several = list.find_first_of(",-") != list.npos;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} ({} {})", figure, several ? "ranks" : "rank", list);
  }
  return text.size() > longest_phrase ? "" : text;
}

std::vector<std::uint64_t> figures_of(const RunReport& report, std::uint64_t RankCounts::*figure) {
  std::vector<std::uint64_t> figures;
  for (const RankCounts& counts : report.ranks) figures.push_back(counts.*figure);
  return figures;
}

void add_figures(const RunRecord& record, Text out) {
  const RunReport& report = record.outcome.report;
  const std::int64_t time_ns = (report.time_ps + 500) / 1000;
  if (record.plan.executor->is_simulated()) {
    fmt::format_to(out, "simulated time: {}.{:03} us\n", time_ns / 1000, time_ns % 1000);
  }
  constexpr std::pair<const char*, std::uint64_t RankCounts::*> rows[] = {
      {"bytes sent", &RankCounts::sent_bytes},
      {"puts", &RankCounts::puts},
      {"gets", &RankCounts::gets},
      {"notifies", &RankCounts::notifies}};
  for (const auto& [label, figure] : rows) {
    fmt::format_to(out, "{} per rank: {}\n", label, per_rank_text(figures_of(report, figure)));
  }
}

}  // namespace

std::string per_rank_text(std::span<const std::uint64_t> figures) {
  if (figures.empty()) return "none";
  const auto [least, most] = std::minmax_element(figures.begin(), figures.end());
  if (*least == *most) return fmt::format("{}", *least);
  if (std::string groups = grouped_text(figures); !groups.empty()) return groups;
  const double sum = std::accumulate(figures.begin(), figures.end(), 0.0);
  return fmt::format("{}..{}, mean {:.3f}", *least, *most,
                     sum / static_cast<double>(figures.size()));
}

const char* verdict(const RunRecord& record) {
  if (record.outcome.failure) return "FAIL";
  const bool checked = record.plan.compares() || record.plan.shape.recv_blocks == 0;
  return checked ? "PASS" : "DONE";
}

std::string run_text(const RunRecord& record) {
  const auto& [request, plan, outcome] = record;
  std::string text = headline(record) + "\n";
  Text out(text);
  if (plan.compares() || plan.collective == Collective::barrier) {
    add_rank_lines(record, out);
  } else {
    text += "values off: results not compared\n";
  }
  if (plan.compares()) fmt::format_to(out, "tolerance: {}\n", tolerance_text(plan, outcome));
  add_figures(record, out);
  text += verdict(record);
  if (outcome.failure) text += ": " + *outcome.failure;
  return text + "\n";
}

}  // namespace peal
