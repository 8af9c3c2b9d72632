// SPDX-License-Identifier: Apache-2.0
#include "peal/checks/event_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/base/file_text.h"
#include "peal/checks/checker.h"
#include "tests/support/program.h"

namespace peal {
namespace {

// Keeps the places of events, with their texts.
class PlacesRead final : public EventReader {
 public:
  void read(const Event& event) override {
    if (event.kind != EventKind::region) lines_.push_back(places_.line(places_.id(event.place)));
  }
  [[nodiscard]] const std::vector<FindingLine>& lines() const { return lines_; }

 private:
  SourceTable places_;
  std::vector<FindingLine> lines_;
};

constexpr Event only_core{.kind = EventKind::region,
                          .region = RegionKind::on_chip,
                          .address = 0x10000,
                          .size_bytes = 4096,
                          .name = "on-chip memory"};

// A recorded run of one dsb at each place.
void record_dsbs(const std::string& path, const std::vector<SourcePlace>& places) {
  EventFileWriter file(path, {.switches = {}, .ranks = 1});
  file.read(only_core);
  for (const SourcePlace place : places) file.read({.kind = EventKind::dsb, .place = place});
  file.finish("");
}

// One file name may be of two origins, where the program has a folder of the same name as Peal.
TEST(EventFile, PlacesKeepTheirOrigin) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.events");
  const char* const file = "peal/launch/x.cpp";
  std::vector<SourcePlace> places;
  for (const SourceOrigin origin :
       {SourceOrigin::runtime, SourceOrigin::kernel, SourceOrigin::library, SourceOrigin::call}) {
    places.push_back({file, 7, origin});
  }
  record_dsbs(path, places);
  PlacesRead read;
  read_event_file(path, read);
  ASSERT_EQ(read.lines().size(), places.size());
  for (std::size_t i = 0; i < places.size(); ++i) {
    EXPECT_EQ(read.lines()[i], (FindingLine{file, 7, places[i].origin}));
  }
}

// What counts as a kernel's instruction is decided by the origin, whatever the file is called.
TEST(EventFile, AProgramMayCallAFolderPeal) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.events");
  record_dsbs(path, {{"peal/launch/x.cpp", 7, SourceOrigin::kernel},
                     {"peal/kernels/x.cpp", 8, SourceOrigin::library},
                     {"mine.cpp", 9, SourceOrigin::runtime}});
  Checker checker(Platform::Switches{});
  read_event_file(path, checker);
  checker.finish(Checker::RunEnd::right);
  EXPECT_EQ(checker.kernel_instructions(), 2u);
}

TEST(EventFile, AnotherFormatIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.events");
  record_dsbs(path, {});
  std::string text = file_text(path);
  ASSERT_EQ(text.substr(0, 14), "peal events 2\n");
  text[12] = '1';
  std::ofstream(path, std::ios::binary) << text;
  EXPECT_TRUE(is_event_file(path));
  expect_misuse("check " + path,
                "has format 1, and this version of Peal reads format 2; record it again with "
                "`peal check ... --events FILE`");
  text[12] = 'x';
  std::ofstream(path, std::ios::binary) << text;
  EXPECT_FALSE(is_event_file(path));
}

}  // namespace
}  // namespace peal
