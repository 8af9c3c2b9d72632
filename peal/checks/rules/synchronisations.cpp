// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/rules/synchronisations.h"

#include <algorithm>
#include <utility>

namespace peal {

unsigned Synchronisations::part_of(const Event& event) {
  switch (event.kind) {
    case EventKind::notify:
      return notifies;
    case EventKind::wait:
      return event.polled ? 0u : static_cast<unsigned>(waits);
    case EventKind::set_flag:
    case EventKind::wait_flag:
      return flags;
    case EventKind::pipe_barrier:
    case EventKind::dsb:
      return barriers;
    case EventKind::dcci:
      return cleans;
    case EventKind::load:
    case EventKind::store:
    case EventKind::vector:
    case EventKind::scalar_read:
    case EventKind::scalar_write:
      return works;
    default:
      return 0;
  }
}

Synchronisations::Line& Synchronisations::line(SourceId place) {
  while (lines_.size() <= place) {
    lines_.push_back({.unit = static_cast<SourceId>(lines_.size())});
  }
  return lines_[place];
}

void Synchronisations::read(const Event& event, SourceId place) {
  has_tasks_ = has_tasks_ || event.kind == EventKind::task_begin;
  const unsigned part = part_of(event);
  if (part == 0) return;
  Line& own = line(place);
  own.parts |= part;
  if (std::exchange(own.is_met, true)) return;
  order_.push_back(place);
}

void Synchronisations::pair(SourceId set, SourceId wait) {
  const SourceId from = line(set).unit, to = line(wait).unit;
  if (from == to) return;
  for (Line& each : lines_) {
    if (each.unit == to) each.unit = from;
  }
}

std::string Synchronisations::describe(unsigned parts) {
  const std::pair<unsigned, const char*> names[] = {{notifies, "notify"},
                                                    {waits, "wait"},
                                                    {flags, "set_flag and wait_flag"},
                                                    {barriers, "barrier"},
                                                    {cleans, "dcci"}};
  // The line of a notify or wait also emits barriers and flags; only the notify or wait is named.
  if ((parts & (notifies | waits)) != 0) parts &= notifies | waits;
  std::string text;
  for (const auto& [part, name] : names) {
    if ((parts & part) != 0) text += std::string(text.empty() ? "" : " and ") + name;
  }
  return text;
}

std::vector<SyncUnit> Synchronisations::units(const SourceTable& places) const {
  std::vector<SyncUnit> result;
  std::vector<SourceId> unit_of;
  std::vector<unsigned> parts_of;
  for (SourceId place : order_) {
    const Line& own = lines_[place];
    // Without tasks, a line with flags is a verb: its flags and barriers belong to its own work.
    const bool is_verb = !has_tasks_ && (own.parts & flags) != 0;
    if ((own.parts & works) != 0 || is_verb || places.line(place).file.empty()) continue;
    const auto known = std::find(unit_of.begin(), unit_of.end(), own.unit);
    const auto index = static_cast<std::size_t>(known - unit_of.begin());
    if (known == unit_of.end()) {
      unit_of.push_back(own.unit);
      parts_of.push_back(0);
      result.push_back({.lines = {}, .what = {}});
    }
    result[index].lines.push_back(places.line(place));
    parts_of[index] |= own.parts;
    result[index].what = describe(parts_of[index]);
  }
  return result;
}

}  // namespace peal
