// SPDX-License-Identifier: Apache-2.0
#include "peal/runtime/graph/dependencies.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

// The union of the ranges touched in these kinds, as ascending ranges with gaps between them.
void cover(std::span<const Touch> touches, TouchKind kind, TouchKind or_kind,
           std::vector<ByteRange>& ranges) {
  ranges.clear();
  for (const Touch& touch : touches) {
    const bool counts = touch.kind == kind || touch.kind == or_kind;
    if (counts && touch.range.begin < touch.range.end) ranges.push_back(touch.range);
  }
  if (ranges.size() < 2) return;
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.begin < b.begin; });
  auto last = ranges.begin();
  for (auto range = last + 1; range != ranges.end(); ++range) {
    if (range->begin <= last->end) {
      last->end = std::max(last->end, range->end);
    } else {
      *++last = *range;
    }
  }
  ranges.erase(last + 1, ranges.end());
}

void make_unique(std::vector<NodeId>& nodes) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
}

}  // namespace

// All segments below begin within [first, last]. That interval may be larger than what they really
// span, but the result is exact nevertheless, by I1: if range.begin or range.end lies in (first,
// last], it has the prefix of this node, and a segment begins there. So that segment is one of
// those below, and the border really separates it from the segment at `first`.
Dependencies::Overlap Dependencies::Node::overlap(const ByteRange& range) const {
  const std::uint64_t last = first | mask();
  if (last < range.begin || first >= range.end) return Overlap::none;
  return first >= range.begin && last < range.end ? Overlap::whole : Overlap::part;
}

TaskNeeds Dependencies::add(NodeId task, std::span<const Touch> touches) {
  PEAL_CHECK(task != 0);
  cover(touches, TouchKind::read, TouchKind::read, read_);
  cover(touches, TouchKind::read_write, TouchKind::read_write, updated_);
  cover(touches, TouchKind::write, TouchKind::read_write, written_);
  for (const auto* ranges : {&read_, &updated_, &written_}) {
    for (const ByteRange& range : *ranges) {
      cut(range.begin);
      cut(range.end);
    }
  }
  TaskNeeds needs;
  for (const ByteRange& range : read_) {
    collect_writers(root_, range, Writers::stay, needs.consumes);
  }
  for (const ByteRange& range : updated_) {
    collect_writers(root_, range, Writers::go, needs.consumes);
  }
  std::vector<NodeId> all;
  for (const ByteRange& range : written_) {
    collect_all(root_, range, Collect::readers_and_writers, all);
  }
  make_unique(needs.consumes);
  make_unique(all);
  std::set_difference(all.begin(), all.end(), needs.consumes.begin(), needs.consumes.end(),
                      std::back_inserter(needs.follows));
  for (const ByteRange& range : read_) add_reader(root_, range, task);
  for (const ByteRange& range : written_) root_ = overwrite(root_, range, task);
  return needs;
}

// Cutting the segment `whole` at `at` makes a new leaf with the same last writer (I2). It must also
// get the same readers (I3), although its path from the root is another one. The nodes on that path
// are those with the prefix of `at`. Three cases:
// 1. A node on the path to `whole` but not on the new path: its readers are joined into the leaf.
// 2. A node on both paths: nothing to do.
// 3. A node on the new path but not on the path to `whole`; it has at < node.first. Its readers
//    have not read the new segment, so they are pushed down to the children before the leaf goes
//    below. A join of its writers lacks the leaf's, so it is reset. In case 2 the join stays right,
//    because `whole`, which has the same writer, is below the node, too.
void Dependencies::cut(std::uint64_t at) {
  // Case 1: descend to the segment that holds `at`.
  NodeId readers = 0;
  Index whole = root_;
  for (;;) {
    const Node& node = nodes_[whole];
    if (!node.has_prefix_of(at)) readers = join(readers, node.readers);
    if (node.is_leaf()) break;
    whole = nodes_[node.right].first <= at ? node.right : node.left;
  }
  if (nodes_[whole].first == at) return;
  const Index leaf = make({.first = at, .writer = nodes_[whole].writer, .readers = readers});
  const Index fork = make({});
  Index* link = &root_;
  while (nodes_[*link].has_prefix_of(at)) {
    Node& node = nodes_[*link];
    if (at < node.first) {  // case 3
      push_readers(node);
      node.first = at;
      node.summary = Summary::unknown;
    }
    link = (at >> (node.bits - 1) & 1) != 0 ? &node.right : &node.left;
  }
  const Index other = *link;
  const std::uint64_t other_first = nodes_[other].first;
  const bool is_left = at < other_first;
  nodes_[fork] = {.first = std::min(at, other_first),
                  .left = is_left ? leaf : other,
                  .right = is_left ? other : leaf,
                  .bits = static_cast<std::uint8_t>(std::bit_width(at ^ other_first))};
  *link = fork;
}

