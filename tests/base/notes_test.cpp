// SPDX-License-Identifier: Apache-2.0
#include "peal/base/notes.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/program.h"

namespace peal {
namespace {

std::string heard;  // what hear() was given; handlers are plain functions

void hear(const Note& note) { heard += describe(note) + "\n"; }

// Sets a handler while it lives.
class Handling {
 public:
  explicit Handling(NoteHandler handler) : before_(set_note_handler(handler)) {}
  ~Handling() { set_note_handler(before_); }
  Handling(const Handling&) = delete;
  Handling& operator=(const Handling&) = delete;

 private:
  NoteHandler before_;
};

std::string printed_by_all_kinds() {
  testing::internal::CaptureStderr();
  for (const auto kind : {Note::Kind::notice, Note::Kind::choice, Note::Kind::failure}) {
    give_note({kind, "a text"});
  }
  return testing::internal::GetCapturedStderr();
}

constexpr const char* all_lines = "peal: note: a text\npeal: a text\npeal: a text\n";

TEST(Notes, GoToStderrUnlessTheProgramSaysOtherwise) {
  EXPECT_EQ(printed_by_all_kinds(), all_lines);
  {
    const Handling hearing(hear);
    heard.clear();
    EXPECT_EQ(printed_by_all_kinds(), "");
    EXPECT_EQ(heard, all_lines);
    const Handling silence(nullptr);
    EXPECT_EQ(printed_by_all_kinds(), "");
    EXPECT_EQ(heard, all_lines);
  }
  EXPECT_EQ(printed_by_all_kinds(), all_lines);
}

TEST(Notes, OfAForkedProcessGoToTheSameFunction) {
  const Handling hearing(hear);
  heard.clear();
  EXPECT_EQ(code_of_child([] {
              give_note({Note::Kind::notice, "in the fork"});
              return heard == "peal: note: in the fork\n" ? 7 : 1;
            }),
            7);
  EXPECT_EQ(heard, "");
}

}  // namespace
}  // namespace peal
