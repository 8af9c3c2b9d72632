// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace peal {

// A task, or a join of others: a node of a graph of what waits for what. 0 is none.
using NodeId = std::uint32_t;

// Addresses; empty where `end` is not after `begin`.
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
};

// A `write` does not take in what the bytes held before, a `read_write` does.
enum class TouchKind : std::uint8_t { read, write, read_write };

struct Touch {
  ByteRange range;
  TouchKind kind = TouchKind::read;
};

// What a new task has to wait for: each node once, in ascending order, none in both.
struct TaskNeeds {
  // The last writers of the bytes whose data the task takes in. What fails here fails the task.
  std::vector<NodeId> consumes;
  // The last writers and the readers since of the bytes it writes: only the order counts.
  std::vector<NodeId> follows;
};

// Infers what tasks wait for, in the order in which they are submitted, from the bytes they touch.
// Two tasks are ordered if and only if a chain of conflicts leads from one to the other. In the
// long run a touch costs steps, needs and joins in proportion to the depth of a trie (at most 64,
// about the logarithm of the number of segments), whatever the pattern is.
//
// Addresses are cut into segments with one last writer each. A binary trie over the addresses at
// which segments begin (as deep as it takes to tell them apart) keeps, at each node, readers of all
// segments below it. A write leaves the readers of nodes above in place: those that are not readers
// since the write are ordered before it, so that to wait for them too orders nothing more.
class Dependencies {
 public:
  // Returns a node that is complete when both are. Where one has completed without failure, it may
  // return the other, and none where both have. A node that is consumed is made only of writers.
  using Join = std::function<NodeId(NodeId, NodeId)>;

  explicit Dependencies(Join join) : make_join_(std::move(join)) {}

  // What `task` needs by all that it touches. It never needs itself: a byte that it both reads and
  // writes counts as written. Its number is not 0, and not that of another node.
  [[nodiscard]] TaskNeeds add(NodeId task, std::span<const Touch> touches);

 private:
  using Index = std::uint32_t;  // of trie nodes
  static constexpr Index none = 0;

  // Of the join of all writers below a node: whether it is made, or has been asked for once.
  enum class Summary : std::uint8_t { unknown, seen, joined };
  enum class Overlap : std::uint8_t { none, part, whole };
  // Whether writers are collected in order to be asked for again, or to be overwritten.
  enum class Writers : std::uint8_t { stay, go };
  enum class Collect : std::uint8_t { readers, readers_and_writers };

  struct Node {
    std::uint64_t first = 0;          // the lowest address below
    Index left = none, right = none;  // by the highest of `bits`
    NodeId writer = 0;                // of a leaf's segment, or of all below if `joined`
    NodeId readers = 0;               // of all segments below
    std::uint8_t bits = 0;            // so many low ones differ in addresses below; 0 in a leaf
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

  // Makes a segment begin at `at`. Nothing else changes.
  void cut(std::uint64_t at);
  void push_readers(Node& node);

  // These work on what is below a node, for ranges that begin and end where segments do.
  void collect_writers(Index index, const ByteRange& range, Writers writers,
                       std::vector<NodeId>& found);
  void collect_all(Index index, const ByteRange& range, Collect what,
                   std::vector<NodeId>& found) const;
  void add_reader(Index index, const ByteRange& range, NodeId task);
  // Returns what takes the place of the node.
  Index overwrite(Index index, const ByteRange& range, NodeId task);

  NodeId join(NodeId a, NodeId b);
  NodeId joined_writers(Index index);
  Index make(const Node& node);
  void release(Index index);  // with all that is below
  void release_below(Node& node);

  Join make_join_;
  struct {
    NodeId a = 0, b = 0, joined = 0;
  } last_join_;
  // The first is no node, the second the segment of all addresses.
  std::vector<Node> nodes_{Node{}, Node{}};
  Index root_ = 1;
  Index free_ = none;  // a list by `left`
  // Of the task that is added.
  std::vector<ByteRange> read_, updated_, written_;
};

}  // namespace peal
