// SPDX-License-Identifier: Apache-2.0
// Figures of a platform that can be read and make no sense.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "peal/base/error.h"
#include "peal/run/platform.h"
#include "tests/fuzz/parsers.h"
#include "tests/support/program.h"

namespace peal {
namespace {

// The platform file with each figure, one at a time, replaced.
std::vector<std::string> files_with(const std::string& figure) {
  std::vector<std::string> lines;
  std::istringstream file(file_text(PEAL_SOURCE_DIR "/platforms/a2a3.toml"));
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  std::vector<std::string> result;
  for (std::size_t changed = 0; changed < lines.size(); ++changed) {
    const std::size_t sign = lines[changed].find(" = ");
    const bool is_figure = sign != std::string::npos && lines[changed].front() != '#' &&
                           std::isdigit(static_cast<unsigned char>(lines[changed][sign + 3])) != 0;
    if (!is_figure) continue;
    std::string text;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      text += (i == changed ? lines[i].substr(0, sign + 3) + figure : lines[i]) + "\n";
    }
    result.push_back(text);
  }
  return result;
}

TEST(PlatformFile, RefusesFiguresThatMakeNoSense) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.toml");
  for (const char* figure :
       {"-1", "-1e300", "nan", "inf", "-inf", "1e300", "9223372036854775807", "\"many\"", "[]"}) {
    const std::vector<std::string> files = files_with(figure);
    EXPECT_GT(files.size(), 20u);
    for (const std::string& text : files) {
      std::ofstream(path) << text;
      try {
        static_cast<void>(read_platform(path));
        ADD_FAILURE() << figure << " is taken in\n" << text;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("` must be "), std::string::npos) << error.what();
      }
    }
  }
}

// Whatever is taken in can be run: the fuzzed parser makes a run of it.
TEST(PlatformFile, RunsWithTheFiguresAtTheLimits) {
  const FuzzParser& parser = find_fuzz_parser("platforms");
  int runs = 0;
  for (const char* figure : {"0", "1", "1e-3", "1000", "65536", "1000000"}) {
    for (const std::string& text : files_with(figure)) {
      try {
        parser.parse(text);
        ++runs;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("` must be "), std::string::npos) << error.what();
      }
    }
  }
  EXPECT_GT(runs, 60);
}

TEST(PlatformFile, AQueueThatWouldWrapIsToldInOneSentence) {
  const TemporaryFolder folder;
  std::string text = file_text(PEAL_SOURCE_DIR "/platforms/a2a3.toml");
  const std::string figure = "queue_depth = 32";
  text.replace(text.find(figure), figure.size(), "queue_depth = 4294967295");
  std::ofstream(folder.path("x.toml")) << text;
  expect_misuse("run barrier -p " + folder.path("x.toml"),
                "`core.queue_depth` must be a whole number from 1 to 65536");
}

}  // namespace
}  // namespace peal