void Dependencies::push_readers(Node& node) {
  for (const Index child : {node.left, node.right}) {
    nodes_[child].readers = join(nodes_[child].readers, node.readers);
  }
  node.readers = 0;
}

// Joins are made lazily, to bound the cost. The first read of a subtree collects its writers one by
// one and marks its nodes `seen`; the second one, without a change between, joins them; later reads
// take the join in one step. A write below resets only the nodes on its path. So where reads of a
// whole array alternate with writes of pieces, each read takes the joins of the untouched subtrees
// and makes few new ones. A write (Writers::go) makes no joins: it removes the leaves that it
// collects, so each is collected once.
void Dependencies::collect_writers(Index index, const ByteRange& range, Writers writers,
                                   std::vector<NodeId>& found) {
  Node& node = nodes_[index];
  const Overlap overlap = node.overlap(range);
  if (overlap == Overlap::none) return;
  if (overlap == Overlap::whole) {
    if (writers == Writers::stay && node.summary == Summary::seen) joined_writers(index);
    if (node.is_leaf() || node.summary == Summary::joined) {
      if (node.writer != 0) found.push_back(node.writer);
      return;
    }
    if (writers == Writers::stay) node.summary = Summary::seen;
  }
  collect_writers(node.left, range, writers, found);
  collect_writers(node.right, range, writers, found);
}

void Dependencies::collect_all(Index index, const ByteRange& range, Collect what,
                               std::vector<NodeId>& found) const {
  const Node& node = nodes_[index];
  const Overlap overlap = node.overlap(range);
  if (overlap == Overlap::none) return;
  if (node.readers != 0) found.push_back(node.readers);
  const bool has_writer = node.is_leaf() || node.summary == Summary::joined;
  if (what == Collect::readers_and_writers && overlap == Overlap::whole && has_writer) {
    if (node.writer != 0) found.push_back(node.writer);
    what = Collect::readers;
  }
  if (node.is_leaf()) return;
  collect_all(node.left, range, what, found);
  collect_all(node.right, range, what, found);
}

void Dependencies::add_reader(Index index, const ByteRange& range, NodeId task) {
  Node& node = nodes_[index];
  const Overlap overlap = node.overlap(range);
  if (overlap == Overlap::none) return;
  if (overlap == Overlap::whole) {
    node.readers = join(node.readers, task);
    return;
  }
  add_reader(node.left, range, task);
  add_reader(node.right, range, task);
}

Dependencies::Index Dependencies::overwrite(Index index, const ByteRange& range, NodeId task) {
  Node& node = nodes_[index];
  const Overlap overlap = node.overlap(range);
  if (overlap == Overlap::none) return index;
  if (overlap == Overlap::whole) {
    if (node.first != range.begin) {
      release(index);
      return none;
    }
    release_below(node);
    node = {.first = range.begin, .writer = task};
    return index;
  }
  node.left = overwrite(node.left, range, task);
  node.right = overwrite(node.right, range, task);
  if (node.left != none && node.right != none) {
    node.first = nodes_[node.left].first;
    node.summary = Summary::unknown;
    return index;
  }
  const Index rest = node.left != none ? node.left : node.right;
  nodes_[rest].readers = join(nodes_[rest].readers, node.readers);
  node.left = node.right = none;
  release(index);
  return rest;
}

NodeId Dependencies::join(NodeId a, NodeId b) {
  if (a == 0 || a == b) return b;
  if (b == 0) return a;
  // Neighbours often have the same readers, so the same join is often asked for again at once.
  if (last_join_.a != a || last_join_.b != b) last_join_ = {a, b, make_join_(a, b)};
  return last_join_.joined;
}

NodeId Dependencies::joined_writers(Index index) {
  Node& node = nodes_[index];
  if (node.is_leaf() || node.summary == Summary::joined) return node.writer;
  node.writer = join(joined_writers(node.left), joined_writers(node.right));
  node.summary = Summary::joined;
  return node.writer;
}

Dependencies::Index Dependencies::make(const Node& node) {
  if (free_ == none) {
    nodes_.push_back(node);
    return static_cast<Index>(nodes_.size() - 1);
  }
  const Index index = free_;
  free_ = nodes_[index].left;
  nodes_[index] = node;
  return index;
}

void Dependencies::release(Index index) {
  Node& node = nodes_[index];
  release_below(node);
  node.left = free_;
  free_ = index;
}

void Dependencies::release_below(Node& node) {
  for (Index* child : {&node.left, &node.right}) {
    if (*child != none) release(std::exchange(*child, none));
  }
}

}  // namespace peal
