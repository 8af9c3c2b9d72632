// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "peal/base/api.h"

namespace PEAL_API peal {

// A node of the dependency graph: a task, or a join of other nodes. 0 is no node.
using NodeId = std::uint32_t;

// The addresses begin, ..., end - 1; empty unless begin < end.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
};

// How a task touches bytes. A `write` does not depend on their old contents, a `read_write` does.
enum class TouchKind : std::uint8_t { read, write, read_write };

struct Touch {
  ByteRange range;
  TouchKind kind = TouchKind::read;
};

// What a new task has to wait for. Both lists ascend, without duplicates, and are disjoint.
struct TaskNeeds {
  // True dependences: the last writers of the bytes that the task reads. If one fails, the task
  // cannot run.
  std::vector<NodeId> consumes;
  // Anti- and output dependences: the readers since the last write, and the last writers, of bytes
  // that the task writes. Only the order counts; if one fails, the task still runs.
  std::vector<NodeId> follows;
};

// Infers dependencies between tasks from the byte ranges that they touch, in the order of
// submission. Two touches conflict if they share a byte and at least one of them writes. Two tasks
// are ordered if and only if a chain of conflicts leads from one to the other. The amortised cost
// of a touch, in steps, needs and joins, is proportional to the depth of the trie below: at most
// 64, about the logarithm of the number of segments, for any pattern of ranges.
//
// Data structure. The address space is cut into segments; all bytes of a segment have the same last
// writer. The segments are the leaves of a path-compressed binary trie (a Patricia trie) over the
// addresses at which they begin; a segment ends where the next leaf's begins. Invariants:
//
// I1. Both ends of a range that is being worked on are beginnings of segments: add() first calls
//     cut() for both. So each leaf lies in the range or outside it, never across its border.
// I2. `writer` of a leaf is the segment's last writer. `writer` of an inner node that is `joined`
//     is a join of the last writers of all segments below it.
// I3. The readers of a segment since its last write are contained in the `readers` of the nodes on
//     the path from the root to its leaf. Each other reader R there is ordered before the segment's
//     last write W.
//
// Why the surplus readers of I3 are harmless. A reader R is added to an inner node N if it reads
// all segments below N. A later write W to some of these segments waits for the readers of N, and
// so for R, and leaves them at N, because R still counts for the other segments. The next write to
// the same segments waits for W and, in addition, for R. R is ordered before W already, so the
// additional edge orders nothing that was not ordered.
class Dependencies {
 public:
  // Makes a node that is complete when both arguments are. It may omit an argument that has already
  // completed without failure: return the other one, or 0 if both have. Joins of writers and joins
  // of readers are never mixed in one node: what a task consumes is made of writers alone.
  using Join = std::function<NodeId(NodeId, NodeId)>;

  explicit Dependencies(Join join) : make_join_(std::move(join)) {}

  // Adds a task and returns what it has to wait for because of its touches; never itself. A byte
  // that it reads in one touch and writes in another counts as written for later tasks. `task` is
  // not 0 and differs from all other nodes.
  [[nodiscard]] TaskNeeds add(NodeId task, std::span<const Touch> touches);

 private:
  using Index = std::uint32_t;  // of trie nodes
  static constexpr Index none = 0;

  // The state of the join of all writers below a node. `seen`: the writers below were collected
  // once since the last change, without a join. `joined`: the join exists, in `writer`.
  enum class Summary : std::uint8_t { unknown, seen, joined };
  // How many of the segments below a node lie in a range.
  enum class Overlap : std::uint8_t { none, part, whole };
  // Writers are collected for a read, which may be repeated, or for a write, which replaces them.
  enum class Writers : std::uint8_t { stay, go };
  enum class Collect : std::uint8_t { readers, readers_and_writers };

  struct Node {
    std::uint64_t first = 0;          // the lowest address at which a segment below begins
    Index left = none, right = none;  // told apart by the highest of the low `bits` bits
    NodeId writer = 0;                // see I2
    NodeId readers = 0;               // a join of readers of all segments below; see I3
    std::uint8_t bits = 0;            // addresses below differ in the low `bits` bits; 0: a leaf
    Summary summary = Summary::unknown;

    [[nodiscard]] bool is_leaf() const { return bits == 0; }
    [[nodiscard]] std::uint64_t mask() const {
      return is_leaf() ? 0 : ~std::uint64_t{0} >> (64 - bits);
    }
    [[nodiscard]] bool has_prefix_of(std::uint64_t at) const {
      return ((at ^ first) & ~mask()) == 0;
    }
    [[nodiscard]] Overlap overlap(const ByteRange& range) const;
  };

  // Splits the segment that holds `at`, so that one begins there. No dependency changes.
  void cut(std::uint64_t at);
  // Moves the readers of a node to its children.
  void push_readers(Node& node);

  // These work on the subtree of a node, for a range that satisfies I1.
  void collect_writers(Index index, const ByteRange& range, Writers writers,
                       std::vector<NodeId>& found);
  void collect_all(Index index, const ByteRange& range, Collect what,
                   std::vector<NodeId>& found) const;
  void add_reader(Index index, const ByteRange& range, NodeId task);
  // Makes `task` the last writer of the range, as one segment. Returns the node that replaces the
  // given one in its parent; `none` if the subtree is gone.
  Index overwrite(Index index, const ByteRange& range, NodeId task);

  NodeId join(NodeId a, NodeId b);
  NodeId joined_writers(Index index);
  Index make(const Node& node);
  void release(Index index);  // frees the whole subtree
  void release_below(Node& node);

  Join make_join_;
  struct {
    NodeId a = 0, b = 0, joined = 0;
  } last_join_;
  // Entry 0 is unused (`none`); entry 1 is at first the one segment of all addresses.
  std::vector<Node> nodes_{Node{}, Node{}};
  Index root_ = 1;
  Index free_ = none;  // free list, linked by `left`
  // Scratch of add(), kept to save allocations.
  std::vector<ByteRange> read_, updated_, written_;
};

}  // namespace peal
