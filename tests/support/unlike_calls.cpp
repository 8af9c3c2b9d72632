// SPDX-License-Identifier: Apache-2.0
#include "tests/support/unlike_calls.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "peal/base/error.h"

namespace peal::tests {
namespace {

constexpr std::size_t max_text = 2048;
constexpr std::byte untouched{0xa5};

// What a rank leaves in memory that outlives it.
struct RankNote {
  char text[max_text] = {};
  int spoilt = 0;
};

// A buffer with as much behind it as any other rank may believe it to have.
struct Guarded {
  std::span<std::byte> all;
  View view;

  [[nodiscard]] int spoilt() const {
    return static_cast<int>(
        std::count_if(all.begin() + static_cast<std::ptrdiff_t>(view.size_bytes()), all.end(),
                      [](std::byte byte) { return byte != untouched; }));
  }
};

class Buffers {
 public:
  Buffers(Team& team, const UnlikeCall& call, std::size_t room_bytes) : own_(2 * room_bytes) {
    const View window = team.allocate(2 * room_bytes, DType::u8);
    std::byte* const data = call.in_windows ? window.data : own_.data();
    const CollectiveShape blocks = shape(call.collective, team.size());
    const auto make = [&](std::byte* at, int count) {
      std::fill_n(at, room_bytes, untouched);
      return Guarded{{at, room_bytes},
                     {at, call.count * static_cast<std::size_t>(count), call.dtype}};
    };
    send = make(data, blocks.send_blocks);
    recv = make(data + room_bytes, blocks.recv_blocks);
    std::fill_n(send.view.data, send.view.size_bytes(), std::byte{0});
  }

  Guarded send, recv;

 private:
  std::vector<std::byte> own_;
};

void make_call(Team& team, const UnlikeCall& call, const Buffers& buffers) {
  run_collective(team, {.collective = call.collective,
                        .send = buffers.send.view,
                        .recv = buffers.recv.view,
                        .op = call.op,
                        .root = call.root,
                        .algorithm = call.algorithm});
}

}  // namespace

UnlikeRun run_unlike(Executor& executor, const std::vector<UnlikeCall>& calls, int before) {
  const auto ranks = static_cast<int>(calls.size());
  const std::span<std::byte> shared = executor.share(calls.size() * sizeof(RankNote));
  auto* const notes = reinterpret_cast<RankNote*>(shared.data());
  std::size_t longest = 1;
  for (const UnlikeCall& call : calls) longest = std::max(longest, call.count);
  const std::size_t room_bytes = (longest + 16) * 8 * calls.size();
  UnlikeRun result;
  const auto program = [&](Team& team) {
    const auto rank = static_cast<std::size_t>(team.rank());
    RankNote& note = notes[rank];
    Buffers alike(team, calls.front(), room_bytes);
    for (int call = 0; call < before; ++call) make_call(team, calls.front(), alike);
    Buffers buffers(team, calls[rank], room_bytes);
    peal::barrier(team);
    const auto look = [&] { note.spoilt = buffers.send.spoilt() + buffers.recv.spoilt(); };
    try {
      make_call(team, calls[rank], buffers);
      peal::barrier(team);
      look();
    } catch (const std::exception& error) {
      look();
      note.text[std::string(error.what()).copy(note.text, max_text - 1)] = '\0';
      throw;
    }
  };
  try {
    executor.run(ranks, program, {});
  } catch (const Error& error) {
    result.text = error.what();
  }
  for (int rank = 0; rank < ranks; ++rank) {
    result.ranks.emplace_back(notes[rank].text);
    result.spoilt += notes[rank].spoilt;
  }
  return result;
}

}  // namespace peal::tests
