// SPDX-License-Identifier: Apache-2.0
#include "peal/base/notes.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>

namespace peal {
namespace {

// Of the process, since notes arise where nobody can pass a handler, such as in a forked rank.
std::atomic<NoteHandler> note_handler = print_note;

}  // namespace

NoteHandler set_note_handler(NoteHandler handler) noexcept {
  return note_handler.exchange(handler);
}

void print_note(const Note& note) {
  const std::string line = describe(note) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

std::string describe(const Note& note) {
  return fmt::format("peal: {}{}", note.kind == Note::Kind::notice ? "note: " : "", note.text);
}

void give_note(const Note& note) {
  if (const NoteHandler handler = note_handler.load()) handler(note);
}

}  // namespace peal
