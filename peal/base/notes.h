// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peal/base/api.h"

namespace PEAL_API peal {

// What the library has to say while it goes on, so that no exception can say it.
struct Note {
  enum class Kind : std::uint8_t {
    notice,   // of what one may want to look at, such as a wait that lasts long
    choice,   // of an algorithm, where the environment variable PEAL_LOG asks for it
    failure,  // of a process that the library has started, and that ends with it
  };
  Kind kind{};
  std::string_view text;  // one or more lines without the last newline; valid during the call
};

// A plain function, which needs no lock to be called: not while another thread sets it, nor in a
// process that is forked meanwhile.
using NoteHandler = void (*)(const Note& note);

// Sets the function that gets all notes of this process, and of those that it forks from then on;
// it may be called by several threads at once, and must not throw. nullptr: notes are dropped. At
// first it is print_note(). Returns the function set before.
NoteHandler set_note_handler(NoteHandler handler) noexcept;

// Writes the note's line to stderr; ignores an error, such as a full disk.
void print_note(const Note& note);

// "peal: note: ..." for a notice, "peal: ..." for other notes.
[[nodiscard]] std::string describe(const Note& note);

// Gives a note to the handler.
void give_note(const Note& note);

}  // namespace peal
