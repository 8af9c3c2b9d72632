// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/staged_arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "peal/base/error.h"
#include "peal/runtime/worker_state.h"

namespace peal {
namespace {

// A range of host memory that a device of the group has a copy of.
struct HostPart {
  const std::byte *begin, *end;
  int device;
  bool writes;
};

// A sweep over parts in the order of their beginnings. Of the parts so far, keeps the one with the
// greatest end (all_), and the one with the greatest end among those of other devices than all_'s
// (other_). One of the two is the furthest part of a device other than any given one, and since all
// begin earlier, a new part overlaps some part of another device if and only if it begins before
// the end of that furthest one.
class Furthest {
 public:
  void add(const HostPart& part) {
    if (all_ == nullptr || part.end > all_->end) {
      if (all_ != nullptr && all_->device != part.device) other_ = all_;
      all_ = &part;
    } else if (part.device != all_->device && (other_ == nullptr || part.end > other_->end)) {
      other_ = &part;
    }
  }
  // A part of another device that `part` overlaps, or null.
  [[nodiscard]] const HostPart* met_by(const HostPart& part) const {
    const HostPart* const met = all_ == nullptr || all_->device != part.device ? all_ : other_;
    return met != nullptr && part.begin < met->end ? met : nullptr;
  }

 private:
  const HostPart* all_ = nullptr;
  const HostPart* other_ = nullptr;
};

}  // namespace

// The members of a group run concurrently, so memory that one member writes must not be used by
// another one. And two copies on one device that are both written back must not overlap in part:
// the second would overwrite the first one's result with old bytes. Equal ranges are fine, because
// they share one copy.
void check_apart(std::span<const TaskMember> members, std::span<const StagedArray> staged,
                 const WorkerState& worker, const std::string& subject) {
  if (staged.size() < 2) return;
  std::vector<HostPart> parts;
  std::size_t next = 0;
  for (const TaskMember& member : members) {
    for (const TaskArgument& argument : member.arguments) {
      if (next == staged.size() || argument.view.data != staged[next].device) continue;
      const StagedArray& array = staged[next++];
      if (array.only_changes) continue;
      parts.push_back({array.host, array.host + array.size_bytes, member.device, array.writes});
    }
  }
  std::sort(parts.begin(), parts.end(), [](const HostPart& a, const HostPart& b) {
    return std::tie(a.begin, a.end, a.device) < std::tie(b.begin, b.end, b.device);
  });
  Furthest readers, writers;
  std::map<int, const HostPart*> written;  // by device: the written part with the greatest end
  for (const HostPart& part : parts) {
    const HostPart* other = writers.met_by(part);
    if (other == nullptr && part.writes) other = readers.met_by(part);
    if (other != nullptr) {
      throw UsageError(
          fmt::format("{}: its members on devices {} and {} use the same memory of the host, "
                      "and one writes it; give each its own",
                      subject, worker.number_of(other->device), worker.number_of(part.device)));
    }
    (part.writes ? writers : readers).add(part);
    if (!part.writes) continue;
    const HostPart*& own = written[part.device];
    if (own != nullptr && part.begin < own->end &&
        (part.begin != own->begin || part.end != own->end)) {
      throw UsageError(
          fmt::format("{}: device {} is to write two arrays of host memory that overlap in "
                      "part; give them as one, or apart",
                      subject, worker.number_of(part.device)));
    }
    if (own == nullptr || part.end > own->end) own = &part;
  }
}

void copy_to_devices(std::span<StagedArray> staged) {
  for (StagedArray& array : staged) {
    std::memcpy(array.device, array.host, array.size_bytes);
    if (array.only_changes) array.before.assign(array.host, array.host + array.size_bytes);
  }
}

void write_back(std::span<const StagedArray> staged) {
  for (const StagedArray& array : staged) {
    if (!array.writes) continue;
    if (!array.only_changes) {
      std::memcpy(array.host, array.device, array.size_bytes);
      continue;
    }
    for (std::size_t i = 0; i < array.size_bytes; ++i) {
      if (array.device[i] != array.before[i]) array.host[i] = array.device[i];
    }
  }
}

}  // namespace peal
